//! Which requests are traced, and who is told.

use std::time::Duration;

use backstay_proto::config;
use backstay_trace::{Collector, CollectorError, Format, Protocol, Sampler};

use crate::fault::{Checked, Faults, Together, all, refuse};
use crate::scalar::positive;

/// Most headers that are sent to a collector.
const MAX_HEADERS: usize = 32;
/// The longest that one request to it may take.
const MAX_TIMEOUT: Duration = Duration::from_secs(60);

/// Which requests are traced, and how that goes on.
#[derive(Clone, Debug, PartialEq)]
pub struct Tracing {
    /// Which requests.
    pub sampler: Sampler,
    /// How traces go on, beside the way that they came.
    pub formats: Vec<Format>,
}

impl TryFrom<&config::Tracing> for Tracing {
    type Error = Faults;

    fn try_from(message: &config::Tracing) -> Checked<Self> {
        let sampler = match message.denominator {
            0 => refuse("denominator", "must not be 0"),
            all => Sampler::parent_based(f64::from(message.numerator) / f64::from(all))
                .or_else(|error| refuse("numerator", error.to_string())),
        };
        let formats = message.propagation.iter().enumerate().map(|(index, name)| {
            let unknown = || refuse(format!("propagation[{index}]"), format!("{name:?} is none of w3c, b3, b3multi"));
            Format::of(name).map_or_else(unknown, Ok)
        });
        let (sampler, mut formats): (_, Vec<Format>) = (sampler, all(formats)).together()?;
        if formats.is_empty() {
            formats.push(Format::W3c);
        }
        Ok(Self { sampler, formats })
    }
}

/// A collector, checked.
pub(super) fn collector(message: &config::Collector) -> Checked<Collector> {
    let protocol = match message.protocol.as_str() {
        "" => Ok(Protocol::Grpc),
        name => Protocol::parse(name).or_else(|error| refuse("protocol", error.to_string())),
    }?;
    let collector = Collector::new(&message.endpoint, protocol);
    let collector = collector.or_else(|error: CollectorError| refuse("endpoint", error.to_string()));
    let timeout = match positive("timeout", message.timeout) {
        Ok(Some(timeout)) if timeout > MAX_TIMEOUT => refuse("timeout", "must not be longer than 60s"),
        other => other,
    };
    let (mut collector, timeout) = (collector, timeout).together()?;
    collector.gzip = !message.uncompressed;
    collector.timeout = timeout.unwrap_or(collector.timeout);
    if message.headers.len() > MAX_HEADERS {
        return refuse("headers", format!("has {} elements: at most {MAX_HEADERS}", message.headers.len()));
    }
    let headers: Checked<Vec<()>> = all(message.headers.iter().enumerate().map(|(index, header)| {
        let set = collector.header(&header.name, &header.value);
        set.or_else(|error| refuse(format!("headers[{index}]"), error.to_string()))
    }));
    headers.map(|_| collector)
}
