//! One check: a connection, a question, an answer.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

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

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Puts the question of `probe` to the endpoint at `address`.
pub(super) async fn ask(
    backend: &Backend,
    endpoint: &Endpoint,
    address: SocketAddr,
    probe: &Probe,
) -> Result<Found, ProbeError> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let stream: Box<dyn Stream> = match &backend.tls {
        None => Box::new(stream),
        Some(tls) => {
            let name = tls.server_name.clone().unwrap_or_else(|| endpoint.server_name.clone());
            Box::new(TlsConnector::from(Arc::clone(&tls.config)).connect(name, stream).await?)
        }
    };
    match probe {
        Probe::Tcp { send, receive } => tcp(stream, send, receive).await,
        Probe::Http(http) => {
            let host = http.host.clone().unwrap_or_else(|| host(backend, endpoint, address));
            let request = request(backend, http, &host)?;
            let response = exchange(backend.protocol, stream, request).await?;
            let status = response.status().as_u16();
            let good = http.expected.iter().any(|(start, end)| (*start..=*end).contains(&status));
            Ok(match good {
                true => Found::passed(response.headers().contains_key("x-envoy-degraded")),
                false => Found::refused(format!("status {status}, which is not among expectedStatuses")),
            })
        }
        Probe::Grpc { service } => {
            let host = host(backend, endpoint, address);
            let mut response = exchange(Protocol::Http2, stream, grpc_request(backend, service, &host)?).await?;
            let status = response.status();
            let code = |headers: &HeaderMap| headers.get("grpc-status").cloned();
            let at_once = code(response.headers());
            let body = Limited::new(response.body_mut(), MAX_ANSWER).collect().await.map_err(io::Error::other)?;
            let code = at_once.or_else(|| body.trailers().and_then(code));
            Ok(grpc_result(status, code.as_ref(), &body.to_bytes()))
        }
    }
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
    if backend.protocol == Protocol::Http1 {
        // Each check has a connection of its own.
        request.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if probe.http10 {
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

async fn exchange(
    protocol: Protocol,
    stream: Box<dyn Stream>,
    request: Request<Full<Bytes>>,
) -> Result<Response<Incoming>, ProbeError> {
    let io = TokioIo::new(stream);
    // Connections end with the answer: when its sender and its body are dropped, or at the latest with the timeout, which
    // drops both.
    match protocol {
        Protocol::Http1 => {
            let (mut sender, connection) = http1::handshake(io).await?;
            tokio::spawn(connection);
            Ok(sender.send_request(request).await?)
        }
        Protocol::Http2 => {
            let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await?;
            tokio::spawn(connection);
            Ok(sender.send_request(request).await?)
        }
    }
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
