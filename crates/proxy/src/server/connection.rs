//! One connection from a client.

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderValue;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ProtocolVersion;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::http1::Http1;
use super::http2::{self, Http2};
use super::io::{ClientIo, poll_first};
use super::service;
use crate::access::ClientTls;
use crate::activity::{Activity, Phase};
use crate::counts::ServerMetrics;
use crate::data_thread::{CurrentSocket, DataThread, Membership};
use crate::exchange::{ClientConnection, ClientPermit, Service};
use backstay_upstream::Io;

/// What an HTTP/2 client sends first (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// An answer to a client that did not finish its head in time.
const TIMED_OUT: &[u8] = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// In place of an address that the system does not tell.
const UNKNOWN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// A connection that was accepted, and counts.
pub(super) struct Accepted {
    pub(super) thread: Rc<DataThread>,
    pub(super) socket: Rc<CurrentSocket>,
    /// The client's address.
    pub(super) peer: SocketAddr,
    pub(super) permit: ClientPermit,
}

/// Serves a connection from accept to end. It counts from now on: a drain that begins in this moment waits for it.
pub(super) fn spawn<S: Service>(accepted: Accepted, stream: TcpStream, service: S) {
    let activity = Arc::new(Activity::new());
    let membership = accepted.thread.registry.join(&activity, &accepted.socket);
    tokio::task::spawn_local(serve(accepted, stream, activity, membership, service));
}

async fn serve<S: Service>(
    accepted: Accepted,
    stream: TcpStream,
    activity: Arc<Activity>,
    membership: Membership,
    service: S,
) {
    let Accepted { thread, socket, peer, permit } = accepted;
    let _ = stream.set_nodelay(true);
    keep_alive(&stream);
    let local = stream.local_addr().unwrap_or(UNKNOWN);

    // Until the first request, the sweep's limit for heads covers the TLS handshake and the choice of protocol.
    let mut opening = Box::pin(open(&thread, &socket, stream));
    let opened = membership.run(&mut opening, |_| ()).await;
    drop(opening);
    let opened = match opened {
        Ok(Ok(Some(opened))) => opened,
        Ok(Ok(None)) => return,
        Ok(Err(error)) => {
            tracing::debug!(%error, %peer, "a client's connection could not be opened");
            return;
        }
        Err(phase) => return cut(&thread, phase),
    };
    let ip = plain(peer.ip());
    let client = Rc::new(ClientConnection {
        thread: Rc::clone(&thread),
        limits: socket.load().limits.clone(),
        socket,
        peer: SocketAddr::new(ip, peer.port()),
        peer_value: HeaderValue::try_from(ip.to_string()).unwrap_or_else(|_| HeaderValue::from_static("unknown")),
        port: local.port(),
        local: plain(local.ip()),
        tls: tls_of(&opened.stream),
        secure: matches!(opened.stream, Io::Tls(_)),
        server_name: match &opened.stream {
            Io::Tls(stream) => stream.get_ref().1.server_name().map(|name| name.to_ascii_lowercase().into()),
            Io::Plain(_) => None,
        },
        activity: Arc::clone(&activity),
        _permit: permit,
    });
    let outcome = if opened.http2 {
        let stream = ClientIo::http2(opened.stream, opened.ahead, activity, &thread.shared.metrics);
        // Boxed, so that connections of HTTP/1.1 do not keep the place.
        Box::pin(serve_http2(stream, client, &membership, service)).await
    } else {
        let stream = ClientIo::http1(opened.stream, opened.ahead, activity);
        serve_http1(stream, client, &membership, service).await
    };
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            error.count(&thread.shared.metrics);
            tracing::debug!(%error, %peer, "a client's connection ended with an error");
        }
        Err(phase) => cut(&thread, phase),
    }
}

/// An address as its own family has it: a dual-stack socket shows IPv4 in another way, and nobody else does.
fn plain(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V6(ip) => ip.to_ipv4_mapped().map_or(IpAddr::V6(ip), IpAddr::V4),
        ip => ip,
    }
}

/// How the client speaks TLS.
fn tls_of(stream: &Io<TlsStream<TcpStream>>) -> Option<ClientTls> {
    let Io::Tls(stream) = stream else { return None };
    let session = stream.get_ref().1;
    let version = match session.protocol_version()? {
        ProtocolVersion::TLSv1_3 => "TLSv1.3",
        ProtocolVersion::TLSv1_2 => "TLSv1.2",
        _ => "-",
    };
    let cipher = session.negotiated_cipher_suite()?.suite().as_str()?;
    // The names of the library differ from the IANA's for TLS 1.3 alone.
    let cipher = match cipher {
        "TLS13_AES_128_GCM_SHA256" => "TLS_AES_128_GCM_SHA256",
        "TLS13_AES_256_GCM_SHA384" => "TLS_AES_256_GCM_SHA384",
        "TLS13_CHACHA20_POLY1305_SHA256" => "TLS_CHACHA20_POLY1305_SHA256",
        other => other,
    };
    Some(ClientTls { version, cipher })
}

