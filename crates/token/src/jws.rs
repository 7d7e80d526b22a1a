//! Tokens in their compact form (RFC 7515, 7.1).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::jwk::{Key, KeyIdentity};
use crate::{Algorithm, Claims, KeySet, Refusal, json};

/// Most that a token may be, in bytes. Servers seldom take heads that are longer than twice this.
pub const MAX_TOKEN: usize = 16 << 10;

/// What a token is known by where it must not be kept: its SHA-256.
#[must_use]
pub fn fingerprint(token: &str) -> [u8; 32] {
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, token.as_bytes()).as_ref());
    fingerprint
}

/// A token of which nothing has been verified: nothing that it says may be believed, but which key it names.
#[derive(Debug)]
pub struct Unverified<'t> {
    header: Map<String, Value>,
    /// What is signed: header and payload as they are written.
    signed: &'t str,
    payload: &'t str,
    signature: Vec<u8>,
}

impl<'t> Unverified<'t> {
    /// Reads a token.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] when it is not in its compact form, and [`Refusal::Critical`] when it has extensions that must be
    /// understood: there is none that is.
    pub fn read(token: &'t str) -> Result<Self, Refusal> {
        if token.len() > MAX_TOKEN {
            return Err(Refusal::Malformed("it is too long"));
        }
        let parts = token.rsplit_once('.').and_then(|(signed, signature)| {
            let (header, payload) = signed.split_once('.')?;
            (!payload.contains('.')).then_some((header, payload, signed, signature))
        });
        let Some((header, payload, signed, signature)) = parts else {
            return Err(Refusal::Malformed("it does not have three parts"));
        };
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| Refusal::Malformed("its header is not base64url"))?;
        let header = json::object(&header).ok_or(Refusal::Malformed("its header is not an object"))?;
        if header.contains_key("crit") || header.get("b64").is_some_and(|plain| *plain != Value::Bool(true)) {
            return Err(Refusal::Critical);
        }
        let signature =
            URL_SAFE_NO_PAD.decode(signature).map_err(|_| Refusal::Malformed("its signature is not base64url"))?;
        Ok(Self { header, signed, payload, signature })
    }

    /// Whether it says that it is signed with `algorithm`.
    #[must_use]
    pub fn is_signed_with(&self, algorithm: Algorithm) -> bool {
        self.text("alg") == Some(algorithm.name())
    }

    /// The identity of its key. A token that names none means the key that has none.
    #[must_use]
    pub fn key(&self, identity: KeyIdentity) -> Cow<'_, str> {
        let id = self.text("kid").unwrap_or_default();
        match identity {
            KeyIdentity::Id => Cow::Borrowed(id),
            KeyIdentity::Thumbprint => Cow::Borrowed(self.text("x5t").unwrap_or(id)),
            KeyIdentity::Both => Cow::Owned(format!("{id}{}", self.text("x5t").unwrap_or(id))),
        }
    }

    /// What it says, once its signature has been verified with one of `keys`.
    ///
    /// # Errors
    /// When it is signed in another way, when none of the keys is the one that it names, when the signature is wrong, and when
    /// what is signed is not a set of claims.
    pub fn verify(&self, algorithm: Algorithm, keys: &KeySet) -> Result<Claims, Refusal> {
        if !self.is_signed_with(algorithm) {
            return Err(Refusal::Algorithm);
        }
        let mut refusal = Refusal::UnknownKey;
        for key in keys.named(&self.key(keys.identity())) {
            if self.is_signed_by(algorithm, key) {
                return self.claims();
            }
            refusal = Refusal::Signature;
        }
        Err(refusal)
    }

    fn is_signed_by(&self, algorithm: Algorithm, key: &Key) -> bool {
        key.verify(algorithm, self.signed.as_bytes(), &self.signature)
    }

    fn claims(&self) -> Result<Claims, Refusal> {
        let payload =
            URL_SAFE_NO_PAD.decode(self.payload).map_err(|_| Refusal::Malformed("its payload is not base64url"))?;
        let members = json::object(&payload).ok_or(Refusal::Malformed("its payload is not an object"))?;
        Claims::new(members)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.header.get(name)?.as_str()
    }
}

#[cfg(test)]
mod tests;
