//! One check: a connection, a question, an answer. Connections of HTTP are kept from one check to the next, so that a check costs an
//! endpoint as little as a request.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use backstay_balancer::CheckResult;
use backstay_model::{HostRewrite, HttpProbe, Probe, Protocol};
use bytes::{BufMut, Bytes, BytesMut};
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls_pki_types::ServerName;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use backstay_upstream::{Backend, Endpoint};

/// Bytes of an answer that are looked at.
const MAX_ANSWER: usize = 64 << 10;
/// How long what follows the head of an answer may take, for its connection to be kept.
const REST_TIMEOUT: Duration = Duration::from_secs(5);

const USER_AGENT: HeaderValue = HeaderValue::from_static("backstay-health-check");

/// Why a check could not be made.
#[derive(Debug, Error)]
pub(super) enum ProbeError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Http(#[from] hyper::Error),
    #[error("the question cannot be put: {0}")]
    Question(#[from] http::Error),
}

/// What came of a check.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) result: CheckResult,
    /// The endpoint says that it is degraded.
    pub(super) degraded: bool,
    /// Why it did not pass.
    pub(super) failure: Option<String>,
}

impl Found {
    const fn passed(degraded: bool) -> Self {
        Self { result: CheckResult::Passed, degraded, failure: None }
    }

    /// The endpoint answered that it is not well.
    fn refused(failure: String) -> Self {
        Self { result: CheckResult::Refused, degraded: false, failure: Some(failure) }
    }

    /// There was no answer, or none that says anything.
    pub(super) const fn failed(failure: String) -> Self {
        Self { result: CheckResult::Failed, degraded: false, failure: Some(failure) }
    }
}

/// The connection that the checks of an endpoint keep between them.
#[derive(Debug, Default)]
pub(super) struct Kept(Option<Sender>);

