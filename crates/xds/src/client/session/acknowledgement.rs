use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use backstay_proto::config;
use backstay_proto::discovery::{Any, DeltaDiscoveryRequest, Status};

use crate::client::{Rejection, Update};
use crate::refusal;

/// gRPC code of a refusal: INVALID_ARGUMENT.
const INVALID_ARGUMENT: i32 = 3;

/// How many rejections are spelled out in the message for people. All are in the details.
const SPELLED_OUT: usize = 8;

/// The acknowledgement of a response: an ACK unless something is rejected, else a NACK.
#[derive(Debug)]
pub struct Acknowledgement {
    type_url: Arc<str>,
    nonce: String,
    /// Versions of what was offered to the handler, by name.
    offered: HashMap<Arc<str>, Arc<str>>,
    rejections: Vec<config::Rejection>,
}

impl Acknowledgement {
    pub(super) fn new(type_url: Arc<str>, nonce: String) -> Self {
        Self { type_url, nonce, offered: HashMap::new(), rejections: Vec::new() }
    }

    pub(super) fn offer(&mut self, update: &Update) {
        self.offered.insert(update.name.clone(), update.version.clone());
    }

    pub(super) fn reject(&mut self, rejection: config::Rejection) {
        self.rejections.push(rejection);
    }

    /// Refuses the whole response.
    pub(super) fn refuse(self, message: &str) -> DeltaDiscoveryRequest {
        self.request(Some(error(message.to_owned(), Vec::new())))
    }

    /// The request to send: everything was applied but `rejections`. Those of names that were not in the response are
    /// dropped, with a warning.
    pub fn with(mut self, rejections: Vec<Rejection>) -> DeltaDiscoveryRequest {
        for Rejection { name, field, message } in rejections {
            let Some(version) = self.offered.get(&name) else {
                tracing::warn!(%name, field, message, "a resource was rejected that the response did not offer");
                continue;
            };
            let (name, version) = (name.as_ref().to_owned(), version.as_ref().to_owned());
            self.rejections.push(config::Rejection { name, version, field, message });
        }
        if self.rejections.is_empty() {
            return self.request(None);
        }
        let message = spell_out(&self.rejections);
        let details = refusal::details(std::mem::take(&mut self.rejections));
        self.request(Some(error(message, vec![details])))
    }

    fn request(self, error_detail: Option<Status>) -> DeltaDiscoveryRequest {
        DeltaDiscoveryRequest {
            type_url: self.type_url.as_ref().to_owned(),
            response_nonce: self.nonce,
            error_detail,
            ..DeltaDiscoveryRequest::default()
        }
    }
}

fn error(message: String, details: Vec<Any>) -> Status {
    Status { code: INVALID_ARGUMENT, message, details }
}

/// For a control plane that does not read our details.
fn spell_out(rejections: &[config::Rejection]) -> String {
    let mut text = String::new();
    for rejection in rejections.iter().take(SPELLED_OUT) {
        let separator = if text.is_empty() { "" } else { "; " };
        let field = if rejection.field.is_empty() { String::new() } else { format!("{}: ", rejection.field) };
        let _ = write!(text, "{separator}{}: {field}{}", rejection.name, rejection.message);
    }
    if rejections.len() > SPELLED_OUT {
        let _ = write!(text, "; and {} more", rejections.len() - SPELLED_OUT);
    }
    text
}
