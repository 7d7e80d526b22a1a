use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use backstay_balancer::{Breakers, EndpointState, Limits, PoolConnection};
use backstay_http1::{HeadLimits, RequestBody as _};
use http::{HeaderValue, Request, header};
use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::{PrivateKeyDer, ServerName};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::coop;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use super::{ConnectionGuard, Counted};
use crate::connector::Tcp;
use crate::counts::BackendMetrics;
use crate::io::Io;
use crate::queue::ConnectionPermit;
use crate::tests::memory::Body;
use crate::tls::TlsStream;

type Connection = super::Connection<Tcp<Body>>;
type Stream = Io<TlsStream<TcpStream>>;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/// Both ends of a connection. The endpoint's takes little at once, and the other keeps little.
async fn connected() -> (TcpStream, TcpStream) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 << 10).unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let listener: TcpListener = socket.listen(1).unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    SockRef::from(&near).set_send_buffer_size(4096).unwrap();
    let (far, _) = listener.accept().await.unwrap();
    (near, far)
}

fn connection(stream: Stream) -> Box<Connection> {
    let breakers = Breakers::new(&Limits::default());
    let permit = breakers.connection(&EndpointState::unlisted(), PoolConnection::First).unwrap();
    let permit = ConnectionPermit::take(permit, &Rc::default());
    let guard = ConnectionGuard::count(&Arc::<BackendMetrics>::default(), permit);
    Connection::new(Counted { stream, born: Instant::now(), guard }, HeadLimits { max_size: 1 << 16, max_headers: 10 })
}

fn request(size: usize) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    request.headers_mut().insert(header::COOKIE, HeaderValue::try_from("x".repeat(size)).unwrap());
    request
}

#[tokio::test]
async fn a_task_that_has_used_up_its_turn_still_sees_what_has_come() {
    let (near, mut far) = connected().await;
    far.write_all(ANSWER).await.unwrap();
    near.readable().await.unwrap();
    let mut connection = connection(Io::Plain(near));
    let usable = std::future::poll_fn(|cx| {
        while let Poll::Ready(turn) = coop::poll_proceed(cx) {
            turn.made_progress();
        }
        Poll::Ready(connection.is_usable())
    });
    assert!(!usable.await);
}

/// Both ends of a connection with TLS.
async fn secured() -> (Stream, tokio_rustls::server::TlsStream<TcpStream>) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["upstream.test".to_owned()]).unwrap().self_signed(&key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let client = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let client = Arc::new(client.unwrap().with_root_certificates(roots).with_no_client_auth());
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let server = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let server = server.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
    let (near, far) = connected().await;
    let name = ServerName::try_from("upstream.test").unwrap();
    let (near, far) =
        tokio::join!(TlsStream::connect(&client, name, near), TlsAcceptor::from(Arc::new(server)).accept(far));
    (Io::Tls(Box::new(near.unwrap())), far.unwrap())
}

#[tokio::test]
async fn a_request_that_tls_has_taken_has_not_been_sent() {
    const SIZE: usize = 60_000;
    let (near, mut far) = secured().await;
    let mut connection = connection(near);
    let mut sent = request(SIZE);
    // Answered as soon as it has begun.
    let mut interim = |_| ();
    let (answer, ()) = tokio::join!(connection.send(&mut sent, &mut interim), async {
        far.get_ref().0.readable().await.unwrap();
        far.write_all(ANSWER).await.unwrap();
        far.flush().await.unwrap();
    });
    assert_eq!(answer.unwrap().status(), 200);
    assert!(connection.is_sending());
    let (written, ()) = tokio::join!(std::future::poll_fn(|cx| connection.poll_write(cx)), async {
        far.read_exact(&mut vec![0; SIZE + 28]).await.unwrap();
    });
    written.unwrap();
    assert!(!connection.is_sending());
    assert!(connection.rest().is_some());
}
