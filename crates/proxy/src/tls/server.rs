//! TLS to clients.

use std::collections::HashMap;
use std::sync::Arc;

use backstay_model::{HostPattern, TlsTerms, tls_versions};
use backstay_upstream::tls::{TlsError, provider};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;

/// A server configuration that presents the certificates of `names` and offers HTTP/2, then HTTP/1.1, on these
/// terms.
///
/// # Errors
/// When rustls refuses the parameters.
pub fn server_config(names: ServerNames, terms: &TlsTerms) -> Result<Arc<ServerConfig>, TlsError> {
    let versions = tls_versions(terms.tls12, terms.tls13, &[]);
    let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(&versions)?;
    let builder = match &terms.client_authorities {
        None => builder.with_no_client_auth(),
        Some(authorities) => builder.with_client_cert_verifier(
            WebPkiClientVerifier::builder_with_provider(Arc::clone(authorities.roots()), provider()).build()?,
        ),
    };
    let mut config = builder.with_cert_resolver(Arc::new(names));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // Clients that come back skip most of the handshake; the keys change by themselves and never leave this process.
    config.ticketer = ring::Ticketer::new()?;
    Ok(Arc::new(config))
}

/// Certificates of a socket by server name: exact names, then wildcards from the longest, then the default.
#[derive(Debug, Default)]
pub struct ServerNames {
    exact: HashMap<Box<str>, Arc<CertifiedKey>>,
    /// By suffix with its leading dot.
    wildcard: HashMap<Box<str>, Arc<CertifiedKey>>,
    fallback: Option<Arc<CertifiedKey>>,
}

impl ServerNames {
    /// Presents `key` to clients that ask for a name in `pattern`; the first key given for a pattern stays.
    /// [`HostPattern::Any`] is for clients that ask for no name, or for one without a certificate.
    pub fn insert(&mut self, pattern: HostPattern, key: Arc<CertifiedKey>) {
        match pattern {
            HostPattern::Exact(name) => {
                self.exact.entry(name).or_insert(key);
            }
            HostPattern::Wildcard(suffix) => {
                self.wildcard.entry(suffix).or_insert(key);
            }
            HostPattern::Any => {
                self.fallback.get_or_insert(key);
            }
        }
    }

    /// The key for `name` (lower case), `None` when the client asked for none.
    pub fn get(&self, name: Option<&str>) -> Option<&Arc<CertifiedKey>> {
        name.and_then(|name| {
            self.exact.get(name).or_else(|| {
                name.match_indices('.')
                    .skip_while(|(at, _)| *at == 0)
                    .find_map(|(at, _)| self.wildcard.get(&name[at..]))
            })
        })
        .or(self.fallback.as_ref())
    }
}

impl ResolvesServerCert for ServerNames {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // rustls has checked that the name is a DNS name; it keeps the client's spelling.
        let name = hello.server_name().map(str::to_ascii_lowercase);
        self.get(name.as_deref()).cloned()
    }
}
