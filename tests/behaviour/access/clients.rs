//! kubectl and `backstay` itself, with one kubeconfig, over TLS that ends before the control plane.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::setting::Setting;
use crate::harness::tls::Authority;
use crate::harness::{backstay, tools};

/// Ends TLS on an address of its own, and hands everything on. Runs for as long as the runtime of the test.
async fn tls_before(api: SocketAddr, authority: &Authority) -> SocketAddr {
    let pair = authority.issue(&["127.0.0.1"]);
    let chain = vec![CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_no_client_auth().with_single_cert(chain, key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut client) = acceptor.accept(stream).await else { return };
                let mut server = TcpStream::connect(api).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    address
}

/// What a user needs to reach the control plane.
struct Reached {
    setting: Setting,
    address: SocketAddr,
    authorities: PathBuf,
}

impl Reached {
    async fn start() -> Self {
        let setting = Setting::start(&[]);
        let authority = Authority::new();
        let address = tls_before(setting.control_plane.api(), &authority).await;
        let authorities = setting.file("ca.pem");
        std::fs::write(&authorities, authority.pem()).unwrap();
        Self { setting, address, authorities }
    }

    /// A kubeconfig of a user, made by the command.
    fn kubeconfig(&self, user: &str) -> PathBuf {
        let (token, path) =
            (self.setting.file(&format!("{user}.token")), self.setting.file(&format!("{user}.kubeconfig")));
        std::fs::write(&token, self.setting.token(user)).unwrap();
        let server = format!("https://{}", self.address);
        let paths = [&self.authorities, &token, &path].map(|path| path.to_str().unwrap());
        let output = backstay([
            "kubeconfig",
            "--server",
            &server,
            "--ca",
            paths[0],
            "--token-file",
            paths[1],
            "--out",
            paths[2],
        ]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(!std::fs::read_to_string(&path).unwrap().contains(self.setting.token(user)));
        path
    }
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn kubectl(binary: &Path, kubeconfig: &Path, home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(binary);
    command.env("KUBECONFIG", kubeconfig).env("HOME", home).args(arguments).output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_asks_who_it_is_and_what_it_may_do() {
    let binaries = tools::kubectls();
    if binaries.is_empty() {
        return;
    }
    let reached = Reached::start().await;
    let [view, edit, ci, root] = ["view", "edit", "ci", "root"].map(|user| reached.kubeconfig(user));
    for binary in binaries {
        let home = tempfile::tempdir().unwrap();
        let run = |config: &Path, arguments: &[&str]| kubectl(&binary, config, home.path(), arguments);
        let who = run(&view, &["auth", "whoami"]);
        assert!(who.status.success() && text(&who).contains("viewers"), "{}", text(&who));
        let can = |config: &Path, arguments: &[&str]| {
            let output = run(config, &[&["auth", "can-i"], arguments].concat());
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        };
        assert!(can(&edit, &["create", "backends"]).starts_with("yes"));
        assert!(can(&view, &["create", "backends"]).starts_with("no"));
        assert!(can(&ci, &["create", "httproutes", "-n", "shop"]).starts_with("yes"));
        assert!(can(&ci, &["create", "httproutes", "-n", "default"]).starts_with("no"));
        let list = can(&ci, &["--list", "-n", "shop"]);
        assert!(list.contains("httproutes.gateway.networking.k8s.io"), "{list}");
        assert!(can(&root, &["create", "backends", "--as", "view", "--as-group", "viewers"]).starts_with("no"));
        assert!(can(&root, &["get", "backends", "--as", "view", "--as-group", "viewers"]).starts_with("yes"));
        let refused = run(&view, &["get", "secrets"]);
        assert!(!refused.status.success());
        assert!(
            text(&refused).contains("Error from server (Forbidden): secrets is forbidden: User \"view\""),
            "{}",
            text(&refused)
        );
        assert!(run(&view, &["get", "backends"]).status.success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_takes_the_same_kubeconfig_and_its_own_options() {
    let reached = Reached::start().await;
    let [view, edit] = ["view", "edit"].map(|user| reached.kubeconfig(user));
    let manifest = reached.setting.file("backend.yaml");
    std::fs::write(
        &manifest,
        "apiVersion: core.apoxy.dev/v1alpha2\nkind: Backend\nmetadata: {name: one}\nspec: {endpoints: [{fqdn: one.example}]}\n",
    )
    .unwrap();
    let run = |config: &Path, arguments: &[&str]| {
        let config = ["--kubeconfig", config.to_str().unwrap()];
        backstay([&arguments[..1], &config, &arguments[1..]].concat())
    };
    let manifest = manifest.to_str().unwrap();
    let refused = run(&view, &["apply", "-f", manifest]);
    assert!(!refused.status.success() && text(&refused).contains("User \"view\" cannot"), "{}", text(&refused));
    let applied = run(&edit, &["apply", "-f", manifest]);
    assert!(applied.status.success(), "{}", text(&applied));
    let got = run(&view, &["get", "backends"]);
    assert!(got.status.success() && text(&got).contains("one"), "{}", text(&got));
    let status = run(&view, &["status"]);
    assert!(status.status.success() && text(&status).contains("default"), "{}", text(&status));

    let server = format!("https://{}", reached.address);
    let token = reached.setting.file("view.token");
    let authorities = reached.authorities.to_str().unwrap();
    let options =
        ["get", "backends", "--server", &server, "--ca", authorities, "--token-file", token.to_str().unwrap()];
    assert!(backstay(options).status.success());
    let untrusted = backstay(["get", "backends", "--server", &server, "--token-file", token.to_str().unwrap()]);
    assert!(!untrusted.status.success() && text(&untrusted).contains("certificate"), "{}", text(&untrusted));
    let plain =
        backstay(["get", "backends", "--server", "http://192.0.2.1:7080", "--token-file", token.to_str().unwrap()]);
    assert!(text(&plain).contains("a credential is sent over https alone"), "{}", text(&plain));
}
