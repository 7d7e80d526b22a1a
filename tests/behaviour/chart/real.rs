//! The chart on the API server of Kubernetes itself: what it refuses, it refuses here, and both Helms go through a release's life.
//!
//! `BACKSTAY_KUBE_APISERVER` names what `tests/peers/kube-apiserver` builds. That takes minutes, so nothing is said to be missing where it
//! is not named.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

use super::{folder, rendered, template};
use crate::harness::cluster::documents;
use crate::harness::{PATIENCE, etcd, port, tools};

/// An API server, with an etcd of its own.
struct ApiServer {
    process: Child,
    kubectl: PathBuf,
    home: tempfile::TempDir,
    _etcd: etcd::Cluster,
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl ApiServer {
    /// Starts one that lets one user do everything. None where there is no program for it.
    fn start() -> Option<Self> {
        let program = std::env::var_os("BACKSTAY_KUBE_APISERVER").filter(|path| !path.is_empty())?;
        etcd::program()?;
        let kubectl = tools::kubectls().pop()?;
        let etcd = etcd::Cluster::of(1);
        let home = tempfile::tempdir().unwrap();
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        std::fs::write(home.path().join("accounts.key"), key.serialize_pem()).unwrap();
        std::fs::write(home.path().join("accounts.pub"), key.public_key_pem()).unwrap();
        std::fs::write(home.path().join("tokens.csv"), "token,admin,1,\"system:masters\"\n").unwrap();
        let listens = port::free();
        let file = |name: &str| home.path().join(name).display().to_string();
        let process = Command::new(program)
            .args(["--etcd-servers", &format!("http://{}", etcd.endpoints()[0])])
            .args(["--bind-address", "127.0.0.1", "--secure-port", &listens.to_string()])
            // One that is nobody's: a loopback address is refused.
            .args(["--advertise-address", "10.77.0.1", "--endpoint-reconciler-type", "none"])
            .args(["--cert-dir", &file("certificates"), "--service-cluster-ip-range", "10.96.0.0/16"])
            .args(["--service-account-issuer", "https://kubernetes.default.svc"])
            .args(["--service-account-key-file", &file("accounts.pub")])
            .args(["--service-account-signing-key-file", &file("accounts.key")])
            .args(["--token-auth-file", &file("tokens.csv"), "--authorization-mode", "RBAC"])
            // Of a trial run no account is there, and a pod of it would be refused for that.
            .args(["--disable-admission-plugins", "ServiceAccount"])
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(home.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let server = Self { process, kubectl, home, _etcd: etcd };
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "real",
            "clusters": [{"name": "real", "cluster": {
                "server": format!("https://127.0.0.1:{listens}"), "insecure-skip-tls-verify": true}}],
            "contexts": [{"name": "real", "context": {"cluster": "real", "user": "admin"}}],
            "users": [{"name": "admin", "user": {"token": "token"}}],
        });
        std::fs::write(server.home.path().join("kubeconfig"), config.to_string()).unwrap();
        server.wait();
        Some(server)
    }

    /// Waits until it is ready, with the roles and priorities that it makes itself.
    fn wait(&self) {
        let began = std::time::Instant::now();
        while !self.kubectl(&["get", "--raw", "/readyz"], "").status.success() {
            let log = || std::fs::read_to_string(self.home.path().join("log")).unwrap_or_default();
            assert!(began.elapsed() < PATIENCE, "the API server is not ready:\n{}", log());
        }
    }

