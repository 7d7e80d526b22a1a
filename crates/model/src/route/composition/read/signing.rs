//! Members of a response that become tokens.

use std::sync::Arc;

use backstay_composition::{Sign, Signing};
use backstay_proto::config::{self, key_set};
use backstay_token::{Form, Signer, SignerError};

use crate::fault::{Checked, Within, refuse, unknown};
use crate::route::guards::algorithm;

/// Signs with a key of the configuration.
#[derive(Debug)]
struct KeySigner(Signer);

impl Sign for KeySigner {
    fn sign(&self, payload: &[u8]) -> Option<String> {
        self.0.sign(payload)
    }
}

/// Which members are signed, and with what.
pub(super) fn signing(message: &config::TokenSigning) -> Checked<Signing> {
    let algorithm = algorithm(&message.algorithm)?;
    let form = if message.full { Form::Json } else { Form::Compact };
    let document = match message.keys.as_ref().and_then(|keys| keys.source.as_ref()) {
        None => unknown("source"),
        Some(key_set::Source::Remote(_)) => {
            refuse("remote", "private keys are not fetched: they come with the configuration")
        }
        Some(key_set::Source::Inline(document)) => Ok(document),
    };
    let document = document.within("keys")?;
    let signer = Signer::new(document, &message.key_id, algorithm, form).or_else(|error| match error {
        SignerError::NoKeySet => refuse("keys.inline", error.to_string()),
        SignerError::UnknownKey | SignerError::Unfit => refuse("key_id", format!("the key set {error}")),
    })?;
    Ok(Signing { members: message.members.clone(), signer: Arc::new(KeySigner(signer)) })
}
