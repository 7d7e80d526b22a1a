//! A store on etcd that is sealed, and control planes that share it and its keys.

use std::path::{Path, PathBuf};

use http::Method;
use serde_json::{Value, json};

use super::{leads, status, store};
use crate::harness::etcd::{Cluster, blocking, program};
use crate::harness::process::Process;
use crate::harness::rest::{BACKENDS, SECRETS};
use crate::harness::{ControlPlane, PATIENCE, Rest, backstay, manifest, port, tls};

const VALUE: &str = "c3VwZXJzZWNyZXQtdmFsdWUtb2YtdGhlLXRlc3Q=";

/// A control plane with a file of keys of its own.
struct Sealed {
    process: Process,
    rest: Rest,
    file: PathBuf,
}

impl Sealed {
    fn start(cluster: &Cluster, folder: &Path, name: &str, keys: &str) -> Self {
        let file = folder.join(name);
        std::fs::write(&file, keys).unwrap();
        let process = ControlPlane::begin_on_with(&store(cluster), &["--encryption-key-file", file.to_str().unwrap()]);
        process.wait_for_line("API on");
        let rest = Rest::new(process.address("api"));
        Self { process, rest, file }
    }

    async fn has(&self, name: &str) {
        let path = format!("{SECRETS}/{name}");
        let (status, secret) = self.rest.send(Method::GET, &path, "application/json", "").await;
        assert_eq!((status.as_u16(), &secret["data"]["password"]), (200, &VALUE.into()), "{secret}");
    }
}

fn secret(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "default"},
        "data": {"password": VALUE},
    })
}

fn kept(cluster: &Cluster, name: &str) -> Vec<u8> {
    blocking(|| cluster.kept(&format!("/test/objects/secrets/default/{name}")))
}

fn is_sealed_with(cluster: &Cluster, name: &str, key: &str) -> bool {
    kept(cluster, name).starts_with(format!("bs1:{key}:").as_bytes())
}

