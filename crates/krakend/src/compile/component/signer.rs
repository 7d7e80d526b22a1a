//! `auth/signer`: members of the response become tokens.

use backstay_proto::config;
use backstay_token::{Form, Signer, SignerError};

use super::keys::{self, Keys};
use super::option::Unreadable;
use super::validator;
use crate::compile::written::Component;

/// Which members of an endpoint's response become tokens.
pub(super) fn compile(component: Component<'_>) -> Option<config::TokenSigning> {
    signing(component).ok().flatten()
}

fn signing(component: Component<'_>) -> Result<Option<config::TokenSigning>, Unreadable> {
    let algorithm = validator::algorithm(component)?;
    let key_id = component.text_of("kid")?.unwrap_or_default();
    let members = component.texts_of("keys_to_sign")?;
    let full = component.truth_of("full")?;
    let unsigned = |message: &str| {
        component.report().not_served(component.place(), &component.path(), message);
        Err(Unreadable)
    };
    let document = match Keys::of(component)? {
        Keys::Here(Some(document)) => document,
        // Where there is no file at hand, nobody serves what is made.
        Keys::Here(None) => return Ok(None),
        Keys::Nowhere => {
            return unsigned(
                "KrakenD has no key here, and sends members unsigned: jwk_local_path needs disable_jwk_security to be true",
            );
        }
        Keys::There(_) => {
            return unsigned(
                "private keys are not fetched over a network: put the key set into a Secret that spec.files names, and its path \
                 into jwk_local_path",
            );
        }
    };
    let form = if full { Form::Json } else { Form::Compact };
    if let Err(error) = Signer::new(&document, key_id, algorithm, form) {
        let option = if error == SignerError::NoKeySet { "jwk_local_path" } else { "kid" };
        let place = component.any_case(option).map_or_else(|| component.place(), |entry| entry.place);
        let message = format!("the key set {error}");
        component.report().not_served(place, &component.path().key(option), message);
        return Err(Unreadable);
    }
    Ok(Some(config::TokenSigning {
        keys: Some(keys::inline(document)),
        algorithm: algorithm.name().to_owned(),
        key_id: key_id.to_owned(),
        members,
        full,
    }))
}
