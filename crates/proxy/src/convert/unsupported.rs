//! Fields of the contract that this proxy does not honour: a backend that has one set is refused, never served without it.

use backstay_proto::config::{Backend, ClientTls, Timeouts, backend};

use super::fault::{Checked, Fault};

/// Refuses the first field that is set and not honoured.
pub(super) fn check(backend: &Backend) -> Checked<()> {
    let mut set = vec![
        ("load_balancing", backend.load_balancing.is_some()),
        ("outlier_detection", backend.outlier_detection.is_some()),
        ("health_checks", !backend.health_checks.is_empty()),
        ("limits", backend.limits.is_some()),
        ("retries", backend.retries.is_some()),
        ("connections", backend.connections.is_some()),
        ("host", backend.host.is_some()),
    ];
    if let Some(Timeouts { first_byte, between_bytes, total, connect: _, idle: _ }) = &backend.timeouts {
        set.push(("timeouts.first_byte", first_byte.is_some()));
        set.push(("timeouts.between_bytes", between_bytes.is_some()));
        set.push(("timeouts.total", total.is_some()));
    }
    if let Some(tls) = &backend.tls {
        let honoured = ClientTls {
            sni: tls.sni.clone(),
            verified_name: tls.verified_name.clone(),
            ca_secret: tls.ca_secret.clone(),
            ..ClientTls::default()
        };
        set.push(("tls", *tls != honoured));
    }
    match &backend.discovery {
        Some(backend::Discovery::Static(list)) => {
            let plain = list.endpoints.iter().all(|endpoint| {
                (endpoint.weight, endpoint.priority, endpoint.health) == (0, 0, 0) && endpoint.locality.is_none()
            });
            set.push(("static.endpoints", !plain));
        }
        Some(backend::Discovery::DynamicForward(_)) | None => {}
    }
    match set.into_iter().find(|(_, is_set)| *is_set) {
        Some((field, _)) => Err(Fault::unknown(field)),
        None => Ok(()),
    }
}
