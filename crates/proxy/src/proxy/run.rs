//! What the control thread does, from start to end.

use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use backstay_guard::PageGuard;
use backstay_limiter::Registry;
use backstay_proto::RESOURCE_TYPE_URL;
use backstay_proto::access_log_service::HttpAccessLogEntry;
use backstay_proto::discovery::Node;
use backstay_proto::otlp::logs::v1::LogRecord;
use backstay_telemetry::{Lane, Queue, Signal};
use backstay_xds::client;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::options::{AccessLog, Options, RunError, StartError};
use super::telling::traces;
use crate::access::{self, LogControl, LogFile};
use crate::admin::{self, Admin};
use crate::attend::Attending;
use crate::control::{Control, Model, SharedModel, Status, change, look, watch_certificates};
use crate::counts::{ControlMetrics, RequestTimes, ServerMetrics};
use crate::dns::{self, Dns, HostsFile};
use crate::live::Live;
use crate::plane;
use crate::process::{self, Descriptors};
use crate::report;
use crate::server::{self, Leaver, Traces, Workers};
use crate::state::{self, StateFile, StateLock};
use crate::trace::Tracing;

/// What ties the control thread to its [`Proxy`](super::Proxy).
pub(super) struct Wires {
    pub(super) status: watch::Sender<Status>,
    pub(super) drain: Arc<Notify>,
    pub(super) reopen: Arc<Notify>,
    pub(super) stop: oneshot::Receiver<()>,
    pub(super) started: oneshot::Sender<Result<(), StartError>>,
    /// Dropped without a word when the control thread itself fails.
    pub(super) failed: watch::Sender<Option<RunError>>,
}

/// What its own endpoints listen on, as far as there are any.
pub(super) struct Listeners {
    pub(super) admin: Option<(TcpListener, SocketAddr)>,
    pub(super) monitoring: Option<(TcpListener, SocketAddr)>,
}

pub(super) fn control_thread(options: Options, listeners: Listeners, wires: Wires) {
    match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(run(options, listeners, wires)),
        Err(error) => {
            let _ = wires.started.send(Err(StartError::Thread(error)));
        }
    }
}

async fn run(options: Options, listeners: Listeners, wires: Wires) {
    let Wires { status, drain, reopen, stop, started, failed } = wires;
    let begun = begin(&options, listeners, status.clone(), (drain, reopen)).await;
    let (control, tasks) = match begun {
        Ok(begun) => begun,
        Err(error) => {
            let _ = started.send(Err(error));
            return;
        }
    };
    let _ = started.send(Ok(()));
    let leaver = tasks.leaver.clone();
    let stopped = async {
        // Gone without a word is as good as a word: nobody holds the proxy any more.
        let _ = stop.await;
        change(&status, |status| status.draining = true);
        if !options.drain_delay.is_zero() {
            tracing::info!(delay = ?options.drain_delay, "not ready any more; still serving");
            leaver.leave(true);
            sleep(options.drain_delay).await;
        }
    };
    let data_thread_failed = control.failed();
    let served = async {
        match subscription(&options) {
            Some(mut subscription) => {
                let joined = plane::equip(&mut subscription, &options.access, options.state_dir.as_deref());
                let _renewing = joined.map(|joined| Ended(tokio::spawn(async move { joined.renew().await })));
                let attending = Attending {
                    node: options.node_id.as_str().into(),
                    fleet: options.fleet.as_str().into(),
                    live: tasks.live.clone(),
                    model: tasks.model.clone(),
                };
                let model = tasks.model.clone();
                let fares = move || report::of(look(&model).backends());
                let _reporting = Ended(tokio::spawn(report::run(subscription.clone(), fares, Some(attending))));
                client::run(subscription, control, stopped).await
            }
            None => {
                stopped.await;
                control
            }
        }
    };
    let control = tokio::select! {
        control = served => control,
        () = data_thread_failed => {
            tracing::error!("a data thread ended; what it served is not served any more");
            failed.send_replace(Some(RunError::DataThread));
            return;
        }
    };
    tracing::info!(timeout = ?options.drain_timeout, "draining");
    control.into_workers().drain(options.drain_timeout).await;
    let Tasks { admin, shown, keepers, log, model, _lock, .. } = tasks;
    for keeper in keepers {
        let _ = keeper.await;
    }
    for endpoint in admin {
        endpoint.abort();
    }
    let traces = look(&model).end_tracing();
    if let Some(log) = log {
        log.end().await;
    }
    // What it takes is bounded, and nothing else is left to do. The last lines are among what is told.
    let _ = tokio::task::spawn_blocking(move || drop(traces)).await;
    drop(shown);
}

/// What runs beside the subscription.
struct Tasks {
    model: SharedModel,
    leaver: Leaver,
    live: Arc<Live>,
    /// The admin endpoint, and that of readiness and metrics.
    admin: Vec<JoinHandle<()>>,
    /// What a collector is told metrics of, which must not keep alive what ends it.
    shown: Arc<Admin>,
    /// Tasks that end by themselves, once the control side has ended and what is to be kept is on disk.
    keepers: Vec<JoinHandle<()>>,
    log: Option<LogTasks>,
    /// The lock of the state directory, held for as long as anything is written there.
    _lock: Option<StateLock>,
}

