//! What is counted of TLS.

use metrics::{Counter, Gauge, Key, Label, Recorder as _};

use super::{METADATA, Metrics, Recording, labelled};

/// What is counted of TLS at one address.
#[derive(Debug, Clone)]
pub(crate) struct DoorMetrics {
    /// Seconds until the certificate expires.
    pub(crate) expires: Gauge,
    /// Handshakes that went well.
    pub(crate) done: Counter,
    /// Those that did not.
    pub(crate) failed: Counter,
    /// Those that took too long.
    pub(crate) late: Counter,
    /// Requests without TLS.
    pub(crate) plain: Counter,
    /// Connections closed on arrival, since there were too many handshakes.
    pub(crate) refused: Counter,
}

impl Metrics {
    /// What is counted of TLS at an address, which is called `api` or `xds`.
    pub(crate) fn door(&self, name: &'static str) -> DoorMetrics {
        const EXPIRES: &str = "backstay_tls_certificate_expires_seconds";
        const HANDSHAKES: &str = "backstay_tls_handshakes_total";
        let Recording(recorder) = &self.recorder;
        let handshakes = |result| {
            let help = "TLS handshakes of an address, by what became of them.";
            labelled(recorder, HANDSHAKES, help, &[("door", name), ("result", result)])
        };
        let help = "Seconds until the certificate expires that an address shows.";
        recorder.describe_gauge(EXPIRES.into(), None, help.into());
        let key = Key::from_parts(EXPIRES, vec![Label::new("door", name)]);
        DoorMetrics {
            expires: recorder.register_gauge(&key, &METADATA),
            done: handshakes("done"),
            failed: handshakes("failed"),
            late: handshakes("late"),
            plain: handshakes("plain"),
            refused: handshakes("refused"),
        }
    }
}