    fn run(&self, program: &Path, arguments: &[&str], input: &str) -> Output {
        let mut command = Command::new(program);
        command.args(arguments).env("HOME", self.home.path()).env("KUBECONFIG", self.home.path().join("kubeconfig"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // One that has ended does not read.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    fn kubectl(&self, arguments: &[&str], input: &str) -> Output {
        self.run(&self.kubectl, arguments, input)
    }

    /// Has it take objects, and fails where it does not or has something to say against them.
    fn takes(&self, arguments: &[&str], objects: &[Value], what: &str) {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
        let output = self.kubectl(&[&["apply", "-f", "-"], arguments].concat(), &list);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && warnings(&said).is_empty(), "{what}: {said}");
    }

    /// What there is of the release in its namespace, by kind and name.
    fn objects(&self) -> Vec<String> {
        let kinds = "deployments,statefulsets,daemonsets,services,configmaps,serviceaccounts,poddisruptionbudgets,networkpolicies";
        let output =
            self.kubectl(&["get", kinds, "-n", "traffic", "-l", "app.kubernetes.io/instance=edge", "-o", "name"], "");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    }
}

/// What is said against something that is taken nevertheless.
fn warnings(said: &str) -> Vec<&str> {
    // 1.34 says this of every headless Service: its own default is what it takes for asked for.
    const OWN: &str = "spec.SessionAffinity is ignored for headless services";
    said.lines().filter(|line| line.to_lowercase().contains("warning:") && !line.contains(OWN)).collect()
}

/// Kinds of others that the chart makes objects of, as far as an API server has to know them.
fn definitions() -> Vec<Value> {
    let kinds = [
        ("monitoring.coreos.com", "v1", "ServiceMonitor", "servicemonitors"),
        ("monitoring.coreos.com", "v1", "PodMonitor", "podmonitors"),
        ("monitoring.coreos.com", "v1", "PrometheusRule", "prometheusrules"),
        ("cert-manager.io", "v1", "Certificate", "certificates"),
    ];
    kinds
        .into_iter()
        .map(|(group, version, kind, plural)| {
            json!({
                "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "metadata": {"name": format!("{plural}.{group}")},
                "spec": {"group": group, "scope": "Namespaced",
                    "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase(), "listKind": format!("{kind}List")},
                    "versions": [{"name": version, "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                        "type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]},
            })
        })
        .collect()
}

fn namespaces() -> Vec<Value> {
    let namespace = |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    ["traffic", "elsewhere"].map(namespace).into()
}

#[test]
fn every_object_is_taken_whatever_the_values_are() {
    let Some(server) = ApiServer::start() else { return };
    server.takes(&[], &definitions(), "definitions");
    let established =
        server.kubectl(&["wait", "--for", "condition=Established", "--timeout", "60s", "crd", "--all"], "");
    assert!(established.status.success(), "{}", String::from_utf8_lossy(&established.stderr));
    server.takes(&[], &namespaces(), "namespaces");
    for binary in tools::helms() {
        for values in rendered::matrix() {
            let objects = template(&binary, &values);
            // Of what names no namespace, that of the release.
            let arguments =
                ["--dry-run=server", "--namespace", values["namespaceOverride"].as_str().unwrap_or("traffic")];
            let (own, others): (Vec<_>, Vec<_>) =
                objects.into_iter().partition(|it| it["metadata"]["namespace"].is_string());
            server.takes(&arguments, &own, &values.to_string());
            if !others.is_empty() {
                server.takes(&arguments, &others, &values.to_string());
            }
        }
    }
}

#[test]
fn a_release_is_installed_upgraded_rolled_back_and_uninstalled() {
    let Some(server) = ApiServer::start() else { return };
    let chart = folder();
    let chart = chart.to_str().unwrap();
    for binary in tools::helms() {
        let helm = |arguments: &[&str]| {
            let output = server.run(&binary, &[arguments, &["--namespace", "traffic"]].concat(), "");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{} {arguments:?}: {said}", binary.display());
            assert!(warnings(&said).is_empty(), "{} {arguments:?}: {said}", binary.display());
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        helm(&["install", "edge", chart, "--create-namespace"]);
        let installed = server.objects();
        assert!(installed.iter().any(|name| name == "statefulset.apps/edge-backstay-control-plane"), "{installed:?}");
        // Another store, another kind of workload, one fleet more.
        let more = [
            "controlPlane.store.type=etcd",
            "controlPlane.store.etcd.endpoints={etcd:2379}",
            "fleets.edge.kind=DaemonSet",
            "networkPolicy.enabled=true",
        ];
        let more: Vec<&str> = more.iter().flat_map(|value| ["--set", value]).collect();
        helm(&[&["upgrade", "edge", chart], &more[..]].concat());
        let upgraded = server.objects();
        for name in ["deployment.apps/edge-backstay-control-plane", "daemonset.apps/edge-backstay-proxy-edge"] {
            assert!(upgraded.iter().any(|found| found == name), "{name}: {upgraded:?}");
        }
        assert!(!upgraded.iter().any(|name| name.starts_with("statefulset")), "{upgraded:?}");
        helm(&["rollback", "edge", "1"]);
        assert_eq!(server.objects(), installed);
        // The same once more changes nothing.
        helm(&["upgrade", "edge", chart]);
        assert_eq!(server.objects(), installed);
        let manifest = documents(&helm(&["get", "manifest", "edge"]));
        assert!(manifest.len() > 10);
        helm(&["uninstall", "edge"]);
        assert_eq!(server.objects(), Vec::<String>::new());
    }
}
