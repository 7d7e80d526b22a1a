//! The wire contracts of Backstay, generated from `proto/`. Nothing here is written by hand but the module tree.

#![allow(missing_docs, clippy::all)]

/// Contracts of Backstay itself.
pub mod backstay {
    /// What proxies receive.
    pub mod config {
        /// Version 1.
        pub mod v1 {
            tonic::include_proto!("backstay.config.v1");
        }
    }
    /// The gRPC admin API.
    pub mod admin {
        /// Version 1.
        pub mod v1 {
            tonic::include_proto!("backstay.admin.v1");
        }
    }
    /// How proxies come by certificates.
    pub mod join {
        /// Version 1.
        pub mod v1 {
            tonic::include_proto!("backstay.join.v1");
        }
    }
    /// What proxies serve at this moment.
    pub mod live {
        /// Version 1.
        pub mod v1 {
            tonic::include_proto!("backstay.live.v1");
        }
    }
    /// What proxies report.
    pub mod report {
        /// Version 1.
        pub mod v1 {
            tonic::include_proto!("backstay.report.v1");
        }
    }
}

/// The xDS transport, what is told of its clients, and the access log service.
pub mod envoy {
    /// `envoy.service`.
    pub mod service {
        /// `envoy.service.accesslog`.
        pub mod accesslog {
            /// Version 3.
            pub mod v3 {
                tonic::include_proto!("envoy.service.accesslog.v3");
            }
        }
        /// `envoy.service.discovery`.
        pub mod discovery {
            /// Version 3.
            pub mod v3 {
                tonic::include_proto!("envoy.service.discovery.v3");
            }
        }
        /// `envoy.service.status`.
        pub mod status {
            /// Version 3.
            pub mod v3 {
                tonic::include_proto!("envoy.service.status.v3");
            }
        }
    }
}

/// etcd's API. The names of the packages are etcd's.
pub mod etcd {
    /// What it stores.
    pub mod mvccpb {
        tonic::include_proto!("mvccpb");
    }
    /// Its calls.
    pub mod etcdserverpb {
        tonic::include_proto!("etcdserverpb");
    }
}

/// OTLP. The names of the packages are OpenTelemetry's.
pub mod opentelemetry {
    /// `opentelemetry.proto`.
    pub mod proto {
        /// Its services.
        pub mod collector {
            /// `opentelemetry.proto.collector.logs`.
            pub mod logs {
                /// Version 1.
                pub mod v1 {
                    tonic::include_proto!("opentelemetry.proto.collector.logs.v1");
                }
            }
            /// `opentelemetry.proto.collector.metrics`.
            pub mod metrics {
                /// Version 1.
                pub mod v1 {
                    tonic::include_proto!("opentelemetry.proto.collector.metrics.v1");
                }
            }
            /// `opentelemetry.proto.collector.trace`.
            pub mod trace {
                /// Version 1.
                pub mod v1 {
                    tonic::include_proto!("opentelemetry.proto.collector.trace.v1");
                }
            }
        }
        /// `opentelemetry.proto.common`.
        pub mod common {
            /// Version 1.
            pub mod v1 {
                tonic::include_proto!("opentelemetry.proto.common.v1");
            }
        }
        /// `opentelemetry.proto.logs`.
        pub mod logs {
            /// Version 1.
            pub mod v1 {
                tonic::include_proto!("opentelemetry.proto.logs.v1");
            }
        }
        /// `opentelemetry.proto.metrics`.
        pub mod metrics {
            /// Version 1.
            pub mod v1 {
                tonic::include_proto!("opentelemetry.proto.metrics.v1");
            }
        }
        /// `opentelemetry.proto.resource`.
        pub mod resource {
            /// Version 1.
            pub mod v1 {
                tonic::include_proto!("opentelemetry.proto.resource.v1");
            }
        }
        /// `opentelemetry.proto.trace`.
        pub mod trace {
            /// Version 1.
            pub mod v1 {
                tonic::include_proto!("opentelemetry.proto.trace.v1");
            }
        }
    }
}

pub use backstay::{
    admin::v1 as admin, config::v1 as config, join::v1 as join, live::v1 as live, report::v1 as report,
};
pub use envoy::service::{
    accesslog::v3 as access_log_service, discovery::v3 as discovery, status::v3 as client_status,
};
pub use opentelemetry::proto as otlp;

/// The descriptors of all messages, as an encoded `google.protobuf.FileDescriptorSet`.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// Type URL of [`config::Resource`].
pub const RESOURCE_TYPE_URL: &str = "type.googleapis.com/backstay.config.v1.Resource";
