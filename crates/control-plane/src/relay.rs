//! A control plane whose configuration comes from another one: a subscriber of one fleet, and a server of it.
//!
//! What it serves is what it was sent, bytes and versions, so that a proxy which moves between the two is sent nothing. What its proxies
//! answer it answers in turn: a response is acknowledged once all of them have, and what one of them refuses is refused, in its words. It
//! holds up the stream for [`RelayLimits::patience`] at most: a proxy that does not answer in time is told of like one that refuses, until
//! it has. How backends fare with its proxies it reports as one of them, added up.

mod inlet;

use std::sync::Arc;

use backstay_guard::PageGuard;
use backstay_kube::Events;
use backstay_store::{Embedded, Store};
use futures::FutureExt as _;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower::Layer as _;

pub use self::inlet::{Inlet, RelayLimits};
use crate::access::{self, Gate};
use crate::changes::Changes;
use crate::doors::{AdmissionLayer, Doors, JoinTokens, Joining};
use crate::error::StartError;
use crate::events::Teller;
use crate::fleets::Fleets;
use crate::listen::{Accept, Bound, Discovery, GuardLayer};
use crate::membership::Membership;
use crate::metrics::Metrics;
use crate::reports::{Reporting, Reports};
use crate::shared::{Shared, until};
use crate::source::FleetSource;
use crate::views::Views;
use crate::{AccessOptions, ControlPlane, Options, api, health, listen, registry, telemetry};

impl ControlPlane {
    /// Listens as a control plane does, for the proxies of one fleet, and hands out what has to be fed with its configuration. Until that
    /// has happened once nobody is served, and `/readyz` says so. The API has health, metrics, the status of the gRPC API, and what it
    /// takes to join; there are no objects.
    ///
    /// # Errors
    /// [`StartError`] says what stands in the way. Nothing is left running then.
    pub async fn relay(options: Options, fleet: &str, limits: RelayLimits) -> Result<(Self, Inlet), StartError> {
        let (targets, _) = telemetry::read(&options.telemetry)?;
        let security = &options.security;
        let certificates = options.access.certificates || security.api.client_authorities.is_some();
        let access = AccessOptions { certificates, ..options.access };
        let tokens = access.read_tokens().await?;
        if !options.insecure {
            security.check(options.api, options.xds, &access, &tokens)?;
        }
        let keys = security.encryption_keys.as_deref().map(backstay_store::Keys::of_file).transpose()?;
        let listener = Bound::at(options.api, "the API")?;
        let xds = Bound::at(options.xds, "discovery")?;
        // For what belongs to this process: its authority, and the tokens with which proxies join.
        let sealed = backstay_store::Options { seal: keys, ..options.limits.store.clone() };
        let store: Arc<dyn Store> = Arc::new(Embedded::open(options.data_dir.join("store.redb"), sealed)?);

        let reports = Arc::new(Reports::default());
        let events = Events::new(options.limits.events.kept);
        let teller = Teller::new(store.clone(), events.clone(), options.limits.events.certificate_warning);
        let (fleets, shared) = (Arc::new(Fleets::default()), Arc::new(Shared::default()));
        let (metrics, exposition) = Metrics::new(store.clone(), shared.clone(), reports.clone(), events);
        let addresses = (listener.address(), xds.address());
        let door_limits = (options.limits.doors, options.limits.access.failures);
        let doors = Doors::open(security, door_limits, addresses, &tokens, &store, &metrics).await?;
        let doors = Arc::new(doors);
        let gate = Gate::open(&access, options.limits.access, tokens, &registry(), metrics.access.clone()).await?;
        fleets.declare(fleet);
        let (listener, xds) = (listener.listen()?, xds.listen()?);
        let stop = CancellationToken::new();

        let membership = Membership::new(metrics.proxies_other_fleet.clone());
        let source = FleetSource {
            fleets: fleets.clone(),
            shared: shared.clone(),
            metrics: metrics.clone(),
            membership: membership.clone(),
            audit: gate.audit.clone(),
            teller: teller.clone(),
            views: Arc::new(Views::new(fleets.clone(), shared.clone(), metrics.clone())),
            changes: Changes::default(),
        };
        let upkeep = tokio::spawn(until(stop.clone(), exposition.clone().keep_up()));
        let (followed, kept) = (gate.clone(), doors.clone());
        let following = async move { tokio::join!(followed.follow(), kept.keep()) };
        let following = tokio::spawn(until(stop.clone(), following.map(drop)));
        let join_tokens = JoinTokens::new(store.clone());
        let telling = telemetry::start(&options.telemetry, targets, &Changes::default(), &exposition)?;
        let router = api::relay_router(&store, &fleets, &shared, exposition).merge(api::doors(
            doors.authority.clone(),
            join_tokens.clone(),
            fleets.clone(),
        ));
        let router = match options.log_switch {
            Some(switch) => router.merge(health::logging(switch)),
            None => router,
        };
        let guard = |is_tls| match is_tls {
            true => PageGuard::any_name(),
            false => PageGuard::new(options.allowed_hosts.iter().cloned()),
        };
        let api_guard = GuardLayer::new(guard(doors.api.is_some()), metrics.api_requests_refused.clone());
        let xds_guard = GuardLayer::new(guard(doors.xds.is_some()), metrics.xds_requests_refused.clone());
        let api = api_guard.layer(access::protect(router, &gate));
        let connections = options.limits.connections;
        let timeout = connections.header_timeout;
        let inlet = Inlet::new(fleet, fleets.clone(), shared.clone(), metrics.clone(), reports.clone(), limits);
        let retired = metrics.connections_retired.clone();
        let accept = Accept::new(listener, "the API", timeout, doors.api.clone());
        let ended = stop.clone();
        let api =
            listen::serve(accept, api, shared.clone(), (connections, metrics), async move { ended.cancelled().await });
        let accept = Accept::new(xds, "discovery", timeout, doors.xds.clone());
        let domain = options.security.trust_domain.clone();
        let routes = backstay_xds::server::services(Arc::new(source), options.limits.discovery)
            .add_service(Reporting::service(reports, teller, stop.clone(), membership))
            .add_service(Joining::service(doors.authority.clone(), domain, join_tokens.clone()));
        let discovery = Discovery {
            guard: xds_guard,
            admission: AdmissionLayer(doors.admission.clone()),
            routes,
            ages: options.limits.ages,
            retired,
        };
        let xds = listen::serve_xds(accept, discovery, stop.clone());
        let audit = gate.audit;
        let relay = Self {
            api: addresses.0,
            xds: addresses.1,
            stop,
            watches: watch::channel(false).0,
            fleets,
            shared,
            store,
            audit,
            servers: vec![upkeep, following, tokio::spawn(api), tokio::spawn(xds)],
            publisher: None,
            doors,
            join_tokens,
            telling,
        };
        Ok((relay, inlet))
    }
}
