//! What a certificate says of whom.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ring::digest::{SHA256, digest};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::time::ASN1Time;

use crate::material::MaterialError;

/// What a certificate says of whom (RFC 5280, section 4.1.2). Who verified its chain is another matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The first common name of its subject.
    pub common_name: Option<String>,
    /// The organizations of its subject.
    pub organizations: Vec<String>,
    /// The URIs among its subject's alternative names.
    pub uris: Vec<String>,
    /// From when on it holds.
    pub not_before: SystemTime,
    /// Until when it holds.
    pub not_after: SystemTime,
    /// SHA-256 of the certificate, in hexadecimal digits.
    pub fingerprint: String,
    /// Whether it may sign others.
    pub is_authority: bool,
    /// Its public key, as it stands in the certificate (SubjectPublicKeyInfo).
    pub public_key: Vec<u8>,
}

impl Statement {
    /// Reads a certificate.
    ///
    /// # Errors
    /// When it is no certificate of X.509, or its names are not text.
    pub fn of(der: &[u8]) -> Result<Self, MaterialError> {
        let (_, certificate) = X509Certificate::from_der(der).map_err(|_| MaterialError::Certificate)?;
        let text = |value: &x509_parser::x509::AttributeTypeAndValue<'_>| {
            value.as_str().map(str::to_owned).map_err(|_| MaterialError::Certificate)
        };
        let subject = certificate.subject();
        let names = certificate.subject_alternative_name().map_err(|_| MaterialError::Certificate)?;
        let names = names.into_iter().flat_map(|extension| &extension.value.general_names);
        let uris =
            names.filter_map(|name| if let GeneralName::URI(uri) = name { Some((*uri).to_owned()) } else { None });
        let constraints = certificate.basic_constraints().map_err(|_| MaterialError::Certificate)?;
        Ok(Self {
            common_name: subject.iter_common_name().next().map(text).transpose()?,
            organizations: subject.iter_organization().map(text).collect::<Result<_, _>>()?,
            uris: uris.collect(),
            not_before: time(certificate.validity().not_before),
            not_after: time(certificate.validity().not_after),
            fingerprint: fingerprint(der),
            is_authority: constraints.is_some_and(|constraints| constraints.value.ca),
            public_key: certificate.public_key().raw.to_vec(),
        })
    }

    /// How long it holds in all.
    #[must_use]
    pub fn life(&self) -> Duration {
        self.not_after.duration_since(self.not_before).unwrap_or_default()
    }

    /// How long it still holds; nothing where it does not any more.
    #[must_use]
    pub fn left(&self, now: SystemTime) -> Duration {
        self.not_after.duration_since(now).unwrap_or_default()
    }
}

/// SHA-256 of bytes, in hexadecimal digits.
#[must_use]
pub fn fingerprint(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Times before 1970 are of no use to anyone, and are taken for 1970.
fn time(time: ASN1Time) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(time.timestamp()).unwrap_or_default())
}

#[cfg(test)]
mod tests;
