//! A control plane, a proxy and a service, for tests of what clients and backends see of it.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Method, StatusCode};

use crate::harness::traffic::{Answer, Client};
use crate::harness::{ControlPlane, Fastly, PATIENCE, Proxy, Rest, manifest, port};

/// A control plane, a proxy, and the first version of a service.
pub(super) struct World {
    pub(super) _control_plane: ControlPlane,
    pub(super) _proxy: Proxy,
    pub(super) rest: Rest,
    pub(super) fastly: Fastly,
    pub(super) client: Client,
    pub(super) listener: SocketAddr,
    pub(super) id: String,
    pub(super) version: String,
}

impl World {
    pub(super) async fn start(name: &str, domains: &[&str]) -> Self {
        let flags = ["--fastly-gateway", "default/web", "--fastly-backend-header", "x-backend"];
        let control_plane = ControlPlane::start_with(&flags);
        let proxy = Proxy::start(control_plane.xds());
        let rest = control_plane.rest();
        let listen = port::free();
        rest.create(&manifest::gateway("web", listen)).await;
        let fastly = Fastly::new(control_plane.api());
        let (id, version) = fastly.service(name).await;
        for domain in domains {
            fastly.make(&format!("{version}/domain"), &[("name", domain)]).await;
        }
        let listener = SocketAddr::from(([127, 0, 0, 1], listen));
        Self {
            _control_plane: control_plane,
            _proxy: proxy,
            rest,
            fastly,
            client: Client::new(),
            listener,
            id,
            version,
        }
    }

    pub(super) async fn make(&self, part: &str, fields: &[(&str, &str)]) -> serde_json::Value {
        self.fastly.make(&format!("{}/{part}", self.version), fields).await
    }

    /// Makes a backend with further fields.
    pub(super) async fn backend(&self, name: &str, port: u16, fields: &[(&str, &str)]) {
        let port = port.to_string();
        let least = [("name", name), ("address", "127.0.0.1"), ("port", port.as_str())];
        self.make("backend", &[&least, fields].concat()).await;
    }

    pub(super) async fn condition(&self, name: &str, priority: &str, statement: &str) {
        let fields = [("name", name), ("type", "REQUEST"), ("priority", priority), ("statement", statement)];
        self.make("condition", &fields).await;
    }

    /// Activates the version, and waits until the proxy has it.
    pub(super) async fn activate(&self) {
        let answer = self.fastly.put(&format!("{}/activate", self.version), &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        self.programmed().await;
    }

    /// Waits until the proxy has what the service now says.
    pub(super) async fn programmed(&self) {
        self.rest.wait_for(&format!("/apis/backstay.dev/v1alpha1/fastlyservices/{}", self.id), "Programmed").await;
    }

    pub(super) async fn send(&self, method: &str, host: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let headers = [&[("host", host)], headers].concat();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.client.request(method, self.listener, path, &headers, Bytes::new()).await.unwrap()
    }

    pub(super) async fn get(&self, host: &str, path: &str) -> Answer {
        self.send("GET", host, path, &[]).await
    }

    /// Asks again and again until the answer is as it should be.
    pub(super) async fn until(&self, host: &str, path: &str, holds: impl Fn(&Answer) -> bool) {
        let asked = async { while !holds(&self.get(host, path).await) {} };
        tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| panic!("{host}{path} stays as it is"));
    }
}