async fn begin(
    options: &Options,
    listeners: Listeners,
    status: watch::Sender<Status>,
    (drain, reopen): (Arc<Notify>, Arc<Notify>),
) -> Result<(Control, Tasks), StartError> {
    check_descriptors(options.limits.max_connections);
    let runtime = Handle::current();
    let state = options
        .state_dir
        .as_deref()
        .map(|directory| StateFile::open(directory, &options.fleet, options.state_keys.clone()));
    let state = state.transpose()?;
    let lock = options.state_dir.as_deref().map(StateLock::take).transpose()?;
    let dns = Arc::new(Dns::new(&options.dns_servers, runtime.clone())?);
    let request_times = RequestTimes::new(options.limits.max_request_series);
    let metrics = Arc::new(ServerMetrics { request_times, ..ServerMetrics::default() });
    let control_metrics = Arc::<ControlMetrics>::default();
    let logs = Queue::new(Signal::Logs, options.limits.access_log_queue, Arc::clone(&metrics.telemetry));
    let requests = Queue::new(Signal::Requests, options.limits.access_log_queue, Arc::clone(&metrics.telemetry));
    let (access_log, log) = match open_log(options, &metrics, reopen, (logs.lane(), requests.lane()))? {
        Some((log, tasks)) => (Some(log), Some(tasks)),
        None => (None, None),
    };
    let log_control = access_log.clone().map(|log| LogControl {
        log,
        placed: options.access_log != AccessLog::Fleet,
        overrides: options.log_overrides.clone(),
    });
    if let Some(control) = &log_control {
        control.follow(None);
    }
    let tracing = Arc::new(Tracing::new(options.limits.span_queue, Arc::clone(&metrics.telemetry)));
    let counted = Arc::<OnceLock<Weak<Admin>>>::default();
    let traces = traces(options, &tracing, (logs, requests), &metrics, Arc::clone(&counted))?;
    let live = Arc::new(Live::new(options.limits.max_live_sessions, Arc::clone(&metrics)));
    let workers = Workers::start(server::Options {
        threads: options.threads,
        limits: options.limits.clone(),
        upgrades: options.upgrades.clone(),
        trust: options.trust.clone(),
        metrics: Arc::clone(&metrics),
        access_log,
        tracing: Traces(tracing),
        own_addresses: listeners.admin.iter().chain(&listeners.monitoring).map(|(_, address)| *address).collect(),
        live: Arc::clone(&live),
    })
    .map_err(StartError::Thread)?;
    let leaver = workers.leaver();
    let limits = &options.limits;
    let limiters = Registry::new(limits.max_rate_limit_clients, Arc::clone(&metrics.rate_limit_clients));
    let model = Model::new(Arc::clone(&dns), runtime, any_address(), limits.max_health_checks, Arc::new(limiters));
    let model =
        model.caching(limits.answer_cache, Arc::clone(&metrics.answer_caches)).logging(log_control).tracing(traces);
    let model = Arc::new(Mutex::new(model));
    let (changes, changed) = watch::channel(0);
    let has_endpoint = listeners.admin.is_some() || listeners.monitoring.is_some();
    let admin = Admin {
        node: options.node_id.as_str().into(),
        fleet: options.fleet.as_str().into(),
        model: Arc::clone(&model),
        status: status.clone(),
        leaver: leaver.clone(),
        server: Arc::clone(&metrics),
        control: Arc::clone(&control_metrics),
        limits: options.limits.clone(),
        dns: Arc::clone(&dns),
        drain,
        descriptors: Arc::new(if has_endpoint { Descriptors::keep() } else { Descriptors::default() }),
        live: Arc::clone(&live),
        guard: PageGuard::new(options.allowed_hosts.iter().cloned()),
        log_switch: options.log_switch.clone(),
        monitoring_only: false,
    };
    let monitoring = Admin { monitoring_only: true, guard: PageGuard::any_name(), ..admin.clone() };
    let shown = Arc::new(admin.clone());
    let _ = counted.set(Arc::downgrade(&shown));
    let endpoints = [(listeners.admin, admin), (listeners.monitoring, monitoring)].into_iter();
    let admin = endpoints.filter_map(|(listener, of)| Some(tokio::spawn(admin::serve(of, listener?.0)))).collect();
    let mut control = Control::new(Arc::clone(&model), workers, status, changes, Arc::clone(&control_metrics));
    let hosts = options.state_dir.as_deref().map(|directory| HostsFile::new(directory, &control_metrics));
    if let Some(hosts) = &hosts {
        dns.remember(hosts.load());
    }
    if let Some(state) = &state {
        let failed = control.failed();
        tokio::select! {
            () = restore(state, &mut control, &control_metrics) => {}
            () = failed => return Err(StartError::DataThread),
        }
    }
    let hosts = hosts.map(|file| {
        let model = Arc::clone(&model);
        tokio::spawn(dns::keep(file, move || look(&model).remembered_hosts(), changed.clone()))
    });
    let certificates = tokio::spawn(watch_certificates(Arc::clone(&model), changed.clone()));
    let resources = state.map(|file| {
        let model = Arc::clone(&model);
        let in_force = move || look(&model).resources().map(|resource| resource.to_update()).collect();
        tokio::spawn(state::keep(file, in_force, changed, control_metrics))
    });
    let keepers = resources.into_iter().chain(hosts).chain([certificates]).collect();
    Ok((control, Tasks { model, leaver, live, admin, shown, keepers, log, _lock: lock }))
}

