//! The control plane, assembled: a store, the API that writes it, the compiler that follows it, and the discovery service
//! that streams what it compiles.
//!
//! # Layout
//!
//! - `access`: who sends requests to the API, and what they may do.
//! - `publisher`: store → compiler → `fleets`, the snapshots that discovery streams follow.
//! - `views`: the same for Envoys. `source`: what streams ask for and report; `tracker`: what that says of each object; `status`: writes it down.
//! - `reports`: what proxies tell of how backends fare. [`backup`]: a store, out of it and into it.
//! - `live`: what proxies serve at this moment, for whoever looks.
//! - `dialects`: the kinds, the front ends and the APIs of all of them.
//! - `events`: what happens to objects, told.
//! - `relay`: the servers alone, fed by another control plane.
//! - `replicas`: other control planes on the same store, and which of them leads.
//! - `faults`: what is not in force, counted and listed.
//! - `telemetry`: what collectors are told; `changes`: how long a change takes from its request to the last proxy's acknowledgement.
//! - `offline`: what the compiler says of objects that are not stored.
//! - [`Security`]: TLS, authorities and proofs, as they are asked for; `doors`: made of that.
//! - [`Limits`]: everything that has a bound. `api`, `health`, `admin`: the API address. `listen`: connections to both. `bootstrap`: objects that always exist.

mod access;
mod admin;
mod api;
pub mod backup;
mod bootstrap;
mod changes;
mod dialects;
mod doors;
mod error;
mod events;
mod faults;
mod fleets;
mod health;
mod limits;
mod listen;
mod live;
mod membership;
mod metrics;
mod offline;
mod options;
mod publisher;
mod relay;
mod replicas;
mod reports;
mod security;
mod shared;
mod source;
mod status;
mod telemetry;
mod tracker;
mod views;

use std::net::SocketAddr;
use std::sync::Arc;

use backstay_auth::Audit;
use backstay_guard::PageGuard;
use backstay_kube::Events;
use backstay_resources::Timestamp;
use backstay_store::{Embedded, Etcd, Store};
use futures::FutureExt as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower::Layer as _;

pub use backstay_store::EtcdOptions;
pub use backstay_store::etcd::options::AddressError as EtcdAddressError;

use self::access::Gate;
pub use self::access::{AccessError, AccessLimits, AccessOptions, AuditLimits, TokenIssuer, TokenKeys};
use self::changes::Commits;
pub use self::dialects::{FastlyOptions, registry};
use self::dialects::{dialects, front_ends};
pub use self::doors::DoorLimits;
use self::doors::{AdmissionLayer, Doors, JoinTokens, Joining};
pub use self::error::{BootstrapError, StartError};
use self::events::Teller;
use self::fleets::Fleets;
pub use self::limits::{EventLimits, Limit, LimitError, Limits};
use self::listen::{Accept, Bound, Discovery, GuardLayer};
pub use self::listen::{AgeLimits, ApiLimits};
pub use self::live::LiveLimits;
use self::live::{Attendance, Attending};
use self::membership::Membership;
use self::metrics::Metrics;
pub use self::offline::{compile, said_of};
pub use self::options::Options;
use self::publisher::Publisher;
pub use self::relay::{Inlet, RelayLimits};
use self::replicas::Leadership;
use self::reports::{Reporting, Reports};
pub use self::security::{AuthorityFrom, DoorFiles, FrontProxies, ProxyAccounts, PublishAuthority, Security};
use self::shared::{Shared, until};
use self::source::FleetSource;
pub use self::telemetry::TelemetryOptions;
use self::views::Views;
pub use backstay_auth::{Account, AccountError};
pub use backstay_store::{Keys, KeysError};

/// A running control plane.
#[derive(Debug)]
pub struct ControlPlane {
    api: SocketAddr,
    xds: SocketAddr,
    stop: CancellationToken,
    watches: watch::Sender<bool>,
    fleets: Arc<Fleets>,
    shared: Arc<Shared>,
    store: Arc<dyn Store>,
    audit: Audit,
    servers: Vec<JoinHandle<()>>,
    publisher: Option<std::thread::JoinHandle<()>>,
    doors: Arc<Doors>,
    join_tokens: JoinTokens,
    /// Ends with it, and has told then what there was to tell.
    telling: Option<backstay_telemetry::Exporter>,
}

