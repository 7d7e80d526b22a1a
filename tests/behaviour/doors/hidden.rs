//! A whole scenario over TLS, after which no private key and no token that was used in it is found where it does not belong.

use std::net::SocketAddr;
use std::time::Duration;

use super::{OPERATOR, Secured};
use crate::harness::tls::{Authority, Session};
use crate::harness::{Client, Upstream, backstay, manifest, port};

/// A line from the middle of a key in PEM: enough of it to be nothing else.
fn middle(pem: &str) -> String {
    let lines: Vec<&str> = pem.lines().filter(|line| !line.starts_with('-') && line.len() >= 32).collect();
    lines.first().unwrap_or_else(|| panic!("no key")).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_and_no_token_is_in_a_log_a_dump_a_status_a_metric_or_the_audit() {
    let secured = Secured::new();
    let (clients, authority, served) = (Authority::new(), Authority::new(), Authority::new());
    let [ca_cert, ca_key] = authority.pair().write(secured.folder.path(), "authority");
    let client_ca = secured.write("clients.pem", &clients.pem());
    let digest = backstay_auth::Digest::of;
    let (operator, proxy) = (digest(OPERATOR), digest("static-token-of-a-proxy"));
    let tokens = secured.write(
        "tokens.yaml",
        &format!(
            "tokens:\n- {{name: root, sha256: {operator}, groups: ['system:masters']}}\n\
             - {{name: a-proxy, sha256: {proxy}, fleets: [default]}}\n"
        ),
    );
    let token = secured.write("proxy-token", "static-token-of-a-proxy");
    let keys = secured.write("keys", &format!("one:{}\n", "1f".repeat(32)));
    let audit = secured.text("audit.log");
    let control_plane = secured.start(&[
        "--ca-cert",
        &ca_cert,
        "--ca-key",
        &ca_key,
        "--xds-client-ca",
        &client_ca,
        "--tokens",
        &tokens,
        "--encryption-key-file",
        &keys,
        "--audit-log",
        &audit,
        "--audit-mode",
        "blocking",
    ]);
    let (api, xds) = (control_plane.api(), control_plane.xds());
    let server = format!("https://{api}");
    let operator = secured.write("operator", OPERATOR);
    let common = ["--server", &server, "--ca", &secured.ca, "--token-file", &operator];
    let command = |arguments: &[&str]| {
        let output = backstay([arguments, &common].concat());
        (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let session = Session::open(api, "127.0.0.1", &["http/1.1"]).await.unwrap().with_token(OPERATOR);
    // Whatever there is to be logged is.
    let (_, code) = super::curl(&[
        "--cacert",
        &secured.ca,
        "-H",
        &format!("authorization: Bearer {OPERATOR}"),
        "-X",
        "POST",
        &format!("{server}/logging?level=trace&for=10m"),
    ])
    .unwrap_or_default();
    assert_eq!(code, 0);

    // Three proxies that show something else each; the certificate of a Gateway; and one that nobody can use.
    let join = secured.write("join-token", command(&["token", "create", "--fleet", "default"]).0.trim());
    let joined = std::fs::read_to_string(&join).unwrap();
    let state = secured.text("state");
    let [cert, key] = clients
        .issue_client(&["spiffe://backstay/fleet/default"], Duration::from_secs(600))
        .write(secured.folder.path(), "proxy");
    let first = secured.proxy(xds, &["--join-token-file", &join, "--state-dir", &state]);
    control_plane.process.wait_for_line("a proxy connected");
    let second = secured.proxy(xds, &["--client-cert", &cert, "--client-key", &key]);
    control_plane.process.wait_for_line("a proxy connected");
    let third = secured.proxy(xds, &["--token-file", &token]);
    control_plane.process.wait_for_line("a proxy connected");
    drop((second, third));
    let listen = port::free();
    let (pair, broken) = (served.issue(&["any.example"]), served.issue(&["any.example"]));
    let mut gateway = manifest::gateway("web", listen);
    gateway["spec"]["listeners"] = serde_json::json!([{"name": "https", "protocol": "HTTPS", "port": listen,
        "tls": {"certificateRefs": [{"name": "web"}]}}]);
    let mut mixed = broken.secret("mixed");
    mixed["stringData"]["tls.crt"] = pair.certificate.clone().into();
    let upstream = Upstream::answering("hello").await;
    let objects = [
        pair.secret("web"),
        mixed,
        manifest::backend("app", &["127.0.0.1"]),
        gateway,
        manifest::route("app", "web", "any.example", "app", upstream.port()),
    ];
    let (ca, file) = (secured.ca.clone(), secured.path("objects.json"));
    tokio::task::spawn_blocking(move || super::apply_without_waiting(api, &ca, &file, &objects)).await.unwrap();
    crate::harness::traffic::until("the Gateway is served", || async {
        let session = Session::open(SocketAddr::from(([127, 0, 0, 1], listen)), "any.example", &["http/1.1"]).await;
        match session {
            Ok(mut session) => session.get("/").await.is_ok_and(|answer| answer.1 == "hello"),
            Err(_) => false,
        }
    })
    .await;

    let identity = std::fs::read_to_string(secured.path("state").join("identity.pem")).unwrap();
    let identity = identity.split_inclusive("-----END PRIVATE KEY-----").next().unwrap().to_owned();
    let read = |path: &str| std::fs::read_to_string(secured.path(path)).unwrap();
    let hidden = [
        ("the operator's token", format!("Bearer {OPERATOR}")),
        ("a join token", joined.trim().to_owned()),
        ("a proxy's token", "static-token-of-a-proxy".to_owned()),
        ("the server's key", middle(&read("server.key"))),
        ("the authority's key", middle(&read("authority.key"))),
        ("a proxy's key", middle(&read("proxy.key"))),
        ("a proxy's own key", middle(&identity)),
        ("a Gateway's key", middle(&pair.key)),
        ("a key that cannot be used", middle(&broken.key)),
        ("an encryption key", "1f".repeat(32)),
    ];
    let mut session = session;
    let mut places = vec![
        ("the log of the control plane", control_plane.process.printed()),
        ("the log of a proxy", first.process.printed()),
        ("the audit log", read("audit.log")),
        ("the metrics of the control plane", session.get("/metrics").await.unwrap().1),
        ("status", command(&["status", "-o", "wide"]).0),
    ];
    for kind in ["gateways", "httproutes", "backends", "proxies"] {
        let (out, said) = command(&["get", kind, "-A", "-o", "yaml"]);
        assert!(out.contains("metadata"), "{kind}: {said}");
        places.push(("objects that are no Secrets", out));
    }
    for path in ["/metrics", "/config_dump", "/certs", "/backends"] {
        let answer = Client::new().get(first.admin, "localhost", path).await.unwrap();
        assert_eq!(answer.status, 200, "{path}");
        places.push(("the admin endpoint of a proxy", answer.text()));
    }
    for (place, text) in &places {
        assert!(!text.is_empty(), "{place} is empty");
        for (what, secret) in &hidden {
            // PEM in JSON, and DER in base64 without its lines, have the line as well.
            assert!(!text.contains(secret.as_str()), "{what} is in {place}");
        }
    }
}
