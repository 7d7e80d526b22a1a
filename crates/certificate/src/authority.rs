//! Whoever signs.

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PublicKeyData as _, SanType,
};
use rustls_pki_types::CertificateSigningRequestDer;

use crate::material::{MaterialError, Pair, Trust, certificates};
use crate::statement::Statement;

/// How long an authority that is made here holds: ten years, since whoever trusts it has to be told of another.
const AUTHORITY_LIFE: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// How much earlier than now certificates begin to hold, for machines whose clocks are behind.
const BACKDATED: Duration = Duration::from_secs(300);

/// Why something cannot be signed, or an authority cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// It is no certificate.
    #[error(transparent)]
    Material(#[from] MaterialError),
    /// A certificate that may not sign.
    #[error("its certificate is not that of an authority: basicConstraints must say CA:TRUE")]
    NoAuthority,
    /// A certificate that may sign, but not certificates.
    #[error("its certificate must have the key usage keyCertSign")]
    KeyUsage,
    /// A key of another certificate, or in a form that cannot sign.
    #[error("its private key must be that of the certificate, as PKCS#8: ECDSA on P-256 or P-384, Ed25519, or RSA")]
    Key,
    /// A request that cannot be read, or is not signed with the key that it is for.
    #[error("the request for a certificate cannot be read, or its signature is wrong")]
    Request,
    /// Nothing that a certificate can carry.
    #[error("{0:?} is nothing that a certificate can carry")]
    Name(String),
    /// The library refuses.
    #[error("cannot sign: {0}")]
    Sign(rcgen::Error),
}

/// An authority: its certificate, and the key that signs.
pub struct Authority {
    /// Its own certificate, and those between it and its root.
    chain: String,
    statement: Statement,
    issuer: Issuer<'static, KeyPair>,
}

impl fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Authority").field("fingerprint", &self.statement.fingerprint).finish_non_exhaustive()
    }
}

/// A certificate in PEM, and its key.
#[derive(Clone)]
pub struct Signed {
    /// The certificate, and those of the authority.
    pub chain: String,
    /// The key.
    pub key: String,
}

impl fmt::Debug for Signed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Signed")
    }
}

