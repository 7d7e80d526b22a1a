//! The servers that are compared, both with TLS and tokens.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};

use crate::member::Member;
use crate::support::http::Client;
use crate::support::process::{Process, backstay, write};
use crate::support::upstream;

/// What the certificates are for.
const NAME: &str = "upstream.test";

/// A server that serves Backends.
pub struct Server {
    pub name: &'static str,
    pub process: Process,
    address: SocketAddr,
    tls: Arc<rustls::ClientConfig>,
    token: String,
    _folder: tempfile::TempDir,
}

impl Server {
    pub fn connect(&self) -> Client {
        let name = ServerName::try_from(NAME).expect("a name");
        let connection = rustls::ClientConnection::new(self.tls.clone(), name).expect("a connection");
        let stream = std::net::TcpStream::connect(self.address).expect("a connection");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        Client::over(Box::new(rustls::StreamOwned::new(connection, stream)), NAME, Some(&self.token))
    }

    /// A control plane.
    pub fn backstay(member: &Member, api: SocketAddr, xds: SocketAddr) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = upstream::certificate(folder.path());
        let tokens = folder.path().join("tokens.yaml");
        let made = backstay().args(["token", "bench", "--file"]).arg(&tokens).output().expect("a token");
        let token = String::from_utf8(made.stdout).expect("a token").trim().to_owned();
        let mut command = backstay();
        command.args(["control-plane", "--store", &member.store()]);
        command.args(["--api", &api.to_string(), "--xds", &xds.to_string(), "--allowed-host", NAME]);
        command.arg("--tls-cert").arg(folder.path().join("upstream.pem"));
        command.arg("--tls-key").arg(folder.path().join("upstream.key"));
        command.arg("--tokens").arg(tokens);
        let mut process = Process::spawn("the control plane", &mut command);
        process.wait_for(api);
        let tls = trusting(&authority);
        Self { name: "backstay", process, address: api, tls, token, _folder: folder }
    }

    /// The API server of Kubernetes, which takes Backends as objects of a definition.
    pub fn kubernetes(program: &Path, member: &Member, address: SocketAddr) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = upstream::certificate(folder.path());
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
        let private = write(folder.path(), "accounts.key", &key.serialize_pem());
        let public = write(folder.path(), "accounts.pub", &key.public_key_pem());
        let tokens = write(folder.path(), "tokens.csv", "token,admin,1,\"system:masters\"\n");
        let file = |option: &str, path: PathBuf| format!("--{option}={}", path.display());
        let mut command = Command::new(program);
        command.args([
            format!("--etcd-servers={}", member.url()),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={}", address.port()),
            // One that is nobody's: a loopback address is refused.
            "--advertise-address=10.77.0.1".to_owned(),
            "--endpoint-reconciler-type=none".to_owned(),
            "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            "--authorization-mode=RBAC".to_owned(),
            "--v=0".to_owned(),
            file("tls-cert-file", folder.path().join("upstream.pem")),
            file("tls-private-key-file", folder.path().join("upstream.key")),
            file("service-account-key-file", public),
            file("service-account-signing-key-file", private),
            file("token-auth-file", tokens),
        ]);
        let mut process = Process::spawn_quietly("kube-apiserver", &mut command);
        process.wait_for(address);
        let (tls, token) = (trusting(&authority), "token".to_owned());
        let server = Self { name: "kube-apiserver", process, address, tls, token, _folder: folder };
        server.define();
        server
    }

    /// Has it serve Backends, once it is ready.
    #[expect(clippy::disallowed_methods, reason = "it tells nobody when it is ready, and this thread serves nothing")]
    fn define(&self) {
        let mut client = self.connect();
        let pause = || std::thread::sleep(std::time::Duration::from_millis(100));
        while client.get("/readyz").status != 200 {
            pause();
        }
        let endpoint = r#"{"type":"object","properties":{"ip":{"type":"string"},"fqdn":{"type":"string"}}}"#;
        let spec = format!(
            r#"{{"type":"object","properties":{{"endpoints":{{"type":"array","items":{endpoint}}},"protocol":{{"type":"string"}}}}}}"#
        );
        let status = r#"{"type":"object","x-kubernetes-preserve-unknown-fields":true}"#;
        let schema = format!(r#"{{"type":"object","properties":{{"spec":{spec},"status":{status}}}}}"#);
        let definition = format!(
            r#"{{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{{"name":"backends.core.apoxy.dev"}},
            "spec":{{"group":"core.apoxy.dev","scope":"Cluster","names":{{"kind":"Backend","plural":"backends","singular":"backend","listKind":"BackendList"}},
            "versions":[{{"name":"v1alpha2","served":true,"storage":true,"subresources":{{"status":{{}}}},"schema":{{"openAPIV3Schema":{schema}}}}}]}}}}"#
        );
        let answer = client.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &definition);
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
        while client.get(crate::create::BACKENDS).status != 200 {
            pause();
        }
    }
}

fn trusting(authority: &Path) -> Arc<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authority).expect("a file") {
        roots.add(certificate.expect("a certificate")).expect("an authority");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Arc::new(builder.expect("versions").with_root_certificates(roots).with_no_client_auth())
}
