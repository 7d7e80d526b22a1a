//! Helm, unmodified, with its default flags: a chart of a Backend, a Gateway and a route goes through its life.
//!
//! `BACKSTAY_HELM` names the binaries to run with, separated by colons; otherwise the `helm` on the path is used. Helm 3 patches, Helm 4
//! applies on the server.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::json;

use crate::harness::rest::{BACKENDS, GATEWAYS, ROUTES, SECRETS};
use crate::harness::{ControlPlane, Proxy, Rest, port, tools};

struct Helm {
    binary: PathBuf,
    server: String,
    home: tempfile::TempDir,
}

impl Helm {
    fn run(&self, arguments: &[&str]) -> Output {
        let kubeconfig = self.home.path().join("kubeconfig");
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "backstay",
            "clusters": [{"name": "backstay", "cluster": {"server": self.server}}],
            "contexts": [{"name": "backstay", "context": {"cluster": "backstay", "user": "nobody", "namespace": "default"}}],
            "users": [{"name": "nobody", "user": {}}],
        });
        std::fs::write(&kubeconfig, config.to_string()).unwrap();
        let mut command = Command::new(&self.binary);
        command.args(arguments).env("HOME", self.home.path()).env("KUBECONFIG", kubeconfig).output().unwrap()
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{} {arguments:?}: {out}{err}", self.binary.display());
        out.into_owned()
    }

    /// What is complained of.
    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?} must fail: {}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Whether it applies on the server by default.
    fn applies(&self) -> bool {
        self.ok(&["version", "--short"]).starts_with("v4")
    }
}

fn chart() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/interop/helm-chart").to_str().unwrap().to_owned()
}

async fn endpoint(rest: &Rest) -> String {
    let backend = rest.read(&format!("{BACKENDS}/shop")).await;
    backend["spec"]["endpoints"][0]["ip"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_installed_upgraded_rolled_back_and_gone() {
    for binary in tools::helms() {
        let control_plane = ControlPlane::start();
        let rest = control_plane.rest();
        let _proxy = Proxy::start(control_plane.xds());
        let home = tempfile::tempdir().unwrap();
        let helm = Helm { binary, server: control_plane.server(), home };
        let (chart, port) = (chart(), format!("port={}", port::free()));
        let upgrade = |endpoint: &'static str| ["upgrade", "shop", &chart, "--set", &port, "--set", endpoint];

        let dry = helm.ok(&["install", "shop", &chart, "--set", &port, "--dry-run=server"]);
        assert!(dry.contains("kind: HTTPRoute"), "{dry}");
        assert_eq!(rest.get(&format!("{BACKENDS}/shop")).await.0, 404, "a dry run leaves nothing");

        let installed = helm.ok(&["install", "shop", &chart, "--set", &port, "--wait", "--timeout", "60s"]);
        assert!(installed.contains("STATUS: deployed") && installed.contains("REVISION: 1"), "{installed}");
        for path in [format!("{BACKENDS}/shop"), format!("{GATEWAYS}/shop"), format!("{ROUTES}/shop")] {
            let object = rest.wait_for(&path, "Programmed").await;
            assert_eq!(object["metadata"]["annotations"]["meta.helm.sh/release-name"], "shop");
        }
        let again = helm.fails(&["install", "shop", &chart]);
        assert!(again.contains("name that is still in use") || again.contains("cannot reuse a name"), "{again}");

        helm.ok(&upgrade("endpoint=127.0.0.2"));
        assert_eq!(endpoint(&rest).await, "127.0.0.2");
        let refused = helm.fails(&upgrade("endpoint=nonsense"));
        assert!(refused.contains("spec.endpoints[0].ip"), "{refused}");
        helm.ok(&["rollback", "shop", "1"]);
        assert_eq!(endpoint(&rest).await, "127.0.0.1");

        let by_hand = json!({"spec": {"endpoints": [{"ip": "127.0.0.3"}]}});
        rest.change(&format!("{BACKENDS}/shop?fieldManager=by-hand"), &by_hand).await;
        let arguments = upgrade("endpoint=127.0.0.4");
        if helm.applies() {
            let conflict = helm.fails(&arguments);
            assert!(conflict.contains("conflict with \"by-hand\""), "{conflict}");
            helm.ok(&[&arguments[..], &["--force-conflicts"]].concat());
        } else {
            helm.ok(&arguments);
        }
        assert_eq!(endpoint(&rest).await, "127.0.0.4");

        let history = helm.ok(&["history", "shop", "-o", "json"]);
        assert!(history.contains("\"revision\":1") && history.contains("deployed"), "{history}");
        assert!(helm.ok(&["list", "-A"]).contains("shop-0.1.0"));
        assert!(helm.ok(&["status", "shop"]).contains("STATUS: deployed"));
        assert_eq!(helm.ok(&["uninstall", "shop", "--wait"]), "release \"shop\" uninstalled\n");
        for path in [BACKENDS, GATEWAYS, ROUTES, SECRETS] {
            assert_eq!(rest.read(path).await["items"], json!([]), "{path}");
        }
    }
}
