//! A configuration of KrakenD is served as it is handed over, changes while requests go on, and is kept as it last was good.

mod changes;
mod dev;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use http::Response;
use serde_json::{Value, json};

use crate::harness::{Upstream, port};

/// Where the objects are.
const CONFIGS: &str = "/apis/backstay.dev/v1alpha1/namespaces/default/krakendconfigs";

/// An upstream that answers with what it was asked, as JSON: method, path and query, headers by name.
async fn echo() -> Upstream {
    Upstream::start(SocketAddr::from(([127, 0, 0, 1], 0)), |seen| async move {
        let headers: serde_json::Map<String, Value> = seen
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().into()))
            .collect();
        let body = json!({"method": seen.method.as_str(), "target": seen.uri.to_string(), "headers": headers});
        Response::builder().header("content-type", "application/json").body(body.to_string().into()).unwrap()
    })
    .await
}

/// A configuration on a free port with one GET endpoint, `/users/{id}`, that asks `upstream`.
fn shop(upstream: &Upstream, group: &str) -> (u16, String) {
    let port = port::free();
    let text = json!({
        "version": 3, "port": port, "listen_ip": "127.0.0.1",
        "endpoints": [{
            "endpoint": "/users/{id}",
            "backend": [{"host": [format!("http://{}", upstream.address)], "url_pattern": "/v1/{id}", "group": group, "allow": ["target"]}],
        }],
    });
    (port, text.to_string())
}

fn written(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn at(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}
