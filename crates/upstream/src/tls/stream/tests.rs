use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::ring;
use rustls::version::{TLS12, TLS13};
use rustls::{
    AlertDescription, ClientConfig, Error, ProtocolVersion, RootCertStore, ServerConfig, ServerConnection,
    SupportedProtocolVersion,
};
use rustls_pki_types::{PrivateKeyDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::TlsStream;

const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

/// A server of which every byte is sent by hand.
struct Server {
    tls: ServerConnection,
    io: DuplexStream,
}

impl Server {
    /// Records that are to be sent.
    fn records(&mut self) -> Vec<u8> {
        let mut records = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut records).unwrap();
        }
        records
    }

    async fn flush(&mut self) {
        let records = self.records();
        self.io.write_all(&records).await.unwrap();
    }

    /// The records that `content` becomes.
    fn encrypt(&mut self, content: &[u8]) -> Vec<u8> {
        self.tls.writer().write_all(content).unwrap();
        self.records()
    }

    /// Reads once from the network. `false` at its end.
    async fn receive(&mut self) -> Result<bool, Error> {
        let mut bytes = [0; 4096];
        let length = self.io.read(&mut bytes).await.unwrap();
        let mut rest = &bytes[..length];
        while !rest.is_empty() {
            self.tls.read_tls(&mut rest).unwrap();
            self.tls.process_new_packets()?;
        }
        Ok(length > 0)
    }

    async fn shake_hands(&mut self) -> Result<(), Error> {
        while self.tls.is_handshaking() {
            self.receive().await?;
            // Session tickets go out with what is sent next: until then, the client does not read.
            if self.tls.is_handshaking() || self.tls.protocol_version() == Some(ProtocolVersion::TLSv1_2) {
                self.flush().await;
            }
        }
        Ok(())
    }

    /// Reads as many bytes as there are in `expected`, which they must be.
    async fn expect(&mut self, expected: &[u8]) {
        let mut content = Vec::new();
        while content.len() < expected.len() {
            assert!(self.receive().await.unwrap(), "the end after {} bytes", content.len());
            let _ = self.tls.reader().read_to_end(&mut content);
        }
        assert!(content == expected);
    }
}

/// Configurations of both sides. The client trusts the server's certificate, which is for `upstream.test`.
fn configs(version: &'static SupportedProtocolVersion) -> (Arc<ClientConfig>, ServerConfig) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["upstream.test".to_owned()]).unwrap().self_signed(&key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let client = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let server = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    (Arc::new(client), server)
}

/// Both ends of a connection over a network that takes `network` bytes at a time.
async fn connected(
    (client, server): (Arc<ClientConfig>, ServerConfig),
    network: usize,
) -> (TlsStream<DuplexStream>, Server) {
    let (near, far) = duplex(network);
    let mut server = Server { tls: ServerConnection::new(Arc::new(server)).unwrap(), io: far };
    server.tls.set_buffer_limit(None);
    let name = ServerName::try_from("upstream.test").unwrap();
    let (client, shaken) = tokio::join!(TlsStream::connect(&client, name, near), server.shake_hands());
    shaken.unwrap();
    (client.unwrap(), server)
}

/// Bytes that are different everywhere.
fn content(length: usize) -> Vec<u8> {
    (0_u32..).flat_map(u32::to_le_bytes).take(length).collect()
}

#[tokio::test]
async fn whatever_the_pieces_all_arrives() {
    for version in VERSIONS {
        let configs = configs(version);
        // Of the network, and of the reader: smaller and larger than a record, and than what is read at once.
        for (network, piece) in [(1 << 20, 1 << 20), (1 << 20, 1000), (1000, 1 << 20), (7, 20_000), (300_000, 17_000)] {
            let (mut client, mut server) = connected((Arc::clone(&configs.0), configs.1.clone()), network).await;
            let sent = content(400_000);
            let records = server.encrypt(&sent);
            let mut received = Vec::new();
            let read = async {
                let mut buffer = vec![0; piece];
                while received.len() < sent.len() {
                    let length = client.read(&mut buffer).await.unwrap();
                    received.extend_from_slice(&buffer[..length]);
                }
            };
            let write = async {
                server.io.write_all(&records).await.unwrap();
                server.io.shutdown().await.unwrap();
            };
            tokio::join!(read, write);
            assert!(received == sent, "{network} and {piece} over {version:?}");
        }
    }
}

#[tokio::test]
async fn one_read_takes_what_there_is() {
    let (mut client, mut server) = connected(configs(&TLS13), 1 << 20).await;
    let records = server.encrypt(&content(64 << 10));
    server.io.write_all(&records).await.unwrap();
    let mut buffer = vec![0; 64 << 10];
    assert_eq!(client.read(&mut buffer).await.unwrap(), 64 << 10);
    // There is nothing to wait for where nothing is asked for.
    assert_eq!(client.read(&mut []).await.unwrap(), 0);
}

