//! The `fastly` command, unmodified.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use http::StatusCode;
use serde_json::{Value, json};

use crate::harness::{Client, ControlPlane, Fastly, Proxy, Upstream, manifest, port, tools};

/// One `fastly` against one control plane, with a home of its own.
struct Cli {
    binary: PathBuf,
    server: String,
    home: tempfile::TempDir,
}

impl Cli {
    /// None, said aloud, where there is no such command.
    fn of(control_plane: &ControlPlane) -> Option<Self> {
        let home = tempfile::tempdir().unwrap();
        Some(Self { binary: tools::fastly()?, server: control_plane.server(), home })
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(&self.binary)
            .args(arguments)
            .arg("--non-interactive")
            .env("HOME", self.home.path())
            .env("FASTLY_API_ENDPOINT", &self.server)
            .env("FASTLY_ACCOUNT_ENDPOINT", &self.server)
            .env("FASTLY_API_TOKEN", "t")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// What a command prints that must succeed.
    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "fastly {arguments:?}: {out}{err}");
        out.into_owned()
    }

    /// What a command complains of that must fail.
    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!output.status.success(), "fastly {arguments:?} must fail: {out}{err}");
        format!("{out}{err}")
    }

    /// Makes a service and yields its identifier.
    fn service(&self, name: &str) -> String {
        self.ok(&["service", "create", "--name", name]);
        let service: Value = serde_json::from_str(&self.ok(&["service", "search", "--name", name, "--json"])).unwrap();
        service["ServiceID"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_flag_of_a_backend_arrives() {
    let control_plane = ControlPlane::start();
    let Some(cli) = Cli::of(&control_plane) else { return };
    let fastly = Fastly::new(control_plane.api());
    let id = cli.service("flags");
    let at = ["--service-id", id.as_str(), "--version", "1"];
    let condition = [("name", "rc"), ("type", "REQUEST"), ("statement", "req.url")];
    fastly.make(&format!("/service/{id}/version/1/condition"), &condition).await;
    let flags: &[(&str, &str, &str, Value)] = &[
        ("--comment", "c", "comment", json!("c")),
        ("--connect-timeout", "2001", "connect_timeout", json!(2001)),
        ("--first-byte-timeout", "2002", "first_byte_timeout", json!(2002)),
        ("--between-bytes-timeout", "2003", "between_bytes_timeout", json!(2003)),
        ("--max-conn", "33", "max_conn", json!(33)),
        ("--max-use", "34", "max_use", json!(34)),
        ("--max-lifetime", "35", "max_lifetime", json!(35)),
        ("--weight", "36", "weight", json!(36)),
        ("--http-ka-time", "37", "keepalive_time", json!(37)),
        ("--tcp-ka-enabled", "true", "tcp_keepalive_enable", json!(true)),
        ("--tcp-ka-interval", "38", "tcp_keepalive_interval", json!(38)),
        ("--tcp-ka-probes", "39", "tcp_keepalive_probes", json!(39)),
        ("--tcp-ka-time", "40", "tcp_keepalive_time", json!(40)),
        ("--prefer-ipv6", "true", "prefer_ipv6", json!(true)),
        ("--healthcheck", "hc", "healthcheck", json!("hc")),
        ("--request-condition", "rc", "request_condition", json!("rc")),
        ("--override-host", "o.example", "override_host", json!("o.example")),
        ("--shield", "iad-va-us", "shield", json!("iad-va-us")),
        ("--ssl-cert-hostname", "c.example", "ssl_cert_hostname", json!("c.example")),
        ("--ssl-sni-hostname", "s.example", "ssl_sni_hostname", json!("s.example")),
        ("--ssl-ca-cert", "ca\ncert", "ssl_ca_cert", json!("ca\ncert")),
        ("--ssl-client-cert", "cert", "ssl_client_cert", json!("cert")),
        ("--ssl-client-key", "key", "ssl_client_key", json!("key")),
        ("--ssl-ciphers", "HIGH", "ssl_ciphers", json!("HIGH")),
        ("--min-tls-version", "1.2", "min_tls_version", json!("1.2")),
        ("--max-tls-version", "1.3", "max_tls_version", json!("1.3")),
    ];
    let mut create = [&["service", "backend", "create", "--name", "b", "--address", "10.0.0.1"], &at[..]].concat();
    create.extend(["--auto-loadbalance", "--use-ssl", "--no-ssl-check-cert"]);
    create.extend(flags.iter().flat_map(|(flag, value, ..)| [*flag, *value]));
    cli.ok(&create);
    let path = format!("/service/{id}/version/1/backend/b");
    let backend = fastly.read(&path).await;
    for (flag, _, field, value) in flags {
        assert_eq!(backend[field], *value, "{flag}");
    }
    assert_eq!((&backend["auto_loadbalance"], &backend["ssl_check_cert"]), (&json!(true), &json!(false)));
    // Without a port, the command sends 443 and leaves TLS to be concluded from it.
    assert_eq!((&backend["port"], &backend["use_ssl"]), (&json!(443), &json!(true)));
    let update = [&["service", "backend", "update", "--name", "b", "--override-host", ""], &at[..]].concat();
    cli.ok(&update);
    assert_eq!(fastly.read(&path).await["override_host"], Value::Null);
    let described = cli.ok(&[&["service", "backend", "describe", "--name", "b", "--json"], &at[..]].concat());
    let described: Value = serde_json::from_str(&described).unwrap();
    assert_eq!((&described["Weight"], &described["SSLCheckCert"]), (&json!(36), &json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_lives_its_life_and_traffic_goes_where_it_says() {
    let control_plane = ControlPlane::start_with(&["--fastly-gateway", "default/web"]);
    let Some(cli) = Cli::of(&control_plane) else { return };
    let _proxy = Proxy::start(control_plane.xds());
    let rest = control_plane.rest();
    let listen = port::free();
    rest.create(&manifest::gateway("web", listen)).await;
    let (one, api) = (Upstream::answering("one").await, Upstream::answering("api").await);
    let id = cli.service("life");
    let at = ["--service-id", id.as_str(), "--version", "1"];
    let run = |arguments: &[&str]| cli.ok(&[arguments, &at[..]].concat());
    let upstream = |upstream: &Upstream| upstream.port().to_string();
    run(&["service", "domain", "create", "--name", "life.example"]);
    run(&[
        "service",
        "vcl",
        "condition",
        "create",
        "--name",
        "is api",
        "--type",
        "REQUEST",
        "--statement",
        "req.url ~ \"^/api/\"",
    ]);
    let backend = ["service", "backend", "create", "--address", "127.0.0.1", "--port"];
    run(&[&backend[..], &[upstream(&one).as_str(), "--name", "one"]].concat());
    run(&[&backend[..], &[upstream(&api).as_str(), "--name", "the/api", "--request-condition", "is api"]].concat());
    let listed = run(&["service", "backend", "list"]);
    assert!(listed.contains("the/api"), "{listed}");
    run(&["service", "version", "activate"]);
    rest.wait_for(&format!("/apis/backstay.dev/v1alpha1/fastlyservices/{id}"), "Programmed").await;
    let client = Client::new();
    let proxy = SocketAddr::from(([127, 0, 0, 1], listen));
    let get = |path: &'static str| {
        let client = client.clone();
        async move { client.get(proxy, "life.example", path).await.unwrap().text() }
    };
    assert_eq!((get("/").await, get("/api/x").await), ("one".to_owned(), "api".to_owned()));

    // A copy is changed and activated, and the older one comes back.
    let changed = ["service", "backend", "update", "--name", "the/api", "--request-condition", "", "--autoclone"];
    cli.ok(&[&changed[..], &["--service-id", &id, "--version", "active"]].concat());
    cli.ok(&["service", "version", "activate", "--service-id", &id, "--version", "2"]);
    rest.wait_for(&format!("/apis/backstay.dev/v1alpha1/fastlyservices/{id}"), "Programmed").await;
    assert_eq!(get("/api/x").await, "one");
    cli.ok(&["service", "version", "activate", "--service-id", &id, "--version", "1"]);
    rest.wait_for(&format!("/apis/backstay.dev/v1alpha1/fastlyservices/{id}"), "Programmed").await;
    assert_eq!(get("/api/x").await, "api");
    let unknown = client.get(proxy, "unknown.example", "/").await.unwrap();
    assert_eq!(unknown.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(unknown.text().contains("Fastly error: unknown domain: unknown.example."), "{}", unknown.text());

    let complaint = cli.fails(&["service", "delete", "--service-id", &id]);
    assert!(complaint.contains("active version"), "{complaint}");
    cli.ok(&["service", "delete", "--service-id", &id, "--force"]);
    assert!(!cli.ok(&["service", "list"]).contains("life"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_else_operators_run_works() {
    let control_plane = ControlPlane::start();
    let Some(cli) = Cli::of(&control_plane) else { return };
    let id = cli.service("else");
    let at = ["--service-id", id.as_str(), "--version", "1"];
    let run = |arguments: &[&str]| cli.ok(&[arguments, &at[..]].concat());
    run(&["service", "domain", "create", "--name", "else.example"]);
    run(&[
        "service",
        "healthcheck",
        "create",
        "--name",
        "hc",
        "--host",
        "else.example",
        "--path",
        "/",
        "--window",
        "7",
    ]);
    assert!(run(&["service", "healthcheck", "describe", "--name", "hc"]).contains("Window: 7"));
    run(&["service", "vcl", "snippet", "create", "--name", "s", "--type", "recv", "--content", "esi;"]);
    run(&["service", "acl", "create", "--name", "blocked"]);
    run(&["service", "dictionary", "create", "--name", "words"]);
    assert!(run(&["service", "version", "validate"]).contains("valid"));
    run(&["service", "version", "lock"]);
    let acl: Value = serde_json::from_str(&run(&["service", "acl", "list", "--json"])).unwrap();
    let acl = acl[0]["ACLID"].as_str().or_else(|| acl[0]["ID"].as_str()).unwrap().to_owned();
    cli.ok(&["service", "acl-entry", "create", "--service-id", &id, "--acl-id", &acl, "--ip", "10.0.0.9"]);
    assert!(cli.ok(&["service", "acl-entry", "list", "--service-id", &id, "--acl-id", &acl]).contains("10.0.0.9"));
    assert!(cli.ok(&["service", "version", "list", "--service-id", &id]).contains('1'));
    cli.ok(&["service", "purge", "--service-id", &id, "--all"]);
    assert!(cli.ok(&["whoami"]).contains("without --tokens"));
    cli.ok(&["pops"]);
    let complaint = cli.fails(&["service", "describe", "--service-id", "absent"]);
    assert!(complaint.contains("Record not found"), "{complaint}");
}
