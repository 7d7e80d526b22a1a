//! What the control thread does, from start to end.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use backstay_guard::PageGuard;
use backstay_proto::RESOURCE_TYPE_URL;
use backstay_proto::discovery::Node;
use backstay_xds::client;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinHandle;

use super::options::{AccessLog, Options, RunError, StartError};
use crate::access;
use crate::admin::{self, Admin};
use crate::control::{Control, Model, Status, change, look};
use crate::counts::{ControlMetrics, ServerMetrics};
use crate::dns::{self, Dns, HostsFile};
use crate::server::{self, Workers};
use crate::state::{self, StateFile, StateLock};

/// What ties the control thread to its [`Proxy`](super::Proxy).
pub(super) struct Wires {
    pub(super) status: watch::Sender<Status>,
    pub(super) drain: Arc<Notify>,
    pub(super) stop: oneshot::Receiver<()>,
    pub(super) started: oneshot::Sender<Result<(), StartError>>,
    /// Dropped without a word when the control thread itself fails.
    pub(super) failed: watch::Sender<Option<RunError>>,
}

pub(super) fn control_thread(options: Options, listener: Option<(TcpListener, SocketAddr)>, wires: Wires) {
    match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(run(options, listener, wires)),
        Err(error) => {
            let _ = wires.started.send(Err(StartError::Thread(error)));
        }
    }
}

async fn run(options: Options, listener: Option<(TcpListener, SocketAddr)>, wires: Wires) {
    let Wires { status, drain, stop, started, failed } = wires;
    let begun = begin(&options, listener, status.clone(), drain).await;
    let (control, tasks) = match begun {
        Ok(begun) => begun,
        Err(error) => {
            let _ = started.send(Err(error));
            return;
        }
    };
    let _ = started.send(Ok(()));
    let stopped = async {
        // Gone without a word is as good as a word: nobody holds the proxy any more.
        let _ = stop.await;
        change(&status, |status| status.draining = true);
    };
    let data_thread_failed = control.failed();
    let served = async {
        match subscription(&options) {
            Some(subscription) => client::run(subscription, control, stopped).await,
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
    let Tasks { admin, keepers, _lock } = tasks;
    for keeper in keepers {
        let _ = keeper.await;
    }
    if let Some(admin) = admin {
        admin.abort();
    }
}

/// What runs beside the subscription.
struct Tasks {
    admin: Option<JoinHandle<()>>,
    /// Tasks that end by themselves, once the control side has ended and what is to be kept is on disk.
    keepers: Vec<JoinHandle<()>>,
    /// The lock of the state directory, held for as long as anything is written there.
    _lock: Option<StateLock>,
}

async fn begin(
    options: &Options,
    listener: Option<(TcpListener, SocketAddr)>,
    status: watch::Sender<Status>,
    drain: Arc<Notify>,
) -> Result<(Control, Tasks), StartError> {
    let runtime = Handle::current();
    let state = options.state_dir.as_deref().map(|directory| StateFile::open(directory, &options.fleet)).transpose()?;
    let lock = options.state_dir.as_deref().map(StateLock::take).transpose()?;
    let dns = Arc::new(Dns::new(&options.dns_servers, runtime.clone())?);
    let metrics = Arc::<ServerMetrics>::default();
    let control_metrics = Arc::<ControlMetrics>::default();
    let workers = Workers::start(server::Options {
        threads: options.threads,
        limits: options.limits.clone(),
        metrics: Arc::clone(&metrics),
        access_log: access_log(&options.access_log, options.limits.access_log_queue)?,
        own_addresses: listener.iter().map(|(_, address)| *address).collect(),
    })
    .map_err(StartError::Thread)?;
    let model =
        Arc::new(Mutex::new(Model::new(Arc::clone(&dns), runtime, any_address(), options.limits.max_health_checks)));
    let (changes, changed) = watch::channel(0);
    let admin = listener.map(|(listener, _)| {
        let admin = Admin {
            node: options.node_id.as_str().into(),
            fleet: options.fleet.as_str().into(),
            model: Arc::clone(&model),
            status: status.subscribe(),
            server: Arc::clone(&metrics),
            control: Arc::clone(&control_metrics),
            limits: options.limits.clone(),
            dns: Arc::clone(&dns),
            drain,
            guard: PageGuard::new(options.allowed_hosts.iter().cloned()),
        };
        tokio::spawn(admin::serve(admin, listener))
    });
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
    let resources = state.map(|file| {
        let in_force = move || look(&model).resources().map(|resource| resource.to_update()).collect();
        tokio::spawn(state::keep(file, in_force, changed, control_metrics))
    });
    Ok((control, Tasks { admin, keepers: resources.into_iter().chain(hosts).collect(), _lock: lock }))
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
    Some(client::Options::new(options.control_plane.clone()?, node, RESOURCE_TYPE_URL))
}

fn access_log(log: &AccessLog, queue: usize) -> Result<Option<access::Log>, StartError> {
    let out: Box<dyn Write + Send> = match log {
        AccessLog::Off => return Ok(None),
        AccessLog::Stdout => Box::new(io::stdout()),
        AccessLog::File(path) => {
            let file = OpenOptions::new().append(true).create(true).open(path);
            Box::new(file.map_err(|source| StartError::AccessLog { path: path.clone(), source })?)
        }
    };
    let (log, records) = access::channel(queue);
    // Ends when the last data thread has.
    std::thread::Builder::new()
        .name("access-log".to_owned())
        .spawn(move || {
            if let Err(error) = records.write_to(out) {
                tracing::error!(%error, "the access log cannot be written any more");
            }
        })
        .map_err(StartError::Thread)?;
    Ok(Some(log))
}

/// The address that stands for all addresses of this host: `[::]`, which takes IPv4 as well, unless there is no IPv6 here.
fn any_address() -> IpAddr {
    match TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)) {
        Ok(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        Err(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    }
}
