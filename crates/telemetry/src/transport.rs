//! One request to a collector, and what it said.

use std::io::{self, Write as _};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use backstay_certificate::{Client, ClientFiles};
use backstay_trace::{Collector, Protocol};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HOST, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tonic::codec::CompressionEncoding;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::signal::{Signal, refused};

mod raw;

use raw::Raw;

/// The longest answer that is read.
const MAX_ANSWER: usize = 64 << 10;

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Said {
    /// It was taken, but for so many things, for this reason.
    Taken(u64, String),
    /// It may be sent again, no earlier than this.
    Again(Option<Duration>, String),
    /// It is not wanted.
    Refused(String),
}

/// Any connection.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// The way to a collector.
pub(crate) struct Transport {
    collector: Collector,
    signal: Signal,
    tls: Arc<Client>,
    way: Way,
}

enum Way {
    Grpc(Channel),
    Http(Option<http1::SendRequest<Full<Bytes>>>),
}

impl Transport {
    /// A way to `collector`, which is not gone before there is something to send.
    pub(crate) fn new(collector: Collector, signal: Signal) -> io::Result<Self> {
        let tls = tls(&collector);
        let way = match collector.protocol {
            Protocol::Http => Way::Http(None),
            Protocol::Grpc => Way::Grpc(channel_over(&collector, &tls)),
        };
        Ok(Self { collector, signal, tls, way })
    }

    /// Sends one request, which is encoded.
    pub(crate) async fn send(&mut self, request: Bytes) -> Said {
        let timeout = self.collector.timeout;
        let sent: Pin<Box<dyn Future<Output = Said> + Send + '_>> = match &self.way {
            Way::Grpc(channel) => {
                let channel = channel.clone();
                Box::pin(grpc(&self.collector, self.signal, channel, request))
            }
            Way::Http(_) => Box::pin(self.http(request)),
        };
        match tokio::time::timeout(timeout, sent).await {
            Ok(said) => said,
            Err(_) => {
                if let Way::Http(connection) = &mut self.way {
                    *connection = None;
                }
                Said::Again(None, format!("no answer within {timeout:?}"))
            }
        }
    }

    async fn http(&mut self, request: Bytes) -> Said {
        match self.try_http(request).await {
            Ok(said) => said,
            Err(error) => {
                self.way = Way::Http(None);
                Said::Again(None, error.to_string())
            }
        }
    }

    async fn try_http(&mut self, request: Bytes) -> io::Result<Said> {
        let Collector { endpoint, is_whole, headers, gzip, .. } = &self.collector;
        let kept = match &mut self.way {
            Way::Http(kept) => kept.take().filter(|sender| !sender.is_closed()),
            Way::Grpc(_) => None,
        };
        let mut sender = match kept {
            Some(sender) => sender,
            None => {
                let stream = connect(endpoint, &self.tls).await?;
                let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
                // It ends when the collector closes it, or the sender is gone.
                tokio::spawn(connection);
                sender
            }
        };
        let path = match is_whole {
            true => endpoint.path().to_owned(),
            false => format!("{}{}", endpoint.path().trim_end_matches('/'), self.signal.path()),
        };
        let (body, coding) = match gzip {
            true => (Bytes::from(compress(&request)?), Some("gzip")),
            false => (request, None),
        };
        let authority = endpoint.authority().map_or("", http::uri::Authority::as_str);
        let mut built = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(HOST, authority)
            .header(ACCEPT_ENCODING, "identity")
            .header(CONTENT_TYPE, "application/x-protobuf");
        if let Some(coding) = coding {
            built = built.header(CONTENT_ENCODING, coding);
        }
        for (name, value) in headers {
            built = built.header(name, value);
        }
        let request = built.body(Full::new(body)).map_err(io::Error::other)?;
        sender.ready().await.map_err(io::Error::other)?;
        let response = sender.send_request(request).await.map_err(io::Error::other)?;
        let (head, body) = response.into_parts();
        let answer = Limited::new(body, MAX_ANSWER).collect().await.map_err(io::Error::other)?.to_bytes();
        self.way = Way::Http(Some(sender));
        Ok(judge(head.status, &head.headers, &answer))
    }
}

