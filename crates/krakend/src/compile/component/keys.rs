//! Where the keys of validators and signers are: `jwk_url` and `jwk_local_path`.

use backstay_proto::config::{self, key_set};
use bytes::Bytes;

use super::option::Unreadable;
use crate::compile::Trust;
use crate::compile::written::Component;

/// Options about keys that are refused.
const REFUSED: &[(&str, &str)] = &[
    (
        "secret_url",
        "keys are not decrypted with a service of a cloud: store them in a Secret, which spec.files can name",
    ),
    (
        "cypher_key",
        "keys are not decrypted with a service of a cloud: store them in a Secret, which spec.files can name",
    ),
    ("jwk_fingerprints", "certificates are not pinned: jwk_local_ca says whose certificates are trusted"),
    ("cipher_suites", "the suites for keys cannot be chosen: all that are safe are offered"),
];

/// Where keys are.
pub(super) enum Keys {
    /// Nowhere that KrakenD would take them from: it answers with errors alone.
    Nowhere,
    /// In a file, which is not at hand where a configuration is checked by itself.
    Here(Option<Bytes>),
    /// At a URL.
    There(config::RemoteKeySet),
}

impl Keys {
    /// Where the keys of a component are. What is wrong with that is told.
    pub(super) fn of(component: Component<'_>) -> Result<Self, Unreadable> {
        component.refuse_options(REFUSED)?;
        let insecure = component.truth_of("disable_jwk_security")?;
        let (url, file) = (component.text_of("jwk_url")?, component.text_of("jwk_local_path")?);
        // KrakenD compares the URL alone, also where there is a file.
        if !insecure && !url.is_some_and(|url| url.starts_with("https://")) {
            return Ok(Self::Nowhere);
        }
        if file.is_some() {
            let Some(entry) = component.any_case("jwk_local_path") else { return Err(Unreadable) };
            let path = component.path();
            let document = component.scope.file(file.unwrap_or_default(), entry.place, &path.key(&entry.key));
            return Ok(Self::Here(document));
        }
        let (Some(url), Some(entry)) = (url, component.any_case("jwk_url")) else { return Ok(Self::Nowhere) };
        let path = component.path();
        let authorities = match (component.text_of("jwk_local_ca")?, component.any_case("jwk_local_ca")) {
            (Some(file), Some(entry)) => component.scope.file(file, entry.place, &path.key(&entry.key)),
            _ => None,
        };
        let trust = Trust { insecure, authorities };
        let remote =
            component.scope.remote_trusting(url, &trust, entry.place, &path.key(&entry.key)).ok_or(Unreadable)?;
        Ok(Self::There(config::RemoteKeySet {
            backend: remote.target.backend,
            authority: remote.target.authority,
            target: remote.path,
            ..config::RemoteKeySet::default()
        }))
    }
}

/// A document as the keys of a message.
pub(super) fn inline(document: Bytes) -> config::KeySet {
    config::KeySet { source: Some(key_set::Source::Inline(document)) }
}

/// A place as the keys of a message.
pub(super) fn remote(remote: config::RemoteKeySet) -> config::KeySet {
    config::KeySet { source: Some(key_set::Source::Remote(remote)) }
}
