//! What is changed while requests and streams go on, and fails none of them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use http::StatusCode;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::{Secured, objects};
use crate::harness::tls::{Authority, Session};
use crate::harness::{Load, Upstream};

const HOUR: Duration = Duration::from_secs(3600);
const EDGE: &str = "spiffe://backstay/fleet/default";

/// Requests to an API over connections of their own, one after another, until it is told to end.
struct Asking {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<Vec<String>>,
}

impl Asking {
    fn start(api: SocketAddr, token: &str) -> Self {
        let (stop, done) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let (ending, count, token) = (Arc::clone(&stop), Arc::clone(&done), token.to_owned());
        let task = tokio::spawn(async move {
            let mut failed = Vec::new();
            // One that is kept for the whole time, and a new one for each request.
            let mut kept = Session::open(api, "127.0.0.1", &["h2"]).await.unwrap().with_token(&token);
            while !ending.load(Ordering::Relaxed) {
                let path = "/apis/core.apoxy.dev/v1alpha2/backends";
                let fresh =
                    async { Session::open(api, "127.0.0.1", &["http/1.1"]).await?.with_token(&token).get(path).await };
                for answer in [kept.get(path).await, fresh.await] {
                    match answer {
                        Ok((StatusCode::OK, _)) => {}
                        other => failed.push(format!("{other:?}")),
                    }
                }
                count.fetch_add(1, Ordering::Relaxed);
            }
            failed
        });
        Self { stop, done, task }
    }

    /// Waits for so many more rounds.
    async fn more(&self, rounds: u64) {
        let before = self.done.load(Ordering::Relaxed);
        crate::harness::traffic::until("requests go on", || async {
            self.done.load(Ordering::Relaxed) >= before + rounds
        })
        .await;
    }

    async fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        let failed = self.task.await.unwrap();
        assert!(failed.is_empty(), "{failed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_authorities_and_tokens_are_changed_under_load() {
    let secured = Secured::new();
    let (next, clients) = (Authority::new(), Authority::new());
    let client_ca = secured.write("clients.pem", &clients.pem());
    let tokens = secured.write_tokens(&[]);
    let mut control_plane = secured.start(&["--tokens", &tokens, "--xds-client-ca", &client_ca]);
    let (api, xds) = (control_plane.api(), control_plane.xds());
    let [cert, key] = clients.issue_client(&[EDGE], HOUR).write(secured.folder.path(), "proxy");
    let proxy = secured.proxy(xds, &["--client-cert", &cert, "--client-key", &key]);
    control_plane.process.wait_for_line("a proxy connected");
    let upstream = Upstream::answering("hello").await;
    let (listen, objects) = objects(upstream.port());
    secured.apply(api, &objects).await;
    let mut load = Load::start(2, SocketAddr::from(([127, 0, 0, 1], listen)), "any.example", "/");
    let asking = Asking::start(api, super::OPERATOR);
    asking.more(5).await;

    // The authority of the control plane: both in the proxy's file, then another certificate, then one that was renewed.
    let old = std::fs::read_to_string(&secured.ca).unwrap();
    crate::harness::tls::replace(secured.ca.as_ref(), &(old + &next.pem()));
    for _ in 0..2 {
        next.issue(&["localhost", "127.0.0.1"]).write(secured.folder.path(), "server");
        control_plane.process.wait_for_line("read again");
        asking.more(5).await;
        load.more(20).await;
    }
    let shown = Session::open(api, "127.0.0.1", &["h2"]).await.unwrap().certificate;
    let written = std::fs::read(secured.path("server.crt")).unwrap();
    assert_eq!(shown, CertificateDer::from_pem_slice(&written).unwrap());
    // The authority of proxies: both, and then a proxy that the other vouches for.
    let other = Authority::new();
    secured.write("clients.pem", &(clients.pem() + &other.pem()));
    control_plane.process.wait_for_line("read again");
    other.issue_client(&[EDGE], HOUR).write(secured.folder.path(), "proxy");
    asking.more(5).await;
    assert!(!proxy.process.printed().contains("not connected"), "no stream ended: {}", proxy.process.printed());
    asking.end().await;

    // The old ones go, and a control plane that comes back is believed by who has read only the new.
    crate::harness::tls::replace(secured.ca.as_ref(), &next.pem());
    secured.write("clients.pem", &other.pem());
    control_plane.process.wait_for_line("a stream ends");
    control_plane.process.wait_for_line("a proxy connected");
    control_plane.kill_and_restart();
    control_plane.process.wait_for_line("a proxy connected");
    load.more(20).await;
    load.stop().await.assert_all_ok();
}
