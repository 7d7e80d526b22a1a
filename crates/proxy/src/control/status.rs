//! What the control side knows of itself, for whoever asks.

use std::net::SocketAddr;

use tokio::sync::watch;

/// How the proxy stands.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Status {
    /// A configuration was applied, from the control plane or from disk.
    pub(crate) configured: bool,
    /// A stream from the control plane is open.
    pub(crate) connected: bool,
    /// Why there is none.
    pub(crate) last_disconnect: Option<String>,
    /// No new requests are wanted.
    pub(crate) draining: bool,
    /// Somebody has said that it is not ready, and has not taken it back.
    pub(crate) withdrawn: bool,
    /// Addresses listened on.
    pub(crate) listeners: Vec<SocketAddr>,
}

impl Status {
    /// Why new requests should not be sent here; nothing if they may.
    pub(crate) fn unready(&self) -> Option<String> {
        if self.draining {
            return Some("draining".to_owned());
        }
        if self.withdrawn {
            return Some("not ready: somebody has said so; POST /ready takes it back".to_owned());
        }
        if self.configured {
            return None;
        }
        Some(match &self.last_disconnect {
            Some(cause) => format!("no configuration yet: {cause}"),
            None => "no configuration yet".to_owned(),
        })
    }
}

/// Changes a status, and wakes whoever waits for it to change.
pub(crate) fn change(status: &watch::Sender<Status>, change: impl FnOnce(&mut Status)) {
    status.send_if_modified(|status| {
        let before = status.clone();
        change(status);
        *status != before
    });
}
