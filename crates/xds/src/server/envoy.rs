//! What Envoy and gRPC clients expect, as data: the order of their types, and the services that are of one type each.

use super::types::TypeRule;

/// `envoy.config.cluster.v3.Cluster`.
pub const CLUSTER: &str = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
/// `envoy.config.endpoint.v3.ClusterLoadAssignment`.
pub const ENDPOINTS: &str = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";
/// `envoy.config.listener.v3.Listener`.
pub const LISTENER: &str = "type.googleapis.com/envoy.config.listener.v3.Listener";
/// `envoy.config.route.v3.RouteConfiguration`.
pub const ROUTES: &str = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";
/// `envoy.config.route.v3.VirtualHost`: what of a `RouteConfiguration` is sent by itself.
pub const VIRTUAL_HOST: &str = "type.googleapis.com/envoy.config.route.v3.VirtualHost";
/// `envoy.extensions.transport_sockets.tls.v3.Secret`.
pub const SECRET: &str = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";

/// Make before break: secrets, clusters, endpoints, listeners, routes and their virtual hosts, then removals. A cluster that changed waits for its
/// endpoints, even if they are what they were.
///
/// The virtual hosts of a `RouteConfiguration` are called `ROUTES/HOST` (VHDS). Envoy asks once for all that there are, and takes those of the
/// routes that it knows. They are not split: it serves those that it has from the first response on.
pub fn types() -> Vec<TypeRule> {
    // Envoy's refusals are sentences.
    let of = |type_url| TypeRule { isolates: true, ..TypeRule::of(type_url) };
    vec![
        TypeRule { removed_last: true, silent_absence: true, ..of(SECRET) },
        TypeRule { full_state: true, gates: true, removed_last: true, ..of(CLUSTER) },
        TypeRule { removed_last: true, resend_after: Some(CLUSTER.into()), ..of(ENDPOINTS) },
        TypeRule { full_state: true, ..of(LISTENER) },
        of(ROUTES),
        TypeRule { members_of: Some(ROUTES.into()), response_bytes: Some(usize::MAX), ..of(VIRTUAL_HOST) },
    ]
}

/// A gRPC service, and the type it is about.
pub(super) struct Service {
    pub(super) name: &'static str,
    /// Its method for state of the world, if it has one.
    pub(super) state_of_the_world: Option<&'static str>,
    pub(super) incremental: &'static str,
    /// None: requests say.
    pub(super) type_url: Option<&'static str>,
}

/// The aggregated service, then those of one type each.
pub(super) const SERVICES: [Service; 7] = [
    Service {
        name: "envoy.service.discovery.v3.AggregatedDiscoveryService",
        state_of_the_world: Some("StreamAggregatedResources"),
        incremental: "DeltaAggregatedResources",
        type_url: None,
    },
    Service {
        name: "envoy.service.cluster.v3.ClusterDiscoveryService",
        state_of_the_world: Some("StreamClusters"),
        incremental: "DeltaClusters",
        type_url: Some(CLUSTER),
    },
    Service {
        name: "envoy.service.endpoint.v3.EndpointDiscoveryService",
        state_of_the_world: Some("StreamEndpoints"),
        incremental: "DeltaEndpoints",
        type_url: Some(ENDPOINTS),
    },
    Service {
        name: "envoy.service.listener.v3.ListenerDiscoveryService",
        state_of_the_world: Some("StreamListeners"),
        incremental: "DeltaListeners",
        type_url: Some(LISTENER),
    },
    Service {
        name: "envoy.service.route.v3.RouteDiscoveryService",
        state_of_the_world: Some("StreamRoutes"),
        incremental: "DeltaRoutes",
        type_url: Some(ROUTES),
    },
    Service {
        name: "envoy.service.secret.v3.SecretDiscoveryService",
        state_of_the_world: Some("StreamSecrets"),
        incremental: "DeltaSecrets",
        type_url: Some(SECRET),
    },
    Service {
        name: "envoy.service.route.v3.VirtualHostDiscoveryService",
        state_of_the_world: None,
        incremental: "DeltaVirtualHosts",
        type_url: Some(VIRTUAL_HOST),
    },
];
