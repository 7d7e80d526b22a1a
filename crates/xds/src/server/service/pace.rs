use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tonic::metadata::MetadataValue;
use tonic::{Code, Status};

/// How many streams may be opened in a second. Unused second's worth is kept, no more.
pub(super) struct Pace {
    a_second: f64,
    state: Mutex<(f64, Instant)>,
}

impl Pace {
    #[allow(clippy::cast_precision_loss, reason = "a rate")]
    pub(super) fn new(a_second: usize) -> Self {
        let a_second = a_second.max(1) as f64;
        Self { a_second, state: Mutex::new((a_second, Instant::now())) }
    }

    /// Takes the right to open one, or tells when there will be one.
    pub(super) fn take(&self) -> Result<(), Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, at) = &mut *state;
        let now = Instant::now();
        *left = (*left + now.duration_since(*at).as_secs_f64() * self.a_second).min(self.a_second);
        *at = now;
        if *left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - *left) / self.a_second));
        }
        *left -= 1.0;
        Ok(())
    }
}

/// Says when to come back the way gRPC does (`grpc-retry-pushback-ms` of its retry design), in whole milliseconds.
pub(super) fn refusal(limit: usize, retry: Duration) -> Status {
    let message = format!("more than the limit of {limit} new streams a second; connect again later");
    let mut status = Status::new(Code::ResourceExhausted, message);
    if let Ok(value) = MetadataValue::try_from((retry.as_millis() + 1).to_string()) {
        status.metadata_mut().insert("grpc-retry-pushback-ms", value);
    }
    status
}

#[cfg(test)]
mod tests;
