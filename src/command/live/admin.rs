//! Server-sent events of a proxy's admin endpoint.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use backstay_proto::live::{Filter, Tap, TappedRequest, Top, TopTable};
use bytes::{Bytes, BytesMut};
use http::{Request, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::{Asked, Shown};
use crate::client::escape;

/// For the answer to begin.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of one event.
const MAX_EVENT: usize = 16 << 20;

/// What a proxy shows.
pub(crate) struct Events {
    body: Incoming,
    buffer: BytesMut,
    ready: VecDeque<Shown>,
}

impl Events {
    /// Begins to look.
    pub(super) async fn open(admin: &Uri, asked: &Asked) -> Result<Self> {
        let address = admin.to_string();
        let request = Request::get(format!("{}{}", address.trim_end_matches('/'), target(asked)));
        let request = request.header("accept", "text/event-stream").body(Empty::<Bytes>::new())?;
        let client = Client::builder(TokioExecutor::new()).build::<_, Empty<Bytes>>(HttpConnector::new());
        let response = tokio::time::timeout(TIMEOUT, client.request(request)).await.context("no answer in time")?;
        let response = response.context("cannot be reached")?;
        let status = response.status();
        if !status.is_success() {
            let said = Limited::new(response.into_body(), 64 << 10).collect().await;
            let said = said.map(|said| String::from_utf8_lossy(&said.to_bytes()).trim().to_owned()).unwrap_or_default();
            bail!("{}", if said.is_empty() { status.to_string() } else { said });
        }
        Ok(Self { body: response.into_body(), buffer: BytesMut::new(), ready: VecDeque::new() })
    }

    pub(super) async fn next(&mut self) -> Result<Option<Shown>> {
        loop {
            if let Some(shown) = self.ready.pop_front() {
                return Ok(Some(shown));
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(frame) => {
                    if let Ok(data) = frame.context("the connection broke")?.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
            }
            while let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let event = self.buffer.split_to(end + 2);
                self.ready.extend(read(&String::from_utf8_lossy(&event))?);
            }
            if self.buffer.len() > MAX_EVENT {
                bail!("an event has more than {} MiB", MAX_EVENT >> 20);
            }
        }
    }
}

/// What is asked of the endpoint.
fn target(asked: &Asked) -> String {
    let (path, filter, own) = match asked {
        Asked::Tap(Tap { filter, limit }) => ("/tap", filter, ("limit", u64::from(*limit), "")),
        Asked::Top(Top { filter, interval_ms }) => ("/top", filter, ("interval", u64::from(*interval_ms), "ms")),
    };
    let none = Filter::default();
    let Filter { backend, route, path: begin, status, min_duration_ms, method, headers } =
        filter.as_ref().unwrap_or(&none);
    let mut pairs: Vec<(&str, String)> =
        [("backend", backend), ("route", route), ("path", begin), ("status", status), ("method", method)]
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name, escape(value)))
            .collect();
    pairs.extend(headers.iter().map(|header| ("header", escape(header))));
    let (name, value, unit) = own;
    for (name, value, unit) in [("min-duration", *min_duration_ms, "ms"), (name, value, unit)] {
        if value > 0 {
            pairs.push((name, format!("{value}{unit}")));
        }
    }
    let query: Vec<_> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

/// An event; nothing of a comment, or of one that is not known.
fn read(event: &str) -> Result<Option<Shown>> {
    let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let Some(data) = field("data") else { return Ok(None) };
    Ok(match field("event") {
        Some("request") => Some(Shown::Request(Box::new(serde_json::from_str::<TappedRequest>(data)?))),
        Some("missed") => Some(Shown::Missed(serde_json::from_str(data)?)),
        Some("table") => Some(Shown::Table(serde_json::from_str::<TopTable>(data)?)),
        _ => None,
    })
}
