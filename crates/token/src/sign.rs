//! Tokens that are made here.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::SystemRandom;
use ring::rsa::{KeyPairComponents, PublicKeyComponents};
use ring::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, RsaEncoding, RsaKeyPair};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::algorithm::Family;
use crate::jwk::{MAX_KEY_SET, bytes, strip, text};
use crate::{Algorithm, json};

/// How tokens are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Three parts with dots between them (RFC 7515, 7.1).
    Compact,
    /// The flattened JSON (RFC 7515, 7.2.2).
    Json,
}

/// Why nothing can be signed. Nothing of the key is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignerError {
    /// The document is no key set.
    #[error("is not a JSON object with a list called \"keys\", in which no member of an object is there twice")]
    NoKeySet,
    /// No key has the identity that is wanted.
    #[error("has no key with that kid")]
    UnknownKey,
    /// The key cannot sign.
    #[error(
        "has a key with that kid that cannot sign with that algorithm: it is of another type, or not a private one, or broken"
    )]
    Unfit,
}

/// Signs with one key.
pub struct Signer {
    algorithm: Algorithm,
    form: Form,
    /// In base64url.
    header: String,
    material: Material,
    random: SystemRandom,
}

enum Material {
    Hmac(hmac::Key),
    Rsa(Box<RsaKeyPair>, &'static dyn RsaEncoding),
    Ecdsa(Box<EcdsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

impl Signer {
    /// Signs with the key called `id` of a key set.
    ///
    /// # Errors
    /// When there is no such key, or it cannot be used.
    pub fn new(document: &[u8], id: &str, algorithm: Algorithm, form: Form) -> Result<Self, SignerError> {
        if document.len() > MAX_KEY_SET {
            return Err(SignerError::NoKeySet);
        }
        let members = json::object(document).ok_or(SignerError::NoKeySet)?;
        let Some(Value::Array(keys)) = members.get("keys") else { return Err(SignerError::NoKeySet) };
        let mut named =
            keys.iter().filter_map(Value::as_object).filter(|key| text(key, "kid").unwrap_or_default() == id);
        let key = named.next().ok_or(SignerError::UnknownKey)?;
        let random = SystemRandom::new();
        let material = material(key, algorithm, &random).ok_or(SignerError::Unfit)?;
        let header = serde_json::json!({ "alg": algorithm.name(), "kid": id, "typ": "JWT" });
        let header = URL_SAFE_NO_PAD.encode(header.to_string());
        Ok(Self { algorithm, form, header, material, random })
    }

    /// A token with these bytes as its payload; `None` when there is no randomness to be had, which some algorithms need.
    #[must_use]
    pub fn sign(&self, payload: &[u8]) -> Option<String> {
        let payload = URL_SAFE_NO_PAD.encode(payload);
        let signed = format!("{}.{payload}", self.header);
        let mark = URL_SAFE_NO_PAD.encode(self.mark(signed.as_bytes())?);
        Some(match self.form {
            Form::Compact => format!("{signed}.{mark}"),
            // All three are base64url: nothing has to be escaped.
            Form::Json => format!(r#"{{"payload":"{payload}","protected":"{}","signature":"{mark}"}}"#, self.header),
        })
    }

    fn mark(&self, signed: &[u8]) -> Option<Vec<u8>> {
        Some(match &self.material {
            Material::Hmac(key) => hmac::sign(key, signed).as_ref().to_vec(),
            Material::Rsa(key, padding) => {
                let mut mark = vec![0; key.public().modulus_len()];
                key.sign(*padding, &self.random, signed, &mut mark).ok()?;
                mark
            }
            Material::Ecdsa(key) => key.sign(&self.random, signed).ok()?.as_ref().to_vec(),
            Material::Ed25519(key) => key.sign(signed).as_ref().to_vec(),
        })
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("algorithm", &self.algorithm).field("form", &self.form).finish_non_exhaustive()
    }
}

fn material(key: &Map<String, Value>, algorithm: Algorithm, random: &SystemRandom) -> Option<Material> {
    let kind = (text(key, "kty")?, text(key, "crv"));
    match (algorithm.family(), kind) {
        (Family::Hmac, ("oct", _)) => {
            let secret = bytes(key, "k").filter(|secret| !secret.is_empty())?;
            Some(Material::Hmac(hmac::Key::new(algorithm.hmac()?, &secret)))
        }
        (Family::Rsa, ("RSA", _)) => Some(Material::Rsa(Box::new(rsa(key)?), padding(algorithm)?)),
        (Family::P256, ("EC", Some("P-256"))) => ecdsa(key, &signature::ECDSA_P256_SHA256_FIXED_SIGNING, 32, random),
        (Family::P384, ("EC", Some("P-384"))) => ecdsa(key, &signature::ECDSA_P384_SHA384_FIXED_SIGNING, 48, random),
        (Family::Ed25519, ("OKP", Some("Ed25519"))) => {
            let pair = Ed25519KeyPair::from_seed_and_public_key(&bytes(key, "d")?, &bytes(key, "x")?).ok()?;
            Some(Material::Ed25519(Box::new(pair)))
        }
        _ => None,
    }
}

fn rsa(key: &Map<String, Value>) -> Option<RsaKeyPair> {
    let number = |name: &str| bytes(key, name).map(strip);
    RsaKeyPair::from_components(&KeyPairComponents {
        public_key: PublicKeyComponents { n: number("n")?, e: number("e")? },
        d: number("d")?,
        p: number("p")?,
        q: number("q")?,
        dP: number("dp")?,
        dQ: number("dq")?,
        qInv: number("qi")?,
    })
    .ok()
}

fn padding(algorithm: Algorithm) -> Option<&'static dyn RsaEncoding> {
    Some(match algorithm {
        Algorithm::RS256 => &signature::RSA_PKCS1_SHA256,
        Algorithm::RS384 => &signature::RSA_PKCS1_SHA384,
        Algorithm::RS512 => &signature::RSA_PKCS1_SHA512,
        Algorithm::PS256 => &signature::RSA_PSS_SHA256,
        Algorithm::PS384 => &signature::RSA_PSS_SHA384,
        Algorithm::PS512 => &signature::RSA_PSS_SHA512,
        _ => return None,
    })
}

fn ecdsa(
    key: &Map<String, Value>,
    algorithm: &'static EcdsaSigningAlgorithm,
    size: usize,
    random: &SystemRandom,
) -> Option<Material> {
    let padded = |name: &str| {
        let number = strip(bytes(key, name)?);
        let mut padded = vec![0; size.checked_sub(number.len())?];
        padded.extend(number);
        Some(padded)
    };
    let point = [vec![4], padded("x")?, padded("y")?].concat();
    let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &padded("d")?, &point, random).ok()?;
    Some(Material::Ecdsa(Box::new(pair)))
}

#[cfg(test)]
mod tests;
