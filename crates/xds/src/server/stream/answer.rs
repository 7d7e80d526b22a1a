use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use backstay_proto::discovery::Status;

use crate::refusal;
use crate::server::subscription::Draft;
use crate::server::{Event, Rejection};

/// A response that the client has not answered yet.
pub(super) struct InFlight {
    pub(super) nonce: Arc<str>,
    revision: u64,
    pub(super) resources: Arc<[(Arc<str>, Arc<str>)]>,
    pub(super) removed: Arc<[Arc<str>]>,
    /// The size of its resources.
    pub(super) bytes: usize,
    /// Others no longer wait for the answer.
    pub(super) late: bool,
    /// It holds a part of what was refused.
    pub(super) is_again: bool,
    /// See [`Draft::shared`].
    _shared: Option<Arc<dyn Any + Send + Sync>>,
}

/// What the client says of a response.
pub(super) struct Answer {
    /// It refuses it.
    pub(super) error: Option<Status>,
    /// To how many bytes its words are cut.
    pub(super) max_message: usize,
}

impl InFlight {
    pub(super) fn new(nonce: Arc<str>, revision: u64, draft: &Draft) -> Self {
        let Draft { part, removed, is_again, shared, .. } = draft;
        let (resources, bytes, removed) = (part.resources.clone(), part.body.len(), removed.clone());
        Self { nonce, revision, resources, removed, bytes, late: false, is_again: *is_again, _shared: shared.clone() }
    }

    pub(super) fn sent(&self, type_url: Arc<str>) -> Event {
        Event::Sent {
            type_url,
            revision: self.revision,
            nonce: self.nonce.clone(),
            resources: self.resources.clone(),
            removed: self.removed.clone(),
        }
    }

    /// What the answer means. It is the presence of an error that makes it a refusal, whatever the error says. Where that names
    /// nothing, `search` is asked whether it will find out, given the names, and whether they were sent for that already.
    pub(super) fn answered(
        self,
        type_url: Arc<str>,
        Answer { error, max_message }: Answer,
        search: impl FnOnce(&[Arc<str>], bool) -> bool,
    ) -> Event {
        let Self { nonce, revision, resources, removed, is_again, .. } = self;
        let Some(error) = error else {
            return Event::Acknowledged { type_url, nonce, revision, resources, removed };
        };
        let message = cut(error.message, max_message);
        let named = named(&resources, &error.details, max_message);
        let partial = !named.is_empty();
        let names = || resources.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        let rejected = if partial {
            named
        } else if search(&names(), is_again) {
            return Event::Searching { type_url, nonce, revision, resources, message };
        } else {
            let whole = |(name, version): &(Arc<str>, Arc<str>)| Rejection {
                name: name.clone(),
                version: version.clone(),
                field: String::new(),
                message: message.clone(),
            };
            resources.iter().map(whole).collect()
        };
        let details = error.details;
        Event::Rejected { type_url, nonce, revision, resources, removed, rejected, partial, message, details }
    }
}

/// How many faults of one resource are heard. A client of ours names 16, and that there are more.
const FAULTS_HEARD: usize = 17;

/// What the details say of resources of the response, once for each fault. A client that names none of them, or
/// none at all, has not said what it did apply.
fn named(
    resources: &[(Arc<str>, Arc<str>)],
    details: &[backstay_proto::discovery::Any],
    max_message: usize,
) -> Vec<Rejection> {
    let Some(rejections) = refusal::rejections(details) else { return Vec::new() };
    let mut sent: HashMap<_, _> = resources.iter().map(|pair| (&*pair.0, (pair, 0_usize))).collect();
    let matching = rejections.into_iter().filter_map(|rejection| {
        let (pair, heard) = sent.get_mut(rejection.name.as_str())?;
        *heard += 1;
        let (name, version) = (*heard <= FAULTS_HEARD).then(|| pair.clone())?;
        let (field, message) = (cut(rejection.field, max_message), cut(rejection.message, max_message));
        Some(Rejection { name, version, field, message })
    });
    matching.collect()
}

/// Shortens a text from the client, which may be as long as a request, to `max` bytes at most.
fn cut(mut text: String, max: usize) -> String {
    if text.len() > max {
        text.truncate(text.floor_char_boundary(max));
        text.shrink_to_fit();
    }
    text
}
