//! How long requests took, told apart as OpenTelemetry's conventions have it: by method, route, status, scheme and version.
//!
//! For collectors alone, whose boards expect it. While none is told of metrics, a request pays for one look at a number. Each data thread
//! has series of its own ([`RequestLane`]), which no other writes to; they are added up as they are read.
//!
//! Source: OpenTelemetry semantic conventions 1.x, "HTTP metrics": `http.server.request.duration`, and the bounds that it advises.

mod lane;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use backstay_upstream::counts::{Bounds, Count, FixedTimes, TimesRead};
use http::{Method, StatusCode, Version};

use crate::conventions::KnownMethod;
pub(crate) use lane::RequestLane;

/// Upper bounds of the buckets in seconds, as the conventions advise, where the fleet says no others.
const ADVISED: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// How many series there may be, unless a limit says otherwise.
const MOST: usize = 2000;

/// How long requests took, of all data threads.
#[derive(Debug)]
pub struct RequestTimes {
    /// Which series are counted in: 0 for none, and another number each time that they begin anew.
    generation: AtomicU32,
    most: usize,
    known: Mutex<Known>,
    /// Requests that were counted together with others, since there were as many series as there may be.
    pub overflows: Count,
}

#[derive(Debug, Default)]
struct Known {
    generation: u32,
    /// How often they began anew.
    begun: u32,
    /// The bounds that the fleet says.
    said: Option<Bounds>,
    /// What routes match, by their number less one. They are never forgotten: a request that is under way knows its own by number.
    routes: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u16>,
    /// Those of each thread.
    series: HashMap<Series, Vec<Arc<FixedTimes>>>,
}

/// What is told of a request: all that it is told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Measured {
    pub(crate) method: KnownMethod,
    pub(crate) version: Version,
    pub(crate) secure: bool,
    /// That of the answer; 0 where there was none.
    pub(crate) status: u16,
    pub(crate) route: RouteNumber,
}

/// Which of the routes that are known it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct RouteNumber(u16);

/// A series, in one number: it is looked for with each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Series(u64);

/// Where a thread counts requests of a series.
enum Place {
    Own(Arc<FixedTimes>),
    /// There are as many series as there may be.
    NoRoom,
    /// All have begun anew meanwhile, or are counted no longer.
    Over,
}

/// One series, as it is told.
#[derive(Debug)]
pub(crate) struct SeriesRead {
    /// `None` for the one of all requests that have none of their own.
    pub(crate) of: Option<(Measured, Option<Arc<str>>)>,
    pub(crate) times: TimesRead,
}

impl RouteNumber {
    /// There is no room for it.
    const BEYOND: Self = Self(u16::MAX);
}

impl Series {
    /// That of requests that have none of their own.
    const BEYOND: Self = Self(u64::MAX);

    fn of(measured: &Measured) -> Self {
        if measured.route == RouteNumber::BEYOND {
            return Self::BEYOND;
        }
        let version = match measured.version {
            Version::HTTP_10 => 0,
            Version::HTTP_2 => 2,
            _ => 1,
        };
        let parts = [measured.method.number(), version, u8::from(measured.secure), 0];
        let low = u64::from(u32::from_be_bytes(parts));
        Self(u64::from(measured.route.0) << 48 | u64::from(measured.status) << 32 | low)
    }

    /// What it is of.
    fn measured(self) -> Option<Measured> {
        let [high, low, first, second, method, version, secure, _] = self.0.to_be_bytes();
        (self != Self::BEYOND).then(|| Measured {
            method: KnownMethod::numbered(method),
            version: match version {
                0 => Version::HTTP_10,
                2 => Version::HTTP_2,
                _ => Version::HTTP_11,
            },
            secure: secure == 1,
            status: u16::from_be_bytes([first, second]),
            route: RouteNumber(u16::from_be_bytes([high, low])),
        })
    }
}

impl Measured {
    /// What is known of a request as it begins.
    pub(crate) fn begin(method: &Method, version: Version, secure: bool) -> Self {
        Self { method: KnownMethod::of(method), version, secure, status: 0, route: RouteNumber::default() }
    }

    /// The client is told this.
    pub(crate) fn answered(&mut self, status: StatusCode) {
        self.status = status.as_u16();
    }
}

impl Default for RequestTimes {
    fn default() -> Self {
        Self::new(MOST)
    }
}

impl RequestTimes {
    /// Counts nothing until it is turned on; of as many series as `most` then, 1 to 65,534.
    pub(crate) fn new(most: usize) -> Self {
        Self { generation: AtomicU32::new(0), most, known: Mutex::default(), overflows: Count::default() }
    }

    /// Counts from now on, from nothing, by bounds that the fleet says, if it does; as before, where it has counted by the same.
    pub fn turn_on(&self, said: Option<&Bounds>) {
        let mut known = self.known();
        if known.generation != 0 && known.said.as_ref() == said {
            return;
        }
        known.begun = known.begun.wrapping_add(1).max(1);
        known.generation = known.begun;
        known.said = said.cloned();
        known.series.clear();
        self.generation.store(known.generation, Relaxed);
    }

    /// Counts nothing from now on, and forgets what was counted.
    pub fn turn_off(&self) {
        let mut known = self.known();
        known.generation = 0;
        known.series.clear();
        self.generation.store(0, Relaxed);
    }

    /// Whether requests are counted.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.generation.load(Relaxed) != 0
    }

    /// How many series there are, of all threads together.
    pub(crate) fn len(&self) -> usize {
        self.known().series.len()
    }

    /// What there is now, in an order that stays.
    pub(crate) fn read(&self) -> Vec<SeriesRead> {
        let known = self.known();
        let mut series: Vec<_> = known.series.iter().collect();
        series.sort_unstable_by_key(|(series, _)| **series);
        let read = series.into_iter().filter_map(|(series, threads)| {
            let times = threads.iter().map(|times| times.read()).reduce(TimesRead::and)?;
            let of = series.measured().map(|measured| {
                let route = usize::from(measured.route.0).checked_sub(1).and_then(|index| known.routes.get(index));
                (measured, route.cloned())
            });
            Some(SeriesRead { of, times })
        });
        read.collect()
    }

    /// The number of a route, which is its own from now on.
    fn number(&self, route: &str) -> RouteNumber {
        let mut known = self.known();
        if let Some(number) = known.numbers.get(route) {
            return RouteNumber(*number);
        }
        let number = match u16::try_from(known.routes.len() + 1) {
            Ok(number) if usize::from(number) <= self.most && number < RouteNumber::BEYOND.0 => number,
            _ => return RouteNumber::BEYOND,
        };
        let route: Arc<str> = route.into();
        known.routes.push(Arc::clone(&route));
        known.numbers.insert(route, number);
        RouteNumber(number)
    }

    /// A place of a thread's own in a series of that generation.
    fn enter(&self, generation: u32, series: Series) -> Place {
        let mut known = self.known();
        if known.generation != generation {
            return Place::Over;
        }
        let own = known.series.len() - usize::from(known.series.contains_key(&Series::BEYOND));
        if series != Series::BEYOND && own >= self.most && !known.series.contains_key(&series) {
            return Place::NoRoom;
        }
        let bounds = known.said.clone().unwrap_or_else(|| ADVISED.into());
        let times = Arc::new(FixedTimes::new(bounds));
        known.series.entry(series).or_default().push(Arc::clone(&times));
        Place::Own(times)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