fn digest(process: &Process) -> Value {
    status(process)["fleets"][0]["digest"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn control_planes_share_the_keys_and_change_them_while_they_run() {
    if program().is_none() {
        return;
    }
    let cluster = blocking(|| Cluster::of(1));
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (format!("one:{}\n", "1".repeat(64)), format!("two:{}\n", "2".repeat(64)));
    let first = Sealed::start(&cluster, folder.path(), "first", &one);
    leads(&first.process);
    let second = Sealed::start(&cluster, folder.path(), "second", &one);
    first.rest.create(&secret("old")).await;
    second.rest.create(&manifest::backend("app", &["127.0.0.1"])).await;
    second.rest.create(&manifest::gateway("web", port::free())).await;
    second.rest.create(&manifest::route("app", "web", "app.example", "app", 1)).await;
    second.has("old").await;
    assert!(is_sealed_with(&cluster, "old", "one"));
    assert!(!kept(&cluster, "old").windows(VALUE.len()).any(|part| part == VALUE.as_bytes()));

    // Without the key it does not start, and says which it lacks.
    let ports = ["--api", "127.0.0.1:0", "--xds", "127.0.0.1:0"];
    let output = backstay([&["control-plane", "--store", &store(&cluster)], &ports[..]].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("sealed with the key \"one\", which is not given"), "{said}");

    // All read the new key before one of them seals with it.
    for keys in [format!("{one}{two}"), format!("{two}{one}")] {
        for plane in [&first, &second] {
            tls::replace(&plane.file, &keys);
        }
    }
    for (plane, name) in [(&first, "new-1"), (&second, "new-2")] {
        let began = std::time::Instant::now();
        plane.rest.create(&secret(name)).await;
        while !is_sealed_with(&cluster, name, "two") {
            assert!(began.elapsed() < PATIENCE, "no write is sealed with the new key");
            plane.rest.change(&format!("{SECRETS}/{name}"), &json!({"metadata": {"labels": {"a": "b"}}})).await;
            plane.rest.change(&format!("{SECRETS}/{name}"), &json!({"metadata": {"labels": {"a": null}}})).await;
        }
    }
    first.has("new-2").await;
    second.has("new-1").await;
    let store = store(&cluster);
    let file = first.file.to_str().unwrap();
    let rewrite = ["secrets", "rewrite", "--store", &store, "--encryption-key-file", file];
    let output = backstay(rewrite);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(is_sealed_with(&cluster, "old", "two"));
    let held = backstay([&rewrite[..], &["--plain"]].concat());
    let said = String::from_utf8_lossy(&held.stderr).into_owned();
    assert!(held.status.code() == Some(1) && said.contains("a control plane has the store on etcd"), "{said}");

    // The old key goes; those that run go on, and one that starts reads all of it.
    for plane in [&first, &second] {
        tls::replace(&plane.file, &two);
    }
    let third = Sealed::start(&cluster, folder.path(), "third", &two);
    third.rest.create(&secret("newest")).await;
    for plane in [&first, &second, &third] {
        plane.rest.wait_until(&format!("{SECRETS}/newest"), "told of", |object| object["kind"] == "Secret").await;
        plane.has("old").await;
    }
    let revision = third.rest.read(BACKENDS).await["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    for plane in [&first, &second, &third] {
        let server = format!("http://{}", plane.process.address("api"));
        let waited = backstay(["status", "--wait", "--revision", &revision, "--server", &server]);
        assert!(waited.status.success(), "{waited:?}");
    }
    assert_eq!(digest(&first.process), digest(&second.process));
    assert_eq!(digest(&first.process), digest(&third.process));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sealed_goes_from_etcd_to_a_file_and_back() {
    if program().is_none() {
        return;
    }
    let cluster = blocking(|| Cluster::of(1));
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let mut plane = Sealed::start(&cluster, folder.path(), "keys", &format!("one:{}\n", "1".repeat(64)));
    plane.rest.create(&secret("hidden")).await;
    let before = plane.rest.read(&format!("{SECRETS}/hidden")).await;
    let (store, keys) = (store(&cluster), path("keys"));
    let export = ["export", "--store", &store];
    let without = backstay(export);
    let said = String::from_utf8_lossy(&without.stderr).into_owned();
    assert!(without.status.code() == Some(1) && said.contains("which is not given"), "{said}");
    // While it runs, and whole.
    let exported = backstay([&export[..], &["--encryption-key-file", &keys]].concat());
    assert_eq!(exported.status.code(), Some(0), "{exported:?}");
    std::fs::write(path("backup"), &exported.stdout).unwrap();
    plane.process.signal("TERM");
    plane.process.wait();

    std::fs::write(path("other"), format!("other:{}\n", "3".repeat(64))).unwrap();
    let other = path("other");
    let import = |place: [&str; 2]| {
        let (backup, more) = (path("backup"), ["--encryption-key-file", &other, "--replace"]);
        let imported = backstay([&["import", "-f", &backup], &place[..], &more].concat());
        assert_eq!(imported.status.code(), Some(0), "{imported:?}");
    };
    let data = path("data");
    import(["--data-dir", &data]);
    let file = ControlPlane::start_in_with(Path::new(&data), &["--encryption-key-file", &other]);
    let there = file.rest().read(&format!("{SECRETS}/hidden")).await;
    assert_eq!((&there["metadata"]["uid"], &there["data"]), (&before["metadata"]["uid"], &before["data"]));
    // What is there is read with the keys of before, so that it can be replaced.
    std::fs::write(path("other"), format!("other:{}\none:{}\n", "3".repeat(64), "1".repeat(64))).unwrap();
    import(["--store", &store]);
    assert!(is_sealed_with(&cluster, "hidden", "other"));
    let plane = Sealed::start(&cluster, folder.path(), "keys", &format!("other:{}\n", "3".repeat(64)));
    plane.has("hidden").await;
}