async fn serve_http2<S: Service>(
    stream: ClientIo,
    client: Rc<ClientConnection>,
    membership: &Membership,
    service: S,
) -> Result<Result<(), ConnectionError>, Phase> {
    client.activity.multiplexes();
    if client.is_ending() {
        membership.finish();
    }
    let mut connection = Http2::new(stream, client, service);
    let outcome = membership.run(&mut connection, Http2::finish).await;
    outcome.map(|ended| ended.map_err(ConnectionError::Http2))
}

async fn serve_http1<S: Service>(
    stream: ClientIo,
    client: Rc<ClientConnection>,
    membership: &Membership,
    service: S,
) -> Result<Result<(), ConnectionError>, Phase> {
    let mut connection = Http1::new(stream, Rc::clone(&client), |stream| {
        let limits = &client.thread.shared.limits;
        let mut builder = http1::Builder::new();
        builder
            .max_header_size(client.max_head_size())
            .max_buf_size(client.max_head_size().max(8 << 10))
            // The sweep cuts slow heads; a timer per request would cost an allocation each.
            .header_read_timeout(None);
        if limits.max_headers != 100 {
            builder.max_headers(limits.max_headers);
        }
        builder.serve_connection(TokioIo::new(stream), service::serve(Rc::clone(&client), service)).with_upgrades()
    });
    let outcome = membership.run(&mut connection, Http1::finish).await;
    if matches!(outcome, Err(Phase::Head))
        && let Some(Io::Plain(stream)) = connection.into_stream().map(|stream| stream.stream)
    {
        let _ = stream.try_write(TIMED_OUT);
    }
    outcome.map(|ended| ended.map_err(ConnectionError::Http1))
}

/// Why a connection ended that should not have.
#[derive(Debug, Error)]
enum ConnectionError {
    #[error(transparent)]
    Http1(hyper::Error),
    #[error(transparent)]
    Http2(h2::Error),
}

impl ConnectionError {
    /// Counts what the client has sent, if that is why.
    fn count(&self, metrics: &ServerMetrics) {
        match self {
            Self::Http1(error) if error.is_parse_too_large() => metrics.heads_too_large.increment(1),
            Self::Http1(error) if error.is_parse() => metrics.protocol_errors.increment(1),
            Self::Http1(_) => {}
            Self::Http2(error) => http2::count(error, metrics),
        }
    }
}

fn cut(thread: &DataThread, phase: Phase) {
    let metrics = &thread.shared.metrics;
    match phase {
        // The sweep counts them: of those of HTTP/2, most end by themselves once they are told.
        Phase::Idle => {}
        Phase::Head => metrics.header_timeouts.increment(1),
        Phase::Busy => metrics.stream_idle_timeouts.increment(1),
        // The backend counts them.
        Phase::Late => {}
        Phase::TooLong => metrics.request_timeouts.increment(1),
    }
}

/// A connection that is ready to carry requests.
struct Opened {
    stream: Io<TlsStream<TcpStream>>,
    ahead: Bytes,
    http2: bool,
}

/// Speaks TLS where the socket does, and finds out which HTTP follows. `None` when the client left without a word.
async fn open(thread: &DataThread, socket: &CurrentSocket, mut stream: TcpStream) -> io::Result<Option<Opened>> {
    let tls = socket.load().tls.clone();
    if let Some(config) = tls {
        let stream = TlsAcceptor::from(config).accept(stream).await.inspect_err(|_| {
            thread.shared.metrics.handshake_failures.increment(1);
        })?;
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        return Ok(Some(Opened { stream: Io::Tls(Box::new(stream)), ahead: Bytes::new(), http2 }));
    }
    let mut ahead = BytesMut::new();
    loop {
        let first = poll_fn(|cx| poll_first(&mut stream, cx)).await?;
        if first.is_empty() {
            return Ok(None);
        }
        if ahead.is_empty() {
            ahead = BytesMut::from(first);
        } else {
            ahead.extend_from_slice(&first);
        }
        let compared = ahead.len().min(PREFACE.len());
        if ahead[..compared] != PREFACE[..compared] {
            return Ok(Some(Opened { stream: Io::Plain(stream), ahead: ahead.freeze(), http2: false }));
        }
        if compared == PREFACE.len() {
            return Ok(Some(Opened { stream: Io::Plain(stream), ahead: ahead.freeze(), http2: true }));
        }
    }
}

/// Finds out about clients that vanished without a word.
fn keep_alive(stream: &TcpStream) {
    let probe = socket2::TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(15));
    let _ = socket2::SockRef::from(stream).set_tcp_keepalive(&probe);
}