impl ControlPlane {
    /// Opens the store, compiles what it holds and listens on both addresses. Returns once a proxy can connect.
    ///
    /// # Errors
    /// [`StartError`] says what stands in the way. Nothing is left running then.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let (targets, changes) = telemetry::read(&options.telemetry)?;
        let security = &options.security;
        // Whoever shows a certificate that the API's own door has verified is who it says.
        let certificates = options.access.certificates || security.api.client_authorities.is_some();
        let front_proxies = security.front_proxies.as_ref().map(|front_proxies| front_proxies.names.clone());
        let access = AccessOptions { certificates, front_proxies, ..options.access };
        let tokens = access.read_tokens().await?;
        if !options.insecure {
            security.check(options.api, options.xds, &access, &tokens)?;
        }
        let keys = security.encryption_keys.as_deref().map(backstay_store::Keys::of_file).transpose()?;
        let etcd = match options.etcd {
            Some(etcd) => Some(Etcd::open(EtcdOptions { seal: keys.clone(), ..etcd }).await?),
            None => None,
        };
        // Nobody is served before everything has been compiled once.
        let listener = Bound::at(options.api, "the API")?;
        let xds = Bound::at(options.xds, "discovery")?;
        let sealed = backstay_store::Options { seal: keys, ..options.limits.store.clone() };
        let store: Arc<dyn Store> = match etcd {
            Some(etcd) => Arc::new(etcd),
            None => Arc::new(Embedded::open(options.data_dir.join("store.redb"), sealed)?),
        };
        let registry = registry();
        bootstrap::bootstrap(&store, &registry).await?;
        let store = Commits::of(store, &changes);

        let reports = Arc::new(Reports::default());
        let attendance = Arc::new(Attendance::new(options.limits.live));
        let events = Events::new(options.limits.events.kept);
        let teller = Teller::new(store.clone(), events.clone(), options.limits.events.certificate_warning);
        let api_options = backstay_kube::Options { events: events.clone(), ..options.limits.api.clone() };
        let shared = Arc::new(Shared::default());
        let (metrics, exposition) = Metrics::new(store.clone(), shared.clone(), reports.clone(), events.clone());
        let addresses = (listener.address(), xds.address());
        let doors = Doors::open(
            security,
            (options.limits.doors, options.limits.access.failures),
            addresses,
            &tokens,
            &store,
            &metrics,
        )
        .await?;
        let doors = Arc::new(doors);
        let gate = Gate::open(&access, options.limits.access, tokens, &registry, metrics.access.clone()).await?;
        let fleets = Arc::new(Fleets::default());
        let stop = CancellationToken::new();
        let (watches, watches_stop) = watch::channel(false);

        let publisher = Publisher::new(
            store.clone(),
            &registry,
            front_ends(&options.fastly),
            fleets.clone(),
            shared.clone(),
            (metrics.clone(), changes.clone()),
        )?;
        let publisher = publisher::spawn(publisher, shared.clone(), stop.clone())?;
        if !shared.ready().await {
            return Err(StartError::Compile);
        }
        let listening = listener.listen().and_then(|listener| Ok((listener, xds.listen()?)));
        let (listener, xds) = listening.inspect_err(|_| stop.cancel())?;

