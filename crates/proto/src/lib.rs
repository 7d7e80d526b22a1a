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

/// The xDS transport.
pub mod envoy {
    /// `envoy.service`.
    pub mod service {
        /// `envoy.service.discovery`.
        pub mod discovery {
            /// Version 3.
            pub mod v3 {
                tonic::include_proto!("envoy.service.discovery.v3");
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

pub use backstay::{
    admin::v1 as admin, config::v1 as config, join::v1 as join, live::v1 as live, report::v1 as report,
};
pub use envoy::service::discovery::v3 as discovery;

/// The descriptors of all messages, as an encoded `google.protobuf.FileDescriptorSet`.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// Type URL of [`config::Resource`].
pub const RESOURCE_TYPE_URL: &str = "type.googleapis.com/backstay.config.v1.Resource";
