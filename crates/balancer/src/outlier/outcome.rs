use super::config::OutlierDetection;
use crate::endpoint::{EjectionReason, Monitor};

/// What came of a request, or of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The endpoint answered with this status. For gRPC see [`Outcome::grpc`].
    Answered(u16),
    /// A connection was established, or one kept was taken: where local origin is split, its failures are no longer in a row.
    Connected,
    /// The connection could not be established, or was lost or reset before the answer.
    Failed,
    /// A timeout of the proxy passed.
    TimedOut,
}

impl Outcome {
    /// An answer with this gRPC status, as the HTTP status that Envoy takes it for.
    #[must_use]
    pub const fn grpc(status: u16) -> Self {
        Self::Answered(match status {
            0 => 200,
            1 => 499,
            3 | 9 | 11 => 400,
            4 => 504,
            5 => 404,
            6 | 10 => 409,
            7 => 403,
            8 => 429,
            12 => 501,
            14 => 503,
            16 => 401,
            _ => 500,
        })
    }
}

/// Counts what came of a request; tells if the endpoint has now failed too often in a row.
pub(super) fn count(monitor: &Monitor, config: &OutlierDetection, outcome: Outcome) -> Option<EjectionReason> {
    match (outcome, config.split_local_origin) {
        (Outcome::Answered(status), _) => answered(monitor, config, status),
        (Outcome::Failed, false) => answered(monitor, config, 503),
        (Outcome::TimedOut, false) => answered(monitor, config, 504),
        (Outcome::Connected, false) => None,
        (Outcome::Connected, true) => {
            if config.counts_rates() {
                monitor.local.add(true);
            }
            monitor.row_local.reset();
            None
        }
        (Outcome::Failed | Outcome::TimedOut, true) => {
            if config.counts_rates() {
                monitor.local.add(false);
            }
            let full = monitor.row_local.step(config.consecutive_local_origin_failure);
            full.then_some(EjectionReason::ConsecutiveLocalOriginFailure)
        }
    }
}

fn answered(monitor: &Monitor, config: &OutlierDetection, status: u16) -> Option<EjectionReason> {
    let failed = (500..600).contains(&status);
    if config.counts_rates() {
        monitor.external.add(!failed);
    }
    if !failed {
        monitor.row_5xx.reset();
        monitor.row_gateway.reset();
        return None;
    }
    let gateway = if matches!(status, 502..=504) {
        monitor.row_gateway.step(config.consecutive_gateway_failure)
    } else {
        monitor.row_gateway.reset();
        false
    };
    let all = monitor.row_5xx.step(config.consecutive_5xx);
    match (gateway, all) {
        (true, _) => Some(EjectionReason::ConsecutiveGatewayFailure),
        (false, true) => Some(EjectionReason::Consecutive5xx),
        (false, false) => None,
    }
}
