//! The gRPC API with clients of others: grpcurl, which knows what reflection tells, and Python's grpcio, made from `proto/`.

use std::process::Command;

use crate::harness::{ControlPlane, tools};

#[test]
fn grpcurl_finds_describes_and_calls() {
    let Some(grpcurl) = tools::grpcurl() else { return };
    let control_plane = ControlPlane::start();
    let address = control_plane.api().to_string();
    let run = |arguments: &[&str]| {
        let output = Command::new(&grpcurl).arg("-plaintext").args(arguments).output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.success(), format!("{out}{err}"))
    };
    let (_, services) = run(&[&address, "list"]);
    for service in [
        "backstay.admin.v1.BackendService",
        "backstay.admin.v1.HTTPRouteService",
        "backstay.admin.v1.ResourceService",
        "backstay.admin.v1.FleetService",
        "envoy.service.status.v3.ClientStatusDiscoveryService",
        "grpc.health.v1.Health",
    ] {
        assert!(services.lines().any(|line| line == service), "{service} in {services}");
    }
    // What is not served here is not told of.
    assert!(!services.contains("envoy.service.discovery"), "{services}");
    let (_, described) = run(&[&address, "describe", "backstay.admin.v1.GatewayService"]);
    assert!(described.contains("rpc ApplyGateway"), "{described}");
    let backend =
        r#"{"backend_id": "web", "backend": {"labels": {"a": "b"}, "spec": {"endpoints": [{"ip": "10.0.0.1"}]}}}"#;
    let (created, said) = run(&["-d", backend, &address, "backstay.admin.v1.BackendService/CreateBackend"]);
    assert!(created && said.contains("\"name\": \"backends/web\""), "{said}");
    let wrong = r#"{"backend_id": "w", "backend": {"spec": {"endpoints": [{"ip": "x"}]}}}"#;
    let (created, said) = run(&["-d", wrong, &address, "backstay.admin.v1.BackendService/CreateBackend"]);
    assert!(!created && said.contains("InvalidArgument") && said.contains("backend.spec.endpoints[0].ip"), "{said}");
    let (_, health) = run(&[&address, "grpc.health.v1.Health/Check"]);
    assert!(health.contains("SERVING") && !health.contains("NOT_SERVING"), "{health}");
}

#[test]
fn a_client_of_grpcio_made_from_the_contracts_does_everything() {
    let Some(python) = tools::python_with_grpc() else { return };
    let control_plane = ControlPlane::start();
    let root = env!("CARGO_MANIFEST_DIR");
    let output = Command::new(&python)
        .arg(format!("{root}/tests/interop/grpc_client.py"))
        .args([&control_plane.api().to_string(), &format!("{root}/proto"), &control_plane.server()])
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
}
