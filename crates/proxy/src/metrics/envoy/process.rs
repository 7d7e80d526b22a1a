use crate::metrics::Process;
use crate::metrics::family::Family;
use crate::metrics::family::Read::{Level, Rise};

/// The server, its connections from clients, and its control plane.
pub(super) const FAMILIES: &[Family<Process>] = &[
    Family {
        name: "envoy_server_live",
        help: "1 unless the server drains.",
        read: Level(|process| Some(f64::from(u8::from(!process.draining)))),
    },
    Family {
        name: "envoy_control_plane_connected_state",
        help: "1 while connected to the control plane.",
        read: Level(|process| Some(process.control.connected.get() as f64)),
    },
    Family {
        name: "envoy_cluster_manager_active_clusters",
        help: "Clusters in force.",
        read: Level(|process| Some(process.backends as f64)),
    },
    Family {
        name: "envoy_http_downstream_cx_total",
        help: "Connections from clients taken in.",
        read: Rise(|process| process.server.accepted.get()),
    },
    Family {
        name: "envoy_http_downstream_cx_active",
        help: "Connections from clients open now.",
        read: Level(|process| Some(process.server.connections.get() as f64)),
    },
    Family {
        name: "envoy_http_downstream_cx_idle_timeout",
        help: "Connections from clients closed because they were idle.",
        read: Rise(|process| process.server.idle_timeouts.get()),
    },
    Family {
        name: "envoy_http_downstream_cx_protocol_error",
        help: "Connections from clients closed because of what they sent.",
        read: Rise(|process| process.server.protocol_errors.get() + process.server.heads_too_large.get()),
    },
    Family {
        name: "envoy_listener_downstream_global_cx_overflow",
        help: "Connections from clients refused because there were too many.",
        read: Rise(|process| process.server.connections_refused.get()),
    },
];