#[derive(Debug)]
enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Sender {
    async fn begin(protocol: Protocol, stream: Box<dyn Stream>) -> Result<Self, hyper::Error> {
        let io = TokioIo::new(stream);
        // Connections end when their sender and the body of the last answer are dropped.
        match protocol {
            Protocol::Http1 => {
                let (sender, connection) = http1::handshake(io).await?;
                tokio::spawn(connection);
                Ok(Self::Http1(sender))
            }
            Protocol::Http2 => {
                let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await?;
                tokio::spawn(connection);
                Ok(Self::Http2(sender))
            }
        }
    }

    fn is_ready(&self) -> bool {
        match self {
            Self::Http1(sender) => sender.is_ready(),
            Self::Http2(sender) => sender.is_ready(),
        }
    }

    #[cfg(test)]
    fn is_closed(&self) -> bool {
        match self {
            Self::Http1(sender) => sender.is_closed(),
            Self::Http2(sender) => sender.is_closed(),
        }
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, hyper::Error> {
        match self {
            Self::Http1(sender) => sender.send_request(request).await,
            Self::Http2(sender) => sender.send_request(request).await,
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Puts the question of `probe` to the endpoint at `address`, on the connection that is `kept` if there is one.
pub(super) async fn ask(
    backend: &Backend,
    endpoint: &Endpoint,
    address: SocketAddr,
    probe: &Probe,
    kept: &mut Kept,
) -> Result<Found, ProbeError> {
    match probe {
        Probe::Tcp { send, receive } => tcp(connect(backend, endpoint, address).await?, send, receive).await,
        Probe::Http(http) => {
            let host = http.host.clone().unwrap_or_else(|| host(backend, endpoint, address));
            let request = request(backend, http, &host)?;
            let protocol = backend.protocol;
            let (response, sender) = exchange(protocol, request, kept, || connect(backend, endpoint, address)).await?;
            let (response, body) = response.into_parts();
            if !http.http10 {
                kept.0 = Some(sender);
                // What follows says nothing, and holds up nothing but the connection.
                tokio::spawn(tokio::time::timeout(REST_TIMEOUT, Limited::new(body, MAX_ANSWER).collect()));
            }
            let status = response.status.as_u16();
            let good = http.expected.iter().any(|(start, end)| (*start..=*end).contains(&status));
            Ok(match good {
                true => Found::passed(response.headers.contains_key("x-envoy-degraded")),
                false => Found::refused(format!("status {status}, which is not among expectedStatuses")),
            })
        }
        Probe::Grpc { service } => {
            let host = host(backend, endpoint, address);
            let request = grpc_request(backend, service, &host)?;
            let connect = || connect(backend, endpoint, address);
            let (mut response, sender) = exchange(Protocol::Http2, request, kept, connect).await?;
            let status = response.status();
            let code = |headers: &HeaderMap| headers.get("grpc-status").cloned();
            let at_once = code(response.headers());
            let body = Limited::new(response.body_mut(), MAX_ANSWER).collect().await.map_err(io::Error::other)?;
            kept.0 = Some(sender);
            let code = at_once.or_else(|| body.trailers().and_then(code));
            Ok(grpc_result(status, code.as_ref(), &body.to_bytes()))
        }
    }
}

async fn connect(backend: &Backend, endpoint: &Endpoint, address: SocketAddr) -> io::Result<Box<dyn Stream>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(match &backend.tls {
        None => Box::new(stream),
        Some(tls) => {
            let name = tls.server_name.clone().unwrap_or_else(|| endpoint.server_name.clone());
            Box::new(TlsConnector::from(Arc::clone(&tls.config)).connect(name, stream).await?)
        }
    })
}

/// The host that traffic would be sent.
fn host(backend: &Backend, endpoint: &Endpoint, address: SocketAddr) -> HeaderValue {
    let name = match (&backend.policy.host, &endpoint.server_name) {
        (HostRewrite::Literal(host), _) => return host.clone(),
        (_, ServerName::DnsName(name)) => name.as_ref().to_owned(),
        _ => address.to_string(),
    };
    HeaderValue::from_str(&name).unwrap_or_else(|_| HeaderValue::from_static("localhost"))
}

fn request(backend: &Backend, probe: &HttpProbe, host: &HeaderValue) -> Result<Request<Full<Bytes>>, ProbeError> {
    let mut request = Request::builder().method(probe.method.clone());
    request = match backend.protocol {
        Protocol::Http1 => request.uri(Uri::from(probe.path.clone())).header(header::HOST, host),
        Protocol::Http2 => request.uri(absolute(backend, host, probe.path.clone())?),
    };
    let mut request = request.body(Full::default())?;
    if probe.http10 {
        if backend.protocol == Protocol::Http1 {
            request.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        *request.version_mut() = Version::HTTP_10;
    }
    request.headers_mut().insert(header::USER_AGENT, USER_AGENT);
    request.headers_mut().extend(probe.headers.clone());
    Ok(request)
}

fn grpc_request(backend: &Backend, service: &str, host: &HeaderValue) -> Result<Request<Full<Bytes>>, ProbeError> {
    // HealthCheckRequest { service = 1 }.
    let mut message = BytesMut::new();
    if !service.is_empty() {
        prost::encoding::string::encode(1, &service.to_owned(), &mut message);
    }
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    frame.put(message);
    let path = PathAndQuery::from_static("/grpc.health.v1.Health/Check");
    let request = Request::builder()
        .method(Method::POST)
        .uri(absolute(backend, host, path)?)
        .header(header::USER_AGENT, USER_AGENT)
        .header(header::CONTENT_TYPE, "application/grpc")
        .header(header::TE, "trailers");
    Ok(request.body(Full::new(frame.freeze()))?)
}

fn absolute(backend: &Backend, host: &HeaderValue, path: PathAndQuery) -> Result<Uri, http::Error> {
    let scheme = if backend.tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP };
    let authority = Authority::try_from(host.as_bytes())?;
    Uri::builder().scheme(scheme).authority(authority).path_and_query(path).build()
}

/// The answer to `request`, and the connection that it came on: the one that is `kept`, or what `connect` opens. The endpoint may have
/// closed the former at any time, which says nothing of how it is.
async fn exchange<F: Future<Output = io::Result<Box<dyn Stream>>>>(
    protocol: Protocol,
    request: Request<Full<Bytes>>,
    kept: &mut Kept,
    connect: impl FnOnce() -> F,
) -> Result<(Response<Incoming>, Sender), ProbeError> {
    if let Some(mut sender) = kept.0.take().filter(Sender::is_ready)
        && let Ok(response) = sender.send(request.clone()).await
    {
        return Ok((response, sender));
    }
    let mut sender = Sender::begin(protocol, connect().await?).await?;
    let response = sender.send(request).await?;
    Ok((response, sender))
}

fn grpc_result(status: StatusCode, code: Option<&HeaderValue>, body: &[u8]) -> Found {
    let Some(code) = code else {
        return Found::failed(format!("status {}, and no grpc-status: it may not be gRPC", status.as_u16()));
    };
    // A frame's prefix, then HealthCheckResponse { status = 1 }, in which 1 is SERVING.
    match (code.as_bytes(), body.split_at_checked(5)) {
        (b"0", Some((_, [0x08, 1]))) => Found::passed(false),
        (b"0", Some(_)) => Found::refused("the service says that it is not SERVING".to_owned()),
        (b"0", None) => Found::refused("grpc-status 0, and no message".to_owned()),
        // An answer as well: there is no such service, say.
        _ => Found::refused(format!("grpc-status {}", String::from_utf8_lossy(code.as_bytes()))),
    }
}

async fn tcp(mut stream: Box<dyn Stream>, send: &[u8], receive: &[Bytes]) -> Result<Found, ProbeError> {
    stream.write_all(send).await?;
    stream.flush().await?;
    let mut read = Vec::new();
    loop {
        if appear_in_order(&read, receive) {
            return Ok(Found::passed(false));
        }
        let mut part = [0; 1024];
        let count = stream.read(&mut part).await?;
        if count == 0 {
            return Ok(Found::failed("the endpoint closed the connection before all of receive had come".to_owned()));
        }
        if read.len() + count > MAX_ANSWER {
            return Ok(Found::failed(format!("receive is not within the first {MAX_ANSWER} bytes")));
        }
        read.extend(part.get(..count).unwrap_or_default());
    }
}

fn appear_in_order(mut read: &[u8], parts: &[Bytes]) -> bool {
    parts.iter().filter(|part| !part.is_empty()).all(|part| {
        let found = read.windows(part.len()).position(|window| window == &**part);
        found.is_some_and(|at| {
            read = read.get(at + part.len()..).unwrap_or_default();
            true
        })
    })
}

#[cfg(test)]
mod tests;
