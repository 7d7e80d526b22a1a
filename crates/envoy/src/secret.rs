//! Certificates and authorities, as they are sent apart from what uses them: a certificate that is renewed changes no listener.

use backstay_proto::config::{self, secret};
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3 as tls;

use crate::wire::{ads, inline};

/// The secret called `name`; `None` of one that holds nothing.
pub(crate) fn secret(name: &str, secret: &config::Secret) -> Option<tls::Secret> {
    let content = match secret.kind.as_ref()? {
        secret::Kind::Certificate(pair) => tls::secret::Type::TlsCertificate(tls::TlsCertificate {
            certificate_chain: inline(pair.chain.clone()),
            private_key: inline(pair.private_key.clone()),
            ..Default::default()
        }),
        secret::Kind::CertificateAuthority(authority) => {
            tls::secret::Type::ValidationContext(tls::CertificateValidationContext {
                trusted_ca: inline(authority.bundle.clone()),
                ..Default::default()
            })
        }
    };
    Some(tls::Secret { name: name.to_owned(), r#type: Some(content) })
}

/// A reference to a secret.
pub(crate) fn reference(name: &str) -> tls::SdsSecretConfig {
    tls::SdsSecretConfig { name: name.to_owned(), sds_config: ads() }
}
