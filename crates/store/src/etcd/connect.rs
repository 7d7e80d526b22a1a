//! Connections to etcd's members.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint, Uri};

use super::options::{EtcdOptions, EtcdTls};

/// How often a connection is tried that says nothing, and how long an answer may take: a member that hangs is noticed by this.
const KEEPALIVE: Duration = Duration::from_secs(1);

/// A channel to a member, connected when it is first used and again whenever it broke.
pub(super) fn channel(member: &str, options: &EtcdOptions, tls: Option<&Arc<ClientConfig>>) -> io::Result<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{member}"))
        .map_err(io::Error::other)?
        .connect_timeout(options.try_timeout)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE)
        .keep_alive_while_idle(true);
    let Some(config) = tls else { return Ok(endpoint.connect_lazy()) };
    let connector = TlsConnector::from(config.clone());
    let given = options.tls.as_ref().and_then(|tls| tls.server_name.clone());
    let service = tower::service_fn(move |uri: Uri| {
        let (connector, given) = (connector.clone(), given.clone());
        async move {
            let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
            let name = ServerName::try_from(given.unwrap_or_else(|| host.to_owned())).map_err(io::Error::other)?;
            let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(2379))).await?;
            stream.set_nodelay(true)?;
            Ok::<_, io::Error>(TokioIo::new(connector.connect(name, stream).await?))
        }
    });
    Ok(endpoint.connect_with_connector_lazy(service))
}

/// What is said in TLS, and whom is believed.
pub(super) fn client_config(tls: &EtcdTls) -> io::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    match &tls.ca {
        Some(path) => {
            for certificate in CertificateDer::pem_file_iter(path).map_err(io::Error::other)? {
                roots.add(certificate.map_err(io::Error::other)?).map_err(io::Error::other)?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots);
    let mut config = match &tls.certificate {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = CertificateDer::pem_file_iter(certificate).map_err(io::Error::other)?;
            let chain = chain.collect::<Result<Vec<_>, _>>().map_err(io::Error::other)?;
            let key = PrivateKeyDer::from_pem_file(key).map_err(io::Error::other)?;
            builder.with_client_auth_cert(chain, key).map_err(io::Error::other)?
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}
