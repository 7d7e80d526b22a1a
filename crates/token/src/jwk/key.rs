//! One key.

use std::fmt;

use ring::hmac;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde_json::{Map, Value};

use super::member::{bytes, text};
use crate::Algorithm;

/// Bits that the modulus of an RSA key may have (RFC 7518, 3.3; more would cost time and say no more).
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A key that tokens are verified with.
#[derive(Clone, PartialEq)]
pub(crate) struct Key {
    material: Material,
    /// The only algorithm that it is for, if it says so.
    algorithm: Option<String>,
}

#[derive(Clone, PartialEq)]
enum Material {
    Hmac(Vec<u8>),
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// As a point that is not compressed.
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

impl Key {
    /// Reads a member of a key set; `None` when no token can be verified with it.
    pub(crate) fn read(key: &Map<String, Value>) -> Option<Self> {
        if text(key, "use").is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        if let Some(Value::Array(operations)) = key.get("key_ops")
            && !operations.iter().any(|one| matches!(one.as_str(), Some("verify" | "sign")))
        {
            return None;
        }
        let material = match (text(key, "kty")?, text(key, "crv")) {
            ("oct", _) => Material::Hmac(bytes(key, "k").filter(|secret| !secret.is_empty())?),
            ("RSA", _) => {
                let (n, e) = (strip(bytes(key, "n")?), strip(bytes(key, "e")?));
                let leading = n.first()?.leading_zeros();
                let bits = (n.len() * 8).checked_sub(usize::try_from(leading).ok()?)?;
                if !RSA_BITS.contains(&bits) || e.is_empty() {
                    return None;
                }
                Material::Rsa { n, e }
            }
            ("EC", Some("P-256")) => Material::P256(point(key, 32)?),
            ("EC", Some("P-384")) => Material::P384(point(key, 48)?),
            ("OKP", Some("Ed25519")) => Material::Ed25519(bytes(key, "x").filter(|x| x.len() == 32)?),
            _ => return None,
        };
        Some(Self { material, algorithm: text(key, "alg").map(str::to_owned) })
    }

    /// Whether `signed` was signed with it and with `algorithm`. A key of another type than the algorithm's signs nothing, nor does
    /// one that is for another algorithm.
    pub(crate) fn verify(&self, algorithm: Algorithm, signed: &[u8], mark: &[u8]) -> bool {
        if self.algorithm.as_ref().is_some_and(|only| only != algorithm.name()) {
            return false;
        }
        match (&self.material, algorithm) {
            (Material::Hmac(secret), Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512) => {
                let Some(hash) = algorithm.hmac() else { return false };
                hmac::verify(&hmac::Key::new(hash, secret), signed, mark).is_ok()
            }
            (Material::Rsa { n, e }, _) => {
                let parameters = match algorithm {
                    Algorithm::RS256 => &signature::RSA_PKCS1_2048_8192_SHA256,
                    Algorithm::RS384 => &signature::RSA_PKCS1_2048_8192_SHA384,
                    Algorithm::RS512 => &signature::RSA_PKCS1_2048_8192_SHA512,
                    Algorithm::PS256 => &signature::RSA_PSS_2048_8192_SHA256,
                    Algorithm::PS384 => &signature::RSA_PSS_2048_8192_SHA384,
                    Algorithm::PS512 => &signature::RSA_PSS_2048_8192_SHA512,
                    _ => return false,
                };
                RsaPublicKeyComponents { n, e }.verify(parameters, signed, mark).is_ok()
            }
            (Material::P256(point), Algorithm::ES256) => {
                UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point).verify(signed, mark).is_ok()
            }
            (Material::P384(point), Algorithm::ES384) => {
                UnparsedPublicKey::new(&signature::ECDSA_P384_SHA384_FIXED, point).verify(signed, mark).is_ok()
            }
            (Material::Ed25519(point), Algorithm::EdDSA) => {
                UnparsedPublicKey::new(&signature::ED25519, point).verify(signed, mark).is_ok()
            }
            _ => false,
        }
    }
}

/// A secret key may be among them.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.material {
            Material::Hmac(_) => "oct",
            Material::Rsa { .. } => "RSA",
            Material::P256(_) => "P-256",
            Material::P384(_) => "P-384",
            Material::Ed25519(_) => "Ed25519",
        };
        f.debug_struct("Key").field("kind", &kind).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// A number without zeros at its beginning.
pub(crate) fn strip(number: Vec<u8>) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.into_iter().skip(zeros).collect()
}

/// A point of a curve whose coordinates have `size` bytes.
fn point(key: &Map<String, Value>, size: usize) -> Option<Vec<u8>> {
    let mut point = vec![4];
    for name in ["x", "y"] {
        let coordinate = strip(bytes(key, name)?);
        point.resize(point.len() + size.checked_sub(coordinate.len())?, 0);
        point.extend(coordinate);
    }
    Some(point)
}
