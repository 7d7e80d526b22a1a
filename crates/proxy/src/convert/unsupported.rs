//! Fields of the contract that this proxy does not honour: a backend that has one set is refused, never served without it.

use backstay_proto::config::{Backend, ClientTls};

use super::fault::{Checked, Fault};

/// Refuses the first field that is set and not honoured.
pub(super) fn check(backend: &Backend) -> Checked<()> {
    let mut set = vec![("health_checks", !backend.health_checks.is_empty())];
    if let Some(tls) = &backend.tls {
        let honoured = ClientTls {
            sni: tls.sni.clone(),
            verified_name: tls.verified_name.clone(),
            ca_secret: tls.ca_secret.clone(),
            ..ClientTls::default()
        };
        set.push(("tls", *tls != honoured));
    }
    match set.into_iter().find(|(_, is_set)| *is_set) {
        Some((field, _)) => Err(Fault::unknown(field)),
        None => Ok(()),
    }
}
