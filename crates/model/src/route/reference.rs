//! References to backends.

use std::num::NonZeroU16;
use std::sync::Arc;

use backstay_proto::config;

use crate::fault::{Checked, Together, refuse};
use crate::name::{Kind, reference};

/// A reference to a backend: its name, and the port of its endpoints.
pub(super) type Reference<'a> = (&'a Arc<str>, Option<NonZeroU16>);

/// A backend that is named, and the port of its endpoints.
pub(super) fn backend_ref(message: &config::BackendRef) -> Checked<(Arc<str>, Option<NonZeroU16>)> {
    (reference(Kind::Backend, "backend", &message.backend), port(message.port)).together()
}

/// A port; 0 is none.
pub(super) fn port(port: u32) -> Checked<Option<NonZeroU16>> {
    let port = u16::try_from(port).or_else(|_| refuse("port", "must not be more than 65535"))?;
    Ok(NonZeroU16::new(port))
}