#[tokio::test]
async fn what_is_written_arrives_as_the_network_takes_it() {
    for version in VERSIONS {
        let (mut client, mut server) = connected(configs(version), 1000).await;
        let sent = content(400_000);
        let write = async {
            client.write_all(&sent).await.unwrap();
            client.flush().await.unwrap();
        };
        tokio::join!(write, server.expect(&sent));
    }
}

#[tokio::test]
async fn several_buffers_are_written_at_once() {
    let (mut client, mut server) = connected(configs(&TLS13), 1 << 20).await;
    let sent = content(50_000);
    let (head, body) = sent.split_at(300);
    let slices = [head, body].map(std::io::IoSlice::new);
    assert_eq!(client.write_vectored(&slices).await.unwrap(), 50_000);
    server.expect(&sent).await;
}

#[tokio::test]
async fn the_end_is_one_only_when_the_endpoint_says_so() {
    for version in VERSIONS {
        for says_so in [true, false] {
            let (mut client, mut server) = connected(configs(version), 1 << 20).await;
            let mut records = server.encrypt(b"all there is");
            if says_so {
                server.tls.send_close_notify();
                records.extend(server.records());
            }
            server.io.write_all(&records).await.unwrap();
            drop(server);
            let mut received = Vec::new();
            let end = client.read_to_end(&mut received).await;
            assert_eq!(received, b"all there is");
            assert_eq!(end.is_ok(), says_so);
            if let Err(error) = end {
                assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
            }
        }
    }
}

#[tokio::test]
async fn a_forged_record_ends_the_connection_after_what_came_before_it() {
    for version in VERSIONS {
        let (mut client, mut server) = connected(configs(version), 1 << 20).await;
        let mut records = server.encrypt(b"genuine");
        let mut forged = server.encrypt(b"forged");
        *forged.last_mut().unwrap() ^= 1;
        records.extend(forged);
        server.io.write_all(&records).await.unwrap();
        let mut buffer = [0; 100];
        assert_eq!(client.read(&mut buffer).await.unwrap(), 7);
        assert_eq!(client.read(&mut buffer).await.unwrap_err().kind(), ErrorKind::InvalidData);
        // The server is told why.
        drop(client);
        assert_eq!(server.receive().await.unwrap_err(), Error::AlertReceived(AlertDescription::BadRecordMac));
    }
}

#[tokio::test]
async fn keys_change_in_both_directions() {
    let (mut client, mut server) = connected(configs(&TLS13), 1 << 20).await;
    let mut records = server.encrypt(b"before");
    // Asks the client to do the same.
    server.tls.refresh_traffic_keys().unwrap();
    records.extend(server.encrypt(b" after"));
    server.io.write_all(&records).await.unwrap();
    let mut received = [0; 12];
    client.read_exact(&mut received).await.unwrap();
    assert_eq!(&received, b"before after");
    client.write_all(b"with new keys").await.unwrap();
    server.expect(b"with new keys").await;
}

#[tokio::test]
async fn what_the_server_says_first_is_not_lost() {
    let (client, mut server) = configs(&TLS13);
    server.send_half_rtt_data = true;
    let (near, far) = duplex(1 << 20);
    let mut server = Server { tls: ServerConnection::new(Arc::new(server)).unwrap(), io: far };
    server.tls.writer().write_all(b"hello").unwrap();
    let name = ServerName::try_from("upstream.test").unwrap();
    let (client, shaken) = tokio::join!(TlsStream::connect(&client, name, near), server.shake_hands());
    shaken.unwrap();
    let mut client = client.unwrap();
    client.write_all(b"and to you").await.unwrap();
    server.expect(b"and to you").await;
    let mut received = [0; 5];
    client.read_exact(&mut received).await.unwrap();
    assert_eq!(&received, b"hello");
}

#[tokio::test]
async fn an_endpoint_that_proves_nothing_is_told() {
    for version in VERSIONS {
        let (_, server) = configs(version);
        let (other, _) = configs(version);
        let (near, far) = duplex(1 << 20);
        let mut server = Server { tls: ServerConnection::new(Arc::new(server)).unwrap(), io: far };
        let name = ServerName::try_from("upstream.test").unwrap();
        let (client, shaken) = tokio::join!(TlsStream::connect(&other, name, near), server.shake_hands());
        let error = client.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.to_string().contains("certificate"), "{error}");
        assert!(matches!(shaken.unwrap_err(), Error::AlertReceived(_)));
    }
}

#[tokio::test]
async fn a_shutdown_says_that_nothing_follows() {
    let (mut client, mut server) = connected(configs(&TLS13), 1 << 20).await;
    client.write_all(b"bye").await.unwrap();
    client.shutdown().await.unwrap();
    server.expect(b"bye").await;
    while server.receive().await.unwrap() {}
    // Nothing more, and no error: the end was announced.
    assert_eq!(server.tls.reader().read(&mut [0; 10]).unwrap(), 0);
}