/// Ends its task when it is dropped.
struct Ended(JoinHandle<()>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Puts in force what was kept on disk. Whatever cannot be used is left to the control plane.
async fn restore(state: &StateFile, control: &mut Control, metrics: &ControlMetrics) {
    match state.load() {
        Ok(updates) if updates.is_empty() => {}
        Ok(updates) => {
            let count = updates.len();
            let refused = control.apply(updates, Vec::new()).await.len();
            tracing::info!(resources = count, refused, "serving the configuration kept on disk");
        }
        Err(error) => {
            metrics.state_failures.load_configuration.increment(1);
            tracing::error!(%error, "the configuration kept on disk cannot be used");
        }
    }
}

fn subscription(options: &Options) -> Option<client::Options> {
    let node = Node {
        id: options.node_id.clone(),
        cluster: options.fleet.clone(),
        user_agent_name: "backstay-proxy".to_owned(),
        user_agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        ..Node::default()
    };
    let mut subscription = client::Options::new(options.control_plane.clone()?, node, RESOURCE_TYPE_URL);
    subscription.fallbacks.clone_from(&options.fallback_control_planes);
    Some(subscription)
}

/// Open files that are few for a proxy. `max-connections` alone is no measure: as it is without a word, it is more than many systems
/// give, and more than most proxies ever see.
const FEW_DESCRIPTORS: u64 = 10_000;

/// Has the system give this process as many descriptors as it may have, and says if these are too few.
fn check_descriptors(max_connections: usize) {
    if let Some(limit) = process::raise_limit()
        && limit < FEW_DESCRIPTORS.min(max_connections as u64)
    {
        tracing::warn!(
            limit,
            max_connections,
            "fewer files may be open than there may be connections from clients, and those to endpoints need more: raise the limit \
             (ulimit -n, LimitNOFILE) or lower max-connections"
        );
    }
}

/// What looks after the access log.
struct LogTasks {
    /// Tells the writer to look for a new file.
    reopening: JoinHandle<()>,
    /// Answers once the writer has ended.
    ended: oneshot::Receiver<()>,
}

/// How long the writer may take for its last lines, once no data thread is left: it may be writing to what nobody reads.
const LAST_LINES: Duration = Duration::from_secs(2);

impl LogTasks {
    /// Waits until the last lines are written.
    async fn end(self) {
        self.reopening.abort();
        let _ = self.reopening.await;
        let _ = tokio::time::timeout(LAST_LINES, self.ended).await;
    }
}

fn open_log(
    options: &Options,
    metrics: &Arc<ServerMetrics>,
    reopen: Arc<Notify>,
    (told, served): (Lane<LogRecord>, Lane<HttpAccessLogEntry>),
) -> Result<Option<(access::Log, LogTasks)>, StartError> {
    let (log, records) = access::channel(options.limits.access_log_queue);
    let records = records.telling(told, served);
    let (over, ended) = oneshot::channel::<()>();
    let metrics = Arc::clone(metrics);
    let thread = std::thread::Builder::new().name("access-log".to_owned());
    // Ends when the last data thread has.
    let writing = match &options.access_log {
        AccessLog::Off => return Ok(None),
        AccessLog::Stdout | AccessLog::Fleet => {
            // Past the standard library's buffer, which would hold back what could not be written.
            let out = File::from(io::stdout().as_fd().try_clone_to_owned().map_err(StartError::Thread)?);
            thread.spawn(move || {
                records.write_to(out, &metrics);
                drop(over);
            })
        }
        AccessLog::File(path) => {
            let file = LogFile::open(path);
            let file = file.map_err(|source| StartError::AccessLog { path: path.clone(), source })?;
            thread.spawn(move || {
                records.write_to_file(file, &metrics);
                drop(over);
            })
        }
    };
    writing.map_err(StartError::Thread)?;
    let own = log.clone();
    let reopening = tokio::spawn(async move {
        loop {
            reopen.notified().await;
            own.reopen();
        }
    });
    Ok(Some((log, LogTasks { reopening, ended })))
}

/// The address that stands for all addresses of this host: `[::]`, which takes IPv4 as well, unless there is no IPv6 here.
fn any_address() -> IpAddr {
    match TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)) {
        Ok(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        Err(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    }
}
