//! One proxy: its threads, from start to drain.

mod options;
mod run;
mod telling;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use backstay_guard::check_address;
use tokio::sync::{Notify, oneshot, watch};

use crate::control::Status;
use crate::trace::telemetry_settings;

pub use options::{AccessLog, Options, RunError, StartError};

/// A running proxy: one control thread and its data threads.
///
/// Dropping it begins a drain that nobody waits for; [`Proxy::shutdown`] waits.
#[derive(Debug)]
pub struct Proxy {
    admin: Option<SocketAddr>,
    monitoring: Option<SocketAddr>,
    status: watch::Receiver<Status>,
    drain: Arc<Notify>,
    reopen: Arc<Notify>,
    stop: oneshot::Sender<()>,
    stopped: oneshot::Receiver<()>,
    failed: watch::Receiver<Option<RunError>>,
    thread: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy. When this returns, the configuration kept on disk (if any) is being served; the control plane need
    /// not be there, and is tried for as long as it takes.
    ///
    /// # Errors
    /// When something that will not get better by waiting keeps it from starting.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        for uri in options.control_plane.iter().chain(&options.fallback_control_planes) {
            options.access.check(uri, options.state_dir.as_deref())?;
        }
        options.limits.validate()?;
        telemetry_settings(&options.telemetry)?;
        if let (Some(address), false) = (options.admin, options.insecure) {
            check_address("--admin", address, "may read the configuration and end the proxy")
                .map_err(StartError::Exposed)?;
        }
        let failed = |address| move |source| StartError::Admin { address, source };
        let listener = options.admin.map(|address| bind(address).map_err(failed(address))).transpose()?;
        let failed = |address| move |source| StartError::Monitoring { address, source };
        let monitoring = options.monitoring.map(|address| bind(address).map_err(failed(address))).transpose()?;
        let address = |listener: &Option<(TcpListener, SocketAddr)>| listener.as_ref().map(|(_, address)| *address);
        let (admin, monitoring_address) = (address(&listener), address(&monitoring));
        let (drain, reopen) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (status, status_watch) = watch::channel(Status::default());
        let (stop, stop_receiver) = oneshot::channel();
        let (stopped_sender, stopped) = oneshot::channel();
        let (started_sender, started) = oneshot::channel();
        let (failed_sender, failed) = watch::channel(None);
        let wires = run::Wires {
            status,
            drain: Arc::clone(&drain),
            reopen: Arc::clone(&reopen),
            stop: stop_receiver,
            started: started_sender,
            failed: failed_sender,
        };
        let thread = std::thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || {
                run::control_thread(options, run::Listeners { admin: listener, monitoring }, wires);
                let _ = stopped_sender.send(());
            })
            .map_err(StartError::Thread)?;
        match started.await {
            Ok(Ok(())) => {
                let monitoring = monitoring_address;
                Ok(Self { admin, monitoring, status: status_watch, drain, reopen, stop, stopped, failed, thread })
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(StartError::Died),
        }
    }

    /// Where the admin endpoint is; `None` if there is none.
    #[must_use]
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// Where readiness and metrics alone are; `None` if nowhere.
    #[must_use]
    pub fn monitoring_address(&self) -> Option<SocketAddr> {
        self.monitoring
    }

    /// The addresses listened on now.
    #[must_use]
    pub fn listeners(&self) -> Vec<SocketAddr> {
        self.status.borrow().listeners.clone()
    }

    /// Whether a stream from the control plane is open.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.status.borrow().connected
    }

    /// Waits until a configuration is in force.
    pub async fn ready(&self) {
        // The sender goes when the control thread ends: then there is nothing to wait for.
        let _ = self.status.clone().wait_for(|status| status.configured).await;
    }

    /// Waits until someone asks for a drain on the admin endpoint. What to do then is the caller's decision: usually
    /// [`shutdown`](Self::shutdown), as on SIGTERM.
    pub async fn drain_requested(&self) {
        self.drain.notified().await;
    }

    /// Has the access log written to a new file, if its file was moved away or removed. Without this, that is noticed with the first
    /// request that comes a second or more later.
    pub fn reopen_access_log(&self) {
        self.reopen.notify_one();
    }

    /// Waits until something failed that the proxy cannot serve without. All that is left to do is to end the process with
    /// this error: whatever starts it again serves again.
    pub async fn failed(&self) -> RunError {
        let mut failed = self.failed.clone();
        let said = failed.wait_for(Option::is_some).await.ok().and_then(|failed| *failed);
        said.unwrap_or(RunError::ControlThread)
    }

    /// Drains and ends: readiness fails, listeners close after the drain delay, requests in flight finish, at most for the drain timeout.
    pub async fn shutdown(self) {
        let Self { stop, stopped, thread, .. } = self;
        let _ = stop.send(());
        let _ = stopped.await;
        // The thread has nothing left to do but to end.
        let _ = thread.join();
    }
}

fn bind(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}
