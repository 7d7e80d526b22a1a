//! A process that subscribes as a proxy does, with the same credentials and the same state directory, and serves something else.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use backstay_proto::RESOURCE_TYPE_URL;
use backstay_proto::discovery::Node;
use backstay_proto::report::BackendHealth;
use backstay_seal::Keys;
use backstay_xds::client::{self, Handler, Update};
use http::Uri;
use tokio::sync::watch;

use crate::counts::ControlMetrics;
use crate::plane::{self, Access, AccessError, Joined};
use crate::report;
use crate::state::{self, StateError, StateFile, StateLock};

/// Where and as whom to subscribe, and where to keep what is sent.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the control plane knows this process by; unique in its fleet.
    pub node_id: String,
    /// What kind of process it is, as the control plane shows it.
    pub agent: &'static str,
    /// The fleet whose configuration it subscribes to.
    pub fleet: String,
    /// The control planes, in the order in which they are tried: at least one.
    pub control_planes: Vec<Uri>,
    /// What is believed of them, and shown to them.
    pub access: Access,
    /// Where the last good configuration is kept.
    pub state_dir: PathBuf,
    /// Keys that it is sealed with.
    pub state_keys: Option<Keys>,
}

/// Why there is no subscriber.
#[derive(Debug, thiserror::Error)]
pub enum SubscriberError {
    /// No control plane is named.
    #[error("name at least one control plane")]
    Nowhere,
    /// The control plane cannot be reached in that way.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The state directory cannot be used.
    #[error("the state directory cannot be used: {0}")]
    State(#[from] StateError),
}

/// A subscriber that has its state directory to itself.
#[derive(Debug)]
pub struct Subscriber {
    subscription: client::Options,
    joined: Option<Arc<Joined>>,
    file: StateFile,
    _lock: StateLock,
}

impl Subscriber {
    /// Opens the state directory. Nothing is dialled yet.
    ///
    /// # Errors
    /// [`SubscriberError`].
    pub fn open(options: Options) -> Result<Self, SubscriberError> {
        let Options { node_id, agent, fleet, control_planes, access, state_dir, state_keys } = options;
        let directory: &Path = &state_dir;
        for uri in &control_planes {
            access.check(uri, Some(directory))?;
        }
        let mut control_planes = control_planes.into_iter();
        let first = control_planes.next().ok_or(SubscriberError::Nowhere)?;
        let file = StateFile::open(directory, &fleet, state_keys)?;
        let lock = StateLock::take(directory)?;
        let node = Node {
            id: node_id,
            cluster: fleet,
            user_agent_name: agent.to_owned(),
            user_agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            ..Node::default()
        };
        let mut subscription = client::Options::new(first, node, RESOURCE_TYPE_URL);
        subscription.fallbacks = control_planes.collect();
        let joined = plane::equip(&mut subscription, &access, Some(directory));
        Ok(Self { subscription, joined, file, _lock: lock })
    }

    /// What was kept last; nothing where nothing was yet.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn kept(&self) -> Result<Vec<Update>, StateError> {
        self.file.load()
    }

    /// Subscribes until `shutdown`, keeps what `in_force` says whenever `changes` does, and reports what `fares` says of backends.
    pub async fn follow<H: Handler>(
        self,
        handler: H,
        in_force: impl Fn() -> Vec<Update> + Send + Sync + 'static,
        fares: impl Fn() -> Vec<BackendHealth> + Clone + Send + Sync + 'static,
        changes: watch::Receiver<u64>,
        shutdown: impl Future<Output = ()>,
    ) {
        let Self { subscription, joined, file, _lock } = self;
        let keeping = tokio::spawn(state::keep(file, in_force, changes, Arc::<ControlMetrics>::default()));
        let renewing = joined.map(|joined| tokio::spawn(async move { joined.renew().await }));
        let fares = move || fares().into_iter().map(|health| (health.backend.as_str().into(), health)).collect();
        let reporting = tokio::spawn(report::run(subscription.clone(), fares, None));
        // With the handler goes the sender of changes, and then the keeper ends.
        drop(client::run(subscription, handler, shutdown).await);
        reporting.abort();
        let _ = keeping.await;
        if let Some(renewing) = renewing {
            renewing.abort();
        }
    }
}
