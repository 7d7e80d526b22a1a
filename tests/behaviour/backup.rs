//! A backup that can be restored.

use serde_json::Value;

use crate::harness::rest::BACKENDS;
use crate::harness::tls::Authority;
use crate::harness::{ControlPlane, Proxy, backstay, manifest, port};

const SECRET: &str = "/api/v1/namespaces/default/secrets/web-tls";

/// What identifies an object, and what a restart must not lose.
fn identity(object: &Value) -> [Value; 5] {
    let metadata = &object["metadata"];
    [
        metadata["uid"].clone(),
        metadata["generation"].clone(),
        metadata["creationTimestamp"].clone(),
        object["spec"].clone(),
        object["data"].clone(),
    ]
}

#[tokio::test]
async fn what_is_exported_makes_another_store() {
    let files = tempfile::tempdir().unwrap();
    let control_plane = ControlPlane::start();
    let _proxy = Proxy::start(control_plane.xds());
    let listen = port::free();
    let objects = [
        manifest::backend("app", &["127.0.0.1"]),
        manifest::gateway("web", listen),
        manifest::route("app", "web", "app.example", "app", 1),
        Authority::new().issue(&["a.example"]).secret("web-tls"),
    ];
    let file = files.path().join("all.yaml");
    std::fs::write(&file, objects.map(|object| object.to_string()).join("\n---\n")).unwrap();
    let server = control_plane.server();
    let applied = backstay(["apply", "--wait", "-f", file.to_str().unwrap(), "--server", &server]);
    assert_eq!(applied.status.code(), Some(0), "{applied:?}");
    let before = [control_plane.rest().read(&format!("{BACKENDS}/app")).await, control_plane.rest().read(SECRET).await];
    let exported = backstay(["export", "--server", &server]);
    assert_eq!(exported.status.code(), Some(0), "{exported:?}");
    let backup = files.path().join("backup.yaml");
    std::fs::write(&backup, &exported.stdout).unwrap();

    let data = files.path().join("restored");
    let (backup, directory) = (backup.to_str().unwrap(), data.to_str().unwrap());
    let imported = backstay(["import", "-f", backup, "--data-dir", directory]);
    assert_eq!(imported.status.code(), Some(0), "{imported:?}");
    {
        let restored = ControlPlane::start_in(&data);
        let after = [restored.rest().read(&format!("{BACKENDS}/app")).await, restored.rest().read(SECRET).await];
        assert_eq!(before.each_ref().map(identity), after.each_ref().map(identity));
        // While it runs, nobody takes its store away.
        let refused = backstay(["import", "--replace", "-f", backup, "--data-dir", directory]);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    }
    let refused = backstay(["import", "-f", backup, "--data-dir", directory]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("--replace gives them up"), "{said}");
    // Of one that is stopped, everything is there, and makes the same once more.
    let dumped = backstay(["export", "--data-dir", directory, "-o", "json"]);
    let second = files.path().join("second.yaml");
    std::fs::write(&second, &dumped.stdout).unwrap();
    let again = backstay(["import", "--replace", "-f", second.to_str().unwrap(), "--data-dir", directory]);
    assert_eq!(again.status.code(), Some(0), "{again:?}");
}
