//! Where the next page of a list begins.

use backstay_store::{Key, Prefix};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::status::Failure;

/// What a `continue` token says. Opaque to clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    /// Revision that the list is read at; 0 is the newest, for lists that gave up being consistent.
    #[serde(rename = "rv")]
    pub(crate) revision: u64,
    /// The last key of the page before.
    after: String,
}

impl Token {
    pub(crate) fn new(revision: u64, after: &Key) -> Self {
        Self { revision, after: after.as_str().to_owned() }
    }

    /// Reads a token that was given out for a list of `prefix`.
    pub(crate) fn parse(text: &str, prefix: &Prefix) -> Result<(Self, Key), Failure> {
        let token = URL_SAFE_NO_PAD.decode(text).ok().and_then(|json| serde_json::from_slice::<Self>(&json).ok());
        let parsed = token.and_then(|token| {
            let key = Key::parse(&token.after).filter(|key| prefix.contains(key))?;
            Some((token, key))
        });
        parsed.ok_or_else(|| Failure::bad_request("continue key is not valid"))
    }

    pub(crate) fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// The same place in a list of what is stored now.
    pub(crate) fn inconsistent(&self) -> String {
        Self { revision: 0, after: self.after.clone() }.encode()
    }
}
