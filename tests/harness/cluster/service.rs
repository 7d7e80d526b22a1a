//! Connections to a Service: each of its ports is one of this machine, from which they are passed on to a pod that is ready.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use super::{Ready, Shared, list, number};

/// A Service.
#[derive(Debug)]
pub(super) struct Service {
    /// Ports of this machine, by those of the Service.
    ports: BTreeMap<u16, u16>,
    serving: Vec<AbortHandle>,
}

impl Service {
    pub(super) async fn start(object: &Value, shared: Arc<Shared>) -> Self {
        let selector = object["spec"]["selector"].as_object().cloned().unwrap_or_default();
        let (mut ports, mut serving) = (BTreeMap::new(), Vec::new());
        for port in list(&object["spec"]["ports"]) {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            ports.insert(number(&port["port"]), listener.local_addr().unwrap().port());
            let (shared, selector, target) = (Arc::clone(&shared), selector.clone(), port["targetPort"].clone());
            serving.push(tokio::spawn(async move {
                let mut next = 0;
                loop {
                    let (client, _) = listener.accept().await.unwrap();
                    let selected = |pod: &&Ready| selector.iter().all(|(key, value)| pod.labels[key] == *value);
                    let ready: Vec<Ready> = shared.ready.lock().unwrap().values().filter(selected).cloned().collect();
                    // Nobody is ready: the connection is closed.
                    let Some(pod) = ready.get(next % ready.len().max(1)) else { continue };
                    next += 1;
                    let port = match target.as_str() {
                        Some(name) => pod.ports[name],
                        None => number(&target),
                    };
                    tokio::spawn(pass_on(client, SocketAddr::from((pod.address, port))));
                }
            }));
        }
        Self { ports, serving: serving.iter().map(tokio::task::JoinHandle::abort_handle).collect() }
    }

    /// Its ports, each with that of this machine.
    pub(super) fn ports(&self) -> impl Iterator<Item = (u16, u16)> + '_ {
        self.ports.iter().map(|(port, here)| (*port, *here))
    }

    pub(super) fn local(&self, port: u16) -> u16 {
        self.ports[&port]
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.serving.iter().for_each(AbortHandle::abort);
    }
}

async fn pass_on(mut client: TcpStream, target: SocketAddr) {
    if let Ok(mut server) = TcpStream::connect(target).await {
        // Either side ends it.
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    }
}
