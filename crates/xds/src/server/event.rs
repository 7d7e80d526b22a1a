use std::fmt;
use std::sync::Arc;

use backstay_proto::discovery::Any;

use super::peer::Peer;

/// Identifies a stream. Unique within a process, never reused: one node may have several streams at once, an old
/// half-open one among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

/// What happened on a stream. For each stream [`Event::Opened`] comes first and [`Event::Closed`] last, exactly once.
#[derive(Clone, Debug)]
pub enum Event {
    /// The source let the peer subscribe.
    Opened {
        /// Who it is.
        peer: Peer,
        /// The type that its first request asks for. Others that it asks for later are known by what is told of them.
        type_url: Arc<str>,
    },
    /// A response is on its way.
    Sent {
        /// The type it is about.
        type_url: Arc<str>,
        /// Revision of the snapshot it was made from. Parts of a split response may be from different revisions.
        revision: u64,
        /// Identifies the response on this stream.
        nonce: Arc<str>,
        /// Name and version of each resource in it.
        resources: Arc<[(Arc<str>, Arc<str>)]>,
        /// Names it says do not exist.
        removed: Arc<[Arc<str>]>,
    },
    /// The client applied all of a response (ACK).
    Acknowledged {
        /// As in [`Event::Sent`].
        type_url: Arc<str>,
        /// As in [`Event::Sent`].
        nonce: Arc<str>,
        /// As in [`Event::Sent`].
        revision: u64,
        /// As in [`Event::Sent`].
        resources: Arc<[(Arc<str>, Arc<str>)]>,
        /// As in [`Event::Sent`].
        removed: Arc<[Arc<str>]>,
    },
    /// The client refused a response, or some of it (NACK).
    Rejected {
        /// As in [`Event::Sent`].
        type_url: Arc<str>,
        /// As in [`Event::Sent`].
        nonce: Arc<str>,
        /// As in [`Event::Sent`].
        revision: u64,
        /// As in [`Event::Sent`]: everything that was in the response, refused or not.
        resources: Arc<[(Arc<str>, Arc<str>)]>,
        /// As in [`Event::Sent`].
        removed: Arc<[Arc<str>]>,
        /// What was not applied, once for each fault that the client names. All of `resources` if `partial` is false.
        rejected: Vec<Rejection>,
        /// Whether the client named what it refused. Then it applied the rest, the removals included. Otherwise it may have
        /// applied anything, and has to be taken to have applied nothing.
        partial: bool,
        /// The client's words for the whole, cut to [`Options::max_message_bytes`](super::Options::max_message_bytes).
        message: String,
        /// The details as they came.
        details: Vec<Any>,
    },
    /// The client refused a response and did not say what of it. Its resources are sent again in smaller parts, and what
    /// becomes of each is told as [`Event::Acknowledged`] or [`Event::Rejected`] of these.
    Searching {
        /// As in [`Event::Sent`].
        type_url: Arc<str>,
        /// As in [`Event::Sent`].
        nonce: Arc<str>,
        /// As in [`Event::Sent`].
        revision: u64,
        /// As in [`Event::Sent`].
        resources: Arc<[(Arc<str>, Arc<str>)]>,
        /// The client's words for the whole, cut to [`Options::max_message_bytes`](super::Options::max_message_bytes).
        message: String,
    },
    /// The client has not answered a response in time, and what waited for the answer goes on without it.
    Late {
        /// As in [`Event::Sent`].
        type_url: Arc<str>,
        /// As in [`Event::Sent`].
        nonce: Arc<str>,
    },
    /// The client has begun anew with a type on the same stream, and will not answer this response any more.
    Abandoned {
        /// As in [`Event::Sent`].
        type_url: Arc<str>,
        /// As in [`Event::Sent`].
        nonce: Arc<str>,
    },
    /// Everything the client subscribed to, as of `revision`, was sent and answered. Told once for each revision that the
    /// stream gets to see, also if the revision did not concern it; revisions may be skipped. What the client refused
    /// was told before.
    Synchronized {
        /// The type this is about.
        type_url: Arc<str>,
        /// Revision of the snapshot.
        revision: u64,
    },
    /// The stream ended, from either side.
    Closed,
}

/// One resource that a client did not apply, and a fault of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Its name.
    pub name: Arc<str>,
    /// The version that was sent and refused.
    pub version: Arc<str>,
    /// Path of the field at fault; empty if the client did not say.
    pub field: String,
    /// The client's words.
    pub message: String,
}
