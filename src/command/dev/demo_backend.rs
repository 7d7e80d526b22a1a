//! The demo backend: answers every request with what it saw of it.

use std::convert::Infallible;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Where the quickstart's manifest expects it.
const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9000);

/// The running demo backend; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct DemoBackend {
    task: JoinHandle<()>,
}

impl DemoBackend {
    /// Listens on 127.0.0.1:9000.
    ///
    /// # Errors
    /// When that is taken.
    pub(super) async fn start() -> Result<Self> {
        let listener = TcpListener::bind(ADDRESS).await.with_context(|| {
            format!("the demo backend cannot listen on {ADDRESS}: stop what uses that port, or bring your own manifests with -f")
        })?;
        Ok(Self { task: tokio::spawn(serve(listener)) })
    }
}

impl Drop for DemoBackend {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Too many open files, most likely; connections that end make room.
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            continue;
        };
        tokio::spawn(async move {
            let service = service_fn(|request| async move { Ok::<_, Infallible>(answer(&request)) });
            if let Err(error) = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await
            {
                tracing::debug!(%error, "a connection to the demo backend broke");
            }
        });
    }
}

fn answer(request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let text = json!({
        "hello": "from the demo backend",
        "method": request.method().as_str(),
        "path": request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str),
        "headers": headers(request),
    });
    let mut response = Response::new(Full::new(Bytes::from(format!("{text:#}\n"))));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn headers(request: &Request<Incoming>) -> Value {
    let mut seen = Map::new();
    for (name, value) in request.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        match seen.get_mut(name.as_str()) {
            Some(Value::String(before)) => {
                before.push_str(", ");
                before.push_str(&value);
            }
            _ => {
                seen.insert(name.to_string(), Value::from(value));
            }
        }
    }
    Value::Object(seen)
}