impl Authority {
    /// A new one, with a key on P-256, that signs nothing but certificates of others. Holds for ten years.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn generate(name: &str) -> Result<Self, AuthorityError> {
        let key = KeyPair::generate().map_err(AuthorityError::Sign)?;
        let mut params = params(AUTHORITY_LIFE);
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let chain = params.self_signed(&key).map_err(AuthorityError::Sign)?.pem();
        Self::from_pem(&chain, &key.serialize_pem())
    }

    /// Of a certificate, with those between it and its root, and its key.
    ///
    /// # Errors
    /// When they cannot be read, do not belong together, or may not sign.
    pub fn from_pem(chain: &str, key: &str) -> Result<Self, AuthorityError> {
        let certificates = certificates(chain.as_bytes())?;
        let first = certificates.first().ok_or(MaterialError::NoCertificate)?;
        let statement = Statement::of(first)?;
        if !statement.is_authority {
            return Err(AuthorityError::NoAuthority);
        }
        let key = KeyPair::from_pem(key).map_err(|_| AuthorityError::Key)?;
        if key.subject_public_key_info() != statement.public_key {
            return Err(AuthorityError::Key);
        }
        let issuer = Issuer::from_ca_cert_der(first, key).map_err(AuthorityError::Sign)?;
        if !issuer.key_usages().is_empty() && !issuer.key_usages().contains(&KeyUsagePurpose::KeyCertSign) {
            return Err(AuthorityError::KeyUsage);
        }
        Ok(Self { chain: chain.to_owned(), statement, issuer })
    }

    /// Its certificate, and those between it and its root, as PEM: what others trust.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.chain
    }

    /// Its key as PEM, to be kept.
    #[must_use]
    pub fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// What its certificate says.
    #[must_use]
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// Trust in it.
    ///
    /// # Errors
    /// When its certificate cannot be trusted.
    pub fn trust(&self) -> Result<Trust, AuthorityError> {
        Ok(Trust::from_pem(self.chain.as_bytes())?)
    }

    /// A certificate for a server with these names, which may be addresses.
    ///
    /// # Errors
    /// When a name is nothing that a certificate can carry.
    pub fn server(&self, names: &[String], life: Duration) -> Result<Pair, AuthorityError> {
        let mut params = self.leaf(life, ExtendedKeyUsagePurpose::ServerAuth);
        params.distinguished_name.push(DnType::CommonName, "backstay");
        for name in names {
            let unfit = || AuthorityError::Name(name.clone());
            params.subject_alt_names.push(match name.parse::<IpAddr>() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => SanType::DnsName(name.as_str().try_into().map_err(|_| unfit())?),
            });
        }
        let signed = self.signed(&params)?;
        Ok(Pair::from_pem(signed.chain.as_bytes(), signed.key.as_bytes())?)
    }

    /// A certificate with its key for a client that is called `uri`.
    ///
    /// # Errors
    /// When the URI is nothing that a certificate can carry.
    pub fn client(&self, uri: &str, life: Duration) -> Result<Signed, AuthorityError> {
        self.signed(&self.named(uri, life)?)
    }

    /// A certificate, as PEM with those of the authority, for a client that is called `uri` and, as its subject, `name`; its request
    /// (PKCS#10, in DER) has proved that it has the key. Nothing else is taken from the request.
    ///
    /// # Errors
    /// When the request cannot be read or does not prove that.
    pub fn answer(
        &self,
        request: &[u8],
        uri: &str,
        name: Option<&str>,
        life: Duration,
    ) -> Result<String, AuthorityError> {
        let request = CertificateSigningRequestDer::from(request);
        let request = CertificateSigningRequestParams::from_der(&request).map_err(|_| AuthorityError::Request)?;
        let mut params = self.named(uri, life)?;
        if let Some(name) = name {
            params.distinguished_name.push(DnType::CommonName, name);
        }
        let certificate = params.signed_by(&request.public_key, &self.issuer).map_err(AuthorityError::Sign)?;
        Ok(certificate.pem() + &self.chain)
    }

    fn named(&self, uri: &str, life: Duration) -> Result<CertificateParams, AuthorityError> {
        let mut params = self.leaf(life, ExtendedKeyUsagePurpose::ClientAuth);
        let name = uri.try_into().map_err(|_| AuthorityError::Name(uri.to_owned()))?;
        params.subject_alt_names.push(SanType::URI(name));
        Ok(params)
    }

    fn leaf(&self, life: Duration, usage: ExtendedKeyUsagePurpose) -> CertificateParams {
        // Nobody trusts it longer than its authority.
        let mut params = params(life.min(self.statement.left(SystemTime::now())));
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        params
    }

    fn signed(&self, params: &CertificateParams) -> Result<Signed, AuthorityError> {
        let key = KeyPair::generate().map_err(AuthorityError::Sign)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(AuthorityError::Sign)?;
        Ok(Signed { chain: certificate.pem() + &self.chain, key: key.serialize_pem() })
    }
}

fn params(life: Duration) -> CertificateParams {
    let mut params = CertificateParams::default();
    let now = SystemTime::now();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.not_before = (now - BACKDATED).into();
    params.not_after = (now + life).into();
    params
}

/// A new key, and a request for a certificate (PKCS#10, in DER) that proves to have it.
///
/// # Errors
/// When the system has no randomness.
pub fn request() -> Result<(String, Vec<u8>), AuthorityError> {
    let key = KeyPair::generate().map_err(AuthorityError::Sign)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    let request = params.serialize_request(&key).map_err(AuthorityError::Sign)?;
    Ok((key.serialize_pem(), request.der().to_vec()))
}

#[cfg(test)]
mod tests;
