//! Figures of the last minutes: gathered while somebody looks at pages, and only then.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use backstay_proto::live::{Top, TopRow, TopTable};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use crate::api::{Api, ApiError};

/// From one figure to the next.
pub(crate) const INTERVAL: Duration = Duration::from_secs(2);
/// Figures that are kept: five minutes of them.
const KEPT: usize = 150;
/// How long after the last page that showed figures they are gathered.
const AFTERWARDS: Duration = Duration::from_secs(120);
/// How long a control plane that shows nothing is left alone.
const AGAIN: Duration = Duration::from_secs(5);

/// Figures of all routes and backends together.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Point {
    /// Requests a second.
    pub(crate) rate: f64,
    /// Of a hundred, those that failed: 5xx, and clients that left.
    pub(crate) errors: f64,
    /// Milliseconds in which half had ended, and 99 of a hundred; of the slowest pair of a route and a backend.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// What there is to draw.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recent {
    pub(crate) points: Vec<Point>,
    pub(crate) last: Option<Arc<TopTable>>,
    /// Why there is nothing.
    pub(crate) error: Option<ApiError>,
}

/// Gathers figures.
#[derive(Debug)]
pub(crate) struct Traffic {
    api: Arc<Api>,
    inner: Mutex<Inner>,
    wanted: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    points: VecDeque<Point>,
    last: Option<Arc<TopTable>>,
    error: Option<ApiError>,
    wanted_until: Option<Instant>,
}

impl Traffic {
    pub(crate) fn new(api: Arc<Api>) -> Self {
        Self { api, inner: Mutex::default(), wanted: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What there is, and is gathered from now on.
    pub(crate) fn recent(&self) -> Recent {
        let mut inner = self.lock();
        inner.wanted_until = Some(Instant::now() + AFTERWARDS);
        self.wanted.notify_one();
        let points = inner.points.iter().copied().collect();
        Recent { points, last: inner.last.clone(), error: inner.error.clone() }
    }

    fn is_wanted(&self) -> bool {
        self.lock().wanted_until.is_some_and(|until| until > Instant::now())
    }

    /// Gathers for as long as it is polled.
    pub(crate) async fn gather(&self) -> Infallible {
        loop {
            self.wanted.notified().await;
            while self.is_wanted() {
                let ended = self.watch().await;
                // What was seen before is not now.
                self.lock().last = None;
                if let Err(error) = ended {
                    self.lock().error = Some(error);
                    sleep(AGAIN).await;
                }
            }
        }
    }

    async fn watch(&self) -> Result<(), ApiError> {
        let interval_ms = u32::try_from(INTERVAL.as_millis()).unwrap_or(u32::MAX);
        let mut tables = self.api.top(Top { filter: None, interval_ms }).await?;
        while self.is_wanted() {
            let next = timeout(10 * INTERVAL, tables.message()).await;
            let broke = |message: &str| ApiError { status: None, message: message.to_owned() };
            let next = next.map_err(|_| broke("the control plane has stopped to tell figures"))?;
            let Some(answer) = next.map_err(|status| broke(status.message()))? else { return Ok(()) };
            let Some(table) = answer.table else { continue };
            let mut inner = self.lock();
            inner.error = None;
            inner.points.push_back(point(&table.rows, table.seconds));
            while inner.points.len() > KEPT {
                inner.points.pop_front();
            }
            inner.last = Some(Arc::new(table));
        }
        Ok(())
    }
}

/// The figures of these rows together.
pub(crate) fn point(rows: &[TopRow], seconds: f64) -> Point {
    let sum = |of: fn(&TopRow) -> u64| rows.iter().map(of).fold(0u64, u64::saturating_add) as f64;
    let all = sum(|row| row.requests);
    let failed = sum(|row| row.status_5xx.saturating_add(row.left));
    let most = |of: fn(&TopRow) -> f64| rows.iter().map(of).fold(0.0, f64::max);
    Point {
        rate: if seconds > 0.0 { all / seconds } else { 0.0 },
        errors: if all > 0.0 { (failed / all * 100.0).min(100.0) } else { 0.0 },
        p50: most(|row| row.p50_ms),
        p99: most(|row| row.p99_ms),
    }
}
