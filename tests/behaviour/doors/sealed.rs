//! What is on disk, sealed.

use http::Method;
use serde_json::json;

use crate::harness::rest::SECRETS;
use crate::harness::{ControlPlane, backstay};

const VALUE: &str = "c3VwZXJzZWNyZXQtdmFsdWUtb2YtdGhlLXRlc3Q=";

#[tokio::test]
async fn the_store_is_sealed_with_the_first_key_and_read_with_all() {
    let scratch = tempfile::tempdir().unwrap();
    let (data, keys) = (scratch.path().join("data"), scratch.path().join("keys"));
    let store = data.join("store.redb");
    let (one, two) = (format!("one:{}\n", "1".repeat(64)), format!("two:{}\n", "2".repeat(64)));
    let has = |text: &str| {
        let bytes = std::fs::read(&store).unwrap();
        bytes.windows(text.len()).any(|part| part == text.as_bytes())
    };
    let file = keys.to_str().unwrap();
    let start = || ControlPlane::start_in_with(&data, &["--encryption-key-file", file]);
    let there = async |control_plane: &ControlPlane| {
        let path = format!("{SECRETS}/hidden");
        let (status, secret) = control_plane.rest().send(Method::GET, &path, "application/json", "").await;
        assert_eq!(status, 200, "{secret}");
        assert_eq!(secret["data"]["password"], VALUE);
    };

    std::fs::write(&keys, &one).unwrap();
    let mut control_plane = start();
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hidden", "namespace": "default"},
        "data": {"password": VALUE},
    });
    control_plane.rest().create(&secret).await;
    control_plane.process.signal("TERM");
    control_plane.process.wait();
    assert!(!has(VALUE), "the store holds the secret as it is");
    assert!(has("bs1:one:"));

    // Another key before the old one: both are read, and after a rewrite the new one is enough.
    std::fs::write(&keys, format!("{two}{one}")).unwrap();
    let mut control_plane = start();
    there(&control_plane).await;
    control_plane.process.signal("TERM");
    control_plane.process.wait();
    let data_dir = data.to_str().unwrap();
    let rewrite = ["secrets", "rewrite", "--data-dir", data_dir, "--encryption-key-file", file];
    let output = backstay(rewrite);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!has("bs1:one:") && has("bs1:two:"));
    std::fs::write(&keys, &two).unwrap();
    let mut control_plane = start();
    there(&control_plane).await;
    control_plane.process.signal("TERM");
    control_plane.process.wait();

    // Without its key it is not opened, and says which it needs.
    let ports = ["--api", "127.0.0.1:0", "--xds", "127.0.0.1:0"];
    let output = backstay([&["control-plane", "--data-dir", data_dir], &ports[..]].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("sealed with the key \"two\", which is not given"), "{said}");
    let output = backstay([&rewrite[..], &["--plain"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    there(&ControlPlane::start_in(&data)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_is_changed_while_the_store_is_written_to() {
    let scratch = tempfile::tempdir().unwrap();
    let (data, keys) = (scratch.path().join("data"), scratch.path().join("keys"));
    let (one, two) = (format!("one:{}\n", "1".repeat(64)), format!("two:{}\n", "2".repeat(64)));
    let file = keys.to_str().unwrap();
    std::fs::write(&keys, &one).unwrap();
    let mut control_plane = ControlPlane::start_in_with(&data, &["--encryption-key-file", file]);
    let rest = control_plane.rest();
    let secret = |number: u32| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": format!("s{number}"), "namespace": "default"},
            "data": {"password": VALUE},
        })
    };
    let is_sealed_with_two = || {
        let bytes = std::fs::read(data.join("store.redb")).unwrap();
        bytes.windows(8).any(|part| part == b"bs1:two:")
    };
    let mut written = 0;
    for _ in 0..20 {
        rest.create(&secret(written)).await;
        written += 1;
    }
    crate::harness::tls::replace(&keys, &format!("{two}{one}"));
    // Each write is answered, whichever key it is sealed with.
    let began = std::time::Instant::now();
    while !is_sealed_with_two() {
        assert!(began.elapsed() < crate::harness::PATIENCE, "no write is sealed with the new key");
        rest.create(&secret(written)).await;
        written += 1;
    }
    control_plane.process.wait_for_line("encryption keys were read again");
    crate::harness::tls::replace(&keys, "nonsense\n");
    control_plane.process.signal("TERM");
    control_plane.process.wait();
    std::fs::write(&keys, format!("{two}{one}")).unwrap();
    let control_plane = ControlPlane::start_in_with(&data, &["--encryption-key-file", file]);
    for number in [0, written - 1] {
        let path = format!("{SECRETS}/s{number}");
        let (status, secret) = control_plane.rest().send(Method::GET, &path, "application/json", "").await;
        assert_eq!((status.as_u16(), &secret["data"]["password"]), (200, &VALUE.into()));
    }
}
