//! People and machines at the API over TLS, with signed tokens and with certificates, each with kubectl, `backstay` and PyPI's kubernetes.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime};

use backstay_token::{Algorithm, Form, Signer};
use serde_json::{Value, json};

use super::Secured;
use crate::harness::tls::Authority;
use crate::harness::{ControlPlane, backstay, tools};

const PRIVATE: &[u8] = include_bytes!("../../../crates/token/src/fixtures/private.json");
const PUBLIC: &str = include_str!("../../../crates/token/src/fixtures/public.json");

const ROLES: &str = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: staff}
roleRef: {kind: ClusterRole, name: view}
subjects: [{kind: Group, name: 'oidc:staff'}, {kind: Group, name: staff}]
";

/// A token of the issuer that holds from and until so many seconds from now.
fn token(from: i64, until: i64) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let now = i64::try_from(now).unwrap();
    let claims = json!({
        "iss": "https://login.example", "aud": "backstay", "sub": "ann", "groups": ["staff"], "nbf": now + from, "exp": now + until,
    });
    let signer = Signer::new(PRIVATE, "P-256", Algorithm::ES256, Form::Compact).unwrap();
    signer.sign(claims.to_string().as_bytes()).unwrap()
}

/// A kubeconfig of a user with this.
fn kubeconfig(secured: &Secured, control_plane: &ControlPlane, name: &str, user: &Value) -> PathBuf {
    let path = secured.path(name);
    let cluster = json!({"server": format!("https://{}", control_plane.api()), "certificate-authority": secured.ca});
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "it",
        "clusters": [{"name": "it", "cluster": cluster}],
        "users": [{"name": "it", "user": user}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
    });
    std::fs::write(&path, config.to_string()).unwrap();
    path
}

/// Reads Backends, and tries to create one, with the official client.
const PYTHON: &str = r#"
import sys
from kubernetes import client, config
from kubernetes.client.rest import ApiException
api = config.new_client_from_config(sys.argv[1])
objects = client.CustomObjectsApi(api)
place = ("core.apoxy.dev", "v1alpha2", "backends")
assert objects.list_cluster_custom_object(*place)["kind"] == "BackendList"
body = {"apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Backend", "metadata": {"name": "x"}, "spec": {"endpoints": [{"ip": "10.0.0.1"}]}}
try:
    objects.create_cluster_custom_object(*place, body)
    raise AssertionError("it was created")
except ApiException as refused:
    assert refused.status == 403, refused
"#;

/// Every client there is may read with it, and not write.
fn every_client_reads(secured: &Secured, config: &std::path::Path) {
    let text = config.to_str().unwrap();
    let got = backstay(["get", "backends", "--kubeconfig", text]);
    assert!(got.status.success(), "{}", String::from_utf8_lossy(&got.stderr));
    let manifest = secured.write("backend.yaml", &crate::harness::manifest::backend("x", &["10.0.0.1"]).to_string());
    let refused = backstay(["apply", "-f", &manifest, "--kubeconfig", text]);
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("cannot"),
        "{}",
        String::from_utf8_lossy(&refused.stderr)
    );
    for kubectl in tools::kubectls() {
        let run = |arguments: &[&str]| {
            let mut command = Command::new(&kubectl);
            command.env("KUBECONFIG", config).env("HOME", secured.folder.path()).args(arguments).output().unwrap()
        };
        let got = run(&["get", "backends"]);
        assert!(got.status.success(), "{}", String::from_utf8_lossy(&got.stderr));
        assert!(!run(&["create", "-f", &manifest]).status.success());
    }
    if let Some(python) = tools::python_with_kubernetes() {
        let output = Command::new(python).args(["-c", PYTHON]).arg(config).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_signed_token_is_taken_from_every_client_and_clocks_may_be_a_minute_wrong() {
    let secured = Secured::new();
    let (keys, roles) = (secured.write("keys.json", PUBLIC), secured.write("roles.yaml", ROLES));
    let issuer = ["--oidc-issuer", "https://login.example", "--oidc-audience", "backstay", "--jwks-file", &keys];
    let control_plane = secured.start(&[&issuer[..], &["--authorization", &roles]].concat());
    let config = |name: &str, token: String| kubeconfig(&secured, &control_plane, name, &json!({"token": token}));
    every_client_reads(&secured, &config("good", token(-10, 600)));
    let reads = |config: PathBuf| {
        let output = backstay(["get", "backends", "--kubeconfig", config.to_str().unwrap()]);
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for (name, from, until, taken) in [
        ("ahead", 40, 600, true),
        ("behind", -600, -40, true),
        ("too-far-ahead", 90, 600, false),
        ("over", -600, -90, false),
    ] {
        let (done, said) = reads(config(name, token(from, until)));
        assert_eq!(done, taken, "{name}: {said}");
    }
    let mut forged = token(-10, 600);
    forged.replace_range(forged.len() - 8.., "AAAAAAAA");
    assert!(!reads(config("forged", forged)).0);

    // A key that is taken away takes its tokens with it.
    let mut without: Value = serde_json::from_str(PUBLIC).unwrap();
    without["keys"].as_array_mut().unwrap().retain(|key| key["kid"] != "P-256");
    secured.write("keys.json", &without.to_string());
    control_plane.process.wait_for_line("keys of the issuer of tokens were read again");
    assert!(!reads(config("gone", token(-10, 600))).0);
}

#[test]
fn a_certificate_is_taken_from_every_client() {
    let secured = Secured::new();
    let clients = Authority::new();
    let (client_ca, roles) = (secured.write("clients.pem", &clients.pem()), secured.write("roles.yaml", ROLES));
    let control_plane = secured.start(&["--client-ca", &client_ca, "--authorization", &roles]);
    let show = |organization: &str, name: &str| {
        let pair = clients.issue_member(Some(organization), &[], Duration::from_secs(600));
        let [certificate, key] = pair.write(secured.folder.path(), name);
        kubeconfig(&secured, &control_plane, name, &json!({"client-certificate": certificate, "client-key": key}))
    };
    every_client_reads(&secured, &show("staff", "staff"));
    let stranger = show("strangers", "stranger");
    let refused = backstay(["get", "backends", "--kubeconfig", stranger.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("a client of the tests"), "{said}");
}