        let membership = Membership::new(metrics.proxies_other_fleet.clone());
        let views = Arc::new(Views::new(fleets.clone(), shared.clone(), metrics.clone()));
        let source = FleetSource {
            fleets: fleets.clone(),
            shared: shared.clone(),
            metrics: metrics.clone(),
            membership: membership.clone(),
            audit: gate.audit.clone(),
            teller: teller.clone(),
            views,
            changes: changes.clone(),
        };
        let leadership = Leadership::new(&*store);
        let status = status::run(store.clone(), leadership.clone(), shared.clone(), metrics.clone(), teller.clone());
        let status = tokio::spawn(until(stop.clone(), status));
        let (others, told, fares, heard) = (store.replicas(), shared.clone(), reports.clone(), events.clone());
        let keeping = tokio::spawn(until(stop.clone(), events.keep()));
        let certificates = tokio::spawn(until(stop.clone(), teller.clone().watch_certificates(shared.clone())));
        let upkeep = tokio::spawn(until(stop.clone(), exposition.clone().keep_up()));
        let garbage = replicas::collect(leadership, store.clone(), registry.clone(), shared.clone());
        let garbage = tokio::spawn(until(stop.clone(), garbage));
        let spread = teller.clone().spread();
        let sharing = async move {
            if let Some(others) = others {
                let hear = replicas::hear(others.clone(), told.clone(), fares.clone(), heard);
                tokio::join!(hear, replicas::share(others.clone(), told), reports::share(others, fares), spread);
            }
        };
        let sharing = tokio::spawn(until(stop.clone(), sharing));
        let (followed, kept) = (gate.clone(), doors.clone());
        let following = async move { tokio::join!(followed.follow(), kept.keep()) };
        let following = tokio::spawn(until(stop.clone(), following.map(drop)));
        let dialects = dialects(&store, options.fastly, &reports, exposition.fastly_meter());
        let join_tokens = doors.join_tokens.clone();
        let scrape = api::Scrape::new(exposition, &fleets, &*store, &shared, &attendance);
        let telling =
            telemetry::start(&options.telemetry, targets, &changes, &scrape).inspect_err(|_| stop.cancel())?;
        let router =
            api::router(&store, &registry, &fleets, &shared, scrape, (api_options, options.limits.grpc), watches_stop)?
                .merge(dialects)
                .merge(api::doors(doors.authority.clone(), join_tokens.clone(), fleets.clone()));
        let router = match options.log_switch {
            Some(switch) => router.merge(health::logging(switch)),
            None => router,
        };
        let api_stop = stop.clone();
        // The one place where pages are kept out, of both addresses: whatever authenticates requests takes it from here. Over TLS a browser
        // itself sees to it that the name which it asks for is one of the certificate's.
        let guard = |is_tls| match is_tls {
            true => PageGuard::any_name(),
            false => PageGuard::new(options.allowed_hosts.iter().cloned()),
        };
        let api_guard = GuardLayer::new(guard(doors.api.is_some()), metrics.api_requests_refused.clone());
        let xds_guard = GuardLayer::new(guard(doors.xds.is_some()), metrics.xds_requests_refused.clone());
        let api = api_guard.layer(access::protect(changes::follow(router, changes), &gate));
        let timeout = options.limits.connections.header_timeout;
        let accept = Accept::new(listener, "the API", timeout, doors.api.clone());
        let connections = options.limits.connections;
        let retired = metrics.connections_retired.clone();
        let api =
            listen::serve(
                accept,
                api,
                shared.clone(),
                (connections, metrics),
                async move { api_stop.cancelled().await },
            );
        let accept = Accept::new(xds, "discovery", timeout, doors.xds.clone());
        let domain = options.security.trust_domain.clone();
        let routes = backstay_xds::server::services(Arc::new(source), options.limits.discovery)
            .add_service(Reporting::service(reports, teller, stop.clone(), membership.clone()))
            .add_service(Attending::service(attendance, stop.clone(), membership))
            .add_service(Joining::service(doors.authority.clone(), domain, join_tokens.clone()));
        let discovery = Discovery {
            guard: xds_guard,
            admission: AdmissionLayer(doors.admission.clone()),
            routes,
            ages: options.limits.ages,
            retired,
        };
        let xds = listen::serve_xds(accept, discovery, stop.clone());
        Ok(Self {
            api: addresses.0,
            xds: addresses.1,
            stop,
            watches,
            fleets,
            shared,
            store,
            audit: gate.audit,
            servers: vec![
                status,
                keeping,
                certificates,
                upkeep,
                following,
                garbage,
                sharing,
                tokio::spawn(api),
                tokio::spawn(xds),
            ],
            publisher: Some(publisher),
            doors,
            join_tokens,
            telling,
        })
    }

    /// The address of the API, with the port that was chosen where 0 was asked for.
    #[must_use]
    pub fn api_address(&self) -> SocketAddr {
        self.api
    }

    /// The address of discovery, with the port that was chosen where 0 was asked for.
    #[must_use]
    pub fn xds_address(&self) -> SocketAddr {
        self.xds
    }

    /// The certificate of the authority that signs here, as PEM: what others trust. None where nobody signs.
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        self.doors.authority.as_ref().map(|authority| authority.pem())
    }

    /// A token with which one proxy may join a fleet within an hour.
    ///
    /// # Errors
    /// In words, when the store cannot be written.
    pub async fn join_token(&self, fleet: &str) -> Result<String, String> {
        let made = self.join_tokens.make(fleet, 3600, Timestamp::now()).await;
        made.map(|made| made.token).map_err(|error| error.to_string())
    }

    /// The next event of the audit log goes to the file that has its name then, as after a rotation.
    pub fn reopen_audit_log(&self) {
        self.audit.reopen();
    }

    /// Waits until changes are not compiled any more, such as when another control plane has taken the store. What is left to do
    /// then is to end.
    pub async fn ended(&self) {
        self.shared.ended().await;
    }

    /// Is not ready from now on, and has clients of HTTP/1.1 connect anew; serves all the same, until those in front have noticed.
    pub fn leave(&self) {
        self.shared.leave();
    }

    /// Ends streams and watches, lets open requests end, and closes the store.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        self.watches.send_replace(true);
        self.fleets.close();
        for server in self.servers.drain(..) {
            let _ = server.await;
        }
        let audit = self.audit.clone();
        let _ = tokio::task::spawn_blocking(move || audit.close()).await;
        if let Some(publisher) = self.publisher.take() {
            let _ = tokio::task::spawn_blocking(move || publisher.join()).await;
        }
        if let Some(telling) = self.telling.take() {
            let _ = tokio::task::spawn_blocking(|| telling.end()).await;
        }
        self.store.release().await;
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
