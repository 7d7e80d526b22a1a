//! Certificates, and clients that look at those they are shown.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, SanType,
};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, ServerConfig, SignatureScheme};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::PATIENCE;
use super::traffic::describe;

/// Replaces a file in one step.
pub fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(&new, path).unwrap();
}

/// Who signs the certificates of a test.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
#[derive(Debug, Clone)]
pub struct Pair {
    /// PEM.
    pub certificate: String,
    /// PEM.
    pub key: String,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its own certificate as PEM.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// Its own certificate and key.
    pub fn pair(&self) -> Pair {
        Pair { certificate: self.0.pem(), key: self.0.key().serialize_pem() }
    }

    /// A certificate for these names.
    pub fn issue(&self, names: &[&str]) -> Pair {
        self.sign(CertificateParams::new(owned(names)).unwrap())
    }

    /// A certificate for these names that expires after `time`.
    pub fn issue_for(&self, names: &[&str], time: Duration) -> Pair {
        let mut params = CertificateParams::new(owned(names)).unwrap();
        params.not_after = (SystemTime::now() + time).into();
        self.sign(params)
    }

    /// A certificate for servers of these names that has ended.
    pub fn issue_ended(&self, names: &[&str]) -> Pair {
        let mut params = CertificateParams::new(owned(names)).unwrap();
        params.not_after = (SystemTime::now() - Duration::from_secs(3600)).into();
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> Pair {
        let key = KeyPair::generate().unwrap();
        // OpenSSL takes a certificate for self-signed whose subject is that of its authority.
        let mut params = params;
        params.distinguished_name.push(DnType::CommonName, "a server of the tests");
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Pair { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

impl Authority {
    /// A certificate for a client that is called by these URIs, and holds for this long from now on.
    pub fn issue_client(&self, uris: &[&str], life: Duration) -> Pair {
        self.issue_member(None, uris, life)
    }

    /// The same for a client of an organization.
    pub fn issue_member(&self, organization: Option<&str>, uris: &[&str], life: Duration) -> Pair {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.subject_alt_names = uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())).collect();
        params.distinguished_name.push(DnType::CommonName, "a client of the tests");
        if let Some(organization) = organization {
            params.distinguished_name.push(DnType::OrganizationName, organization);
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.not_before = (SystemTime::now() - Duration::from_secs(60)).into();
        params.not_after = (SystemTime::now() + life).into();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Pair { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

impl Pair {
    /// Writes `NAME.crt` and `NAME.key`, each in one step, and yields their paths.
    pub fn write(&self, folder: &Path, name: &str) -> [String; 2] {
        [("crt", &self.certificate), ("key", &self.key)].map(|(extension, text)| {
            let path = folder.join(format!("{name}.{extension}"));
            replace(&path, text);
            path.to_str().unwrap().to_owned()
        })
    }

    /// The certificate as it is shown.
    pub fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap()
    }

    /// As a Secret of the namespace `default`.
    pub fn secret(&self, name: &str) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": "default"},
            "type": "kubernetes.io/tls",
            "stringData": {"tls.crt": self.certificate, "tls.key": self.key},
        })
    }

    /// For a server that shows it and speaks these protocols.
    pub fn acceptor(&self, alpn: &[&str]) -> TlsAcceptor {
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap();
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.der()], key)
            .unwrap();
        config.alpn_protocols = protocols(alpn);
        TlsAcceptor::from(Arc::new(config))
    }
}

fn protocols(alpn: &[&str]) -> Vec<Vec<u8>> {
    alpn.iter().map(|name| name.as_bytes().to_vec()).collect()
}

/// Takes every certificate: tests look at it themselves.
#[derive(Debug)]
struct Indifferent(Arc<CryptoProvider>);

impl ServerCertVerifier for Indifferent {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// One connection over TLS.
#[derive(Debug)]
pub struct Session {
    /// What the server showed.
    pub certificate: CertificateDer<'static>,
    /// What was agreed on; empty if nothing was.
    pub alpn: String,
    host: String,
    token: Option<String>,
    sender: Sender,
    /// The last answer said that this connection ends.
    closing: bool,
}

#[derive(Debug)]
enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Session {
    /// Connects, asks for `name` and offers `alpn`. A name that is an address is not sent.
    pub async fn open(address: SocketAddr, name: &str, alpn: &[&str]) -> Result<Self, String> {
        let provider = Arc::new(ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Indifferent(provider)))
            .with_no_client_auth();
        config.alpn_protocols = protocols(alpn);
        // Each session is to be shown a certificate.
        config.resumption = rustls::client::Resumption::disabled();
        let connecting = async {
            let stream = TcpStream::connect(address).await.map_err(|error| describe(&error))?;
            let server = ServerName::try_from(name.to_owned()).unwrap();
            let connector = TlsConnector::from(Arc::new(config));
            let stream = connector.connect(server, stream).await.map_err(|error| describe(&error))?;
            Self::over(stream, name).await
        };
        tokio::time::timeout(PATIENCE, connecting).await.unwrap_or_else(|_| Err("no handshake in time".to_owned()))
    }

    async fn over(stream: TlsStream<TcpStream>, host: &str) -> Result<Self, String> {
        let session = stream.get_ref().1;
        let certificate = session.peer_certificates().unwrap()[0].clone().into_owned();
        let alpn = String::from_utf8(session.alpn_protocol().unwrap_or_default().to_vec()).unwrap();
        let sender = if alpn == "h2" {
            let made = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
            let (sender, connection) = made.map_err(|error| describe(&error))?;
            tokio::spawn(connection);
            Sender::Http2(sender)
        } else {
            let (sender, connection) =
                http1::handshake(TokioIo::new(stream)).await.map_err(|error| describe(&error))?;
            tokio::spawn(connection);
            Sender::Http1(sender)
        };
        Ok(Self { certificate, alpn, host: host.to_owned(), token: None, sender, closing: false })
    }

    /// Sends this token with each request.
    pub fn with_token(self, token: &str) -> Self {
        Self { token: Some(format!("Bearer {token}")), ..self }
    }

    /// Whether the last answer said that this connection ends.
    pub fn is_closing(&self) -> bool {
        self.closing
    }

    /// GET on this very connection.
    pub async fn get(&mut self, path: &str) -> Result<(StatusCode, String), String> {
        let exchange = async {
            let shown = |request: http::request::Builder| match &self.token {
                Some(token) => request.header("authorization", token),
                None => request,
            };
            let response = match &mut self.sender {
                Sender::Http1(sender) => {
                    sender.ready().await.map_err(|error| describe(&error))?;
                    let request = shown(Request::get(path).header("host", &self.host));
                    sender.send_request(request.body(Full::default()).unwrap()).await
                }
                Sender::Http2(sender) => {
                    sender.ready().await.map_err(|error| describe(&error))?;
                    let request = shown(Request::get(format!("https://{}{path}", self.host)));
                    sender.send_request(request.body(Full::default()).unwrap()).await
                }
            };
            let (head, body) = response.map_err(|error| describe(&error))?.into_parts();
            self.closing = head.headers.get("connection").is_some_and(|value| value == "close");
            let body = body.collect().await.map_err(|error| describe(&error))?.to_bytes();
            Ok((head.status, String::from_utf8_lossy(&body).into_owned()))
        };
        tokio::time::timeout(PATIENCE, exchange).await.unwrap_or_else(|_| Err("no answer in time".to_owned()))
    }
}
