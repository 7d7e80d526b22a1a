//! Compiles `proto/` to Rust, without a protoc. It is the build script of `crates/proto`.

use std::error::Error;
use std::path::PathBuf;

/// Every file that declares a package; what they import is found by its path below `proto/`.
const FILES: [&str; 22] = [
    "backstay/config/v1/resource.proto",
    "backstay/config/v1/route.proto",
    "backstay/admin/v1/admin.proto",
    "backstay/admin/v1/backend.proto",
    "backstay/admin/v1/backend_policy.proto",
    "backstay/admin/v1/fleet.proto",
    "backstay/admin/v1/gateway.proto",
    "backstay/admin/v1/gateway_class.proto",
    "backstay/admin/v1/http_route.proto",
    "backstay/admin/v1/proxy.proto",
    "backstay/admin/v1/resource.proto",
    "backstay/admin/v1/secret.proto",
    "backstay/join/v1/join.proto",
    "backstay/live/v1/live.proto",
    "backstay/report/v1/report.proto",
    "envoy/service/accesslog/v3/als.proto",
    "envoy/service/discovery/v3/discovery.proto",
    "envoy/service/status/v3/csds.proto",
    "etcd/rpc.proto",
    "opentelemetry/proto/collector/logs/v1/logs_service.proto",
    "opentelemetry/proto/collector/metrics/v1/metrics_service.proto",
    "opentelemetry/proto/collector/trace/v1/trace_service.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());
    let files = FILES.map(|file| root.join(file));
    let descriptors = protox::compile(&files, [&root])?;
    // For whoever reads messages by their description. Encoded here, because what is decoded already has lost its options.
    let described =
        protox::Compiler::new([&root])?.include_imports(true).open_files(&files)?.encode_file_descriptor_set();
    std::fs::write(PathBuf::from(std::env::var("OUT_DIR")?).join("descriptors.bin"), described)?;
    tonic_prost_build::configure()
        .bytes(".")
        .btree_map(".")
        // Told as JSON as well, by proxies and to scripts.
        .message_attribute(".backstay.live.v1", "#[derive(serde::Serialize, serde::Deserialize)]")
        .message_attribute(".backstay.live.v1", "#[serde(rename_all = \"camelCase\", default)]")
        .enum_attribute(".backstay.live.v1", "#[derive(serde::Serialize, serde::Deserialize)]")
        .compile_fds(descriptors)?;
    Ok(())
}
