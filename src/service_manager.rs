//! What a service manager is told: that the process is ready, that it reads something again, that it ends, and that it is alive.
//!
//! Source: systemd, sd_notify(3): datagrams of lines `NAME=VALUE` to the socket that `NOTIFY_SOCKET` names. Without it nobody is told.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::future::pending;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// A service manager, or none.
#[derive(Debug, Default)]
pub(crate) struct ServiceManager {
    socket: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// The one that started this process, if one did that wants to be told. One that cannot be told is said once, and left alone: what is
    /// served does not depend on it.
    pub(crate) fn of_environment() -> Self {
        let Some(name) = std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else {
            return Self::default();
        };
        let variable = |name: &str| std::env::var(name).ok();
        match Self::at(&name) {
            Ok(socket) => {
                let watchdog = watchdog(variable("WATCHDOG_USEC"), variable("WATCHDOG_PID"), std::process::id());
                Self { socket: Some(socket), watchdog }
            }
            Err(error) => {
                tracing::warn!(%error, socket = ?name, "the service manager cannot be told anything");
                Self::default()
            }
        }
    }

    fn at(name: &OsStr) -> io::Result<(UnixDatagram, SocketAddr)> {
        let address = address(name)?;
        let socket = UnixDatagram::unbound()?;
        // Whoever does not read must not hold up what is served.
        socket.set_nonblocking(true)?;
        Ok((socket, address))
    }

    /// It serves, or does so again after [`reloading`](Self::reloading).
    pub(crate) fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={}", status.replace('\n', " ")));
    }

    /// It reads something again, until [`ready`](Self::ready).
    pub(crate) fn reloading(&self) {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let microseconds = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1000;
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={microseconds}"));
    }

    /// It ends.
    pub(crate) fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// Says that the process is alive, twice in each time in which that is expected, for as long as `alive` says so. The manager kills and
    /// starts again what says nothing any more.
    pub(crate) async fn watch(&self, alive: impl AsyncFn() -> bool) -> Infallible {
        let Some(every) = self.watchdog else { return pending().await };
        let mut ticks = tokio::time::interval(every / 2);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if alive().await {
                self.tell("WATCHDOG=1");
            }
        }
    }

    fn tell(&self, text: &str) {
        let Some((socket, address)) = &self.socket else { return };
        if let Err(error) = socket.send_to_addr(text.as_bytes(), address) {
            tracing::debug!(%error, "the service manager was not told");
        }
    }
}

/// A path, or with an @ before it a name in the abstract namespace.
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    match name.as_bytes() {
        #[cfg(target_os = "linux")]
        [b'@', name @ ..] => {
            use std::os::linux::net::SocketAddrExt as _;
            SocketAddr::from_abstract_name(name)
        }
        [b'/', ..] => SocketAddr::from_pathname(name),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "NOTIFY_SOCKET must begin with / or @")),
    }
}

/// How often the manager wants to hear of this process, if it does. Source: sd_watchdog_enabled(3).
fn watchdog(microseconds: Option<String>, of: Option<String>, own: u32) -> Option<Duration> {
    if of.is_some_and(|process| process.parse() != Ok(own)) {
        return None;
    }
    let every = Duration::from_micros(microseconds?.parse().ok()?);
    // tokio's clock has milliseconds.
    (every >= Duration::from_millis(2)).then_some(every)
}

#[cfg(test)]
mod tests;