/// A way to what speaks gRPC, which is not gone before there is something to send.
pub(crate) fn channel(collector: &Collector) -> Channel {
    channel_over(collector, &tls(collector))
}

fn tls(collector: &Collector) -> Arc<Client> {
    let alpn: &'static [&'static [u8]] = if collector.protocol == Protocol::Grpc { &[b"h2"] } else { &[b"http/1.1"] };
    let (authorities, pair) = (collector.authorities.clone(), collector.pair.clone());
    Arc::new(Client::new(ClientFiles { authorities, pair, server_name: None }, alpn))
}

fn channel_over(collector: &Collector, tls: &Arc<Client>) -> Channel {
    let (endpoint, tls) = (collector.endpoint.clone(), Arc::clone(tls));
    let connector = tower::service_fn(move |_: Uri| {
        let (endpoint, tls) = (endpoint.clone(), Arc::clone(&tls));
        async move { connect(&endpoint, &tls).await.map(TokioIo::new) }
    });
    let channel = Endpoint::from(collector.endpoint.clone()).connect_timeout(collector.timeout);
    channel.connect_with_connector_lazy(connector)
}

/// What an answer over HTTP says.
fn judge(status: StatusCode, headers: &HeaderMap, answer: &[u8]) -> Said {
    if status.is_success() {
        let (count, why) = refused(answer);
        return Said::Taken(count, why);
    }
    let message = format!("the collector answers {status}");
    // The four that the specification has.
    match status.as_u16() {
        429 | 502 | 503 | 504 => Said::Again(headers.get(RETRY_AFTER).and_then(retry_after), message),
        _ => Said::Refused(message),
    }
}

fn retry_after(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::now()).ok()
}

async fn grpc(collector: &Collector, signal: Signal, channel: Channel, request: Bytes) -> Said {
    let mut client = tonic::client::Grpc::new(channel).max_decoding_message_size(MAX_ANSWER);
    if collector.gzip {
        client = client.send_compressed(CompressionEncoding::Gzip).accept_compressed(CompressionEncoding::Gzip);
    }
    if let Err(error) = client.ready().await {
        return Said::Again(None, reason(&error));
    }
    let mut request = tonic::Request::new(request);
    let headers: HeaderMap = collector.headers.iter().cloned().collect();
    *request.metadata_mut() = MetadataMap::from_headers(headers);
    let path = http::uri::PathAndQuery::from_static(signal.method());
    match client.unary(request, path, Raw).await {
        Ok(answer) => {
            let (count, why) = refused(answer.get_ref());
            Said::Taken(count, why)
        }
        Err(status) => judge_status(&status),
    }
}

/// What a status of gRPC says.
fn judge_status(status: &Status) -> Said {
    let asked = status.get_details_retry_info().and_then(|info| info.retry_delay);
    let message = format!("the collector answers {:?}: {}", status.code(), reason(status));
    match status.code() {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => Said::Again(asked, message),
        // Only one that says when it will have some again has to be asked again.
        Code::ResourceExhausted if asked.is_some() => Said::Again(asked, message),
        // What comes of a connection that broke off.
        Code::Unknown if std::error::Error::source(status).is_some() => Said::Again(None, message),
        _ => Said::Refused(message),
    }
}

/// What an error says, down to its first cause.
pub(crate) fn reason(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let more = source.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = source.source();
    }
    text
}

fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

async fn connect(endpoint: &Uri, tls: &Client) -> io::Result<Box<dyn Stream>> {
    let host = endpoint.host().unwrap_or_default();
    if endpoint.scheme_str() == Some("https") {
        let stream = tls.connect(host, endpoint.port_u16().unwrap_or(443)).await.map_err(io::Error::other)?;
        return Ok(Box::new(stream));
    }
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let stream = TcpStream::connect((bare, endpoint.port_u16().unwrap_or(80))).await?;
    stream.set_nodelay(true)?;
    Ok(Box::new(stream))
}
