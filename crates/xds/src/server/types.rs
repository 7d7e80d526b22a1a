//! What the protocol leaves to the type of a resource.

use std::sync::Arc;

/// How one type is served, and what it waits for. Types are served in the order of [`Options::types`](super::Options::types): in
/// each change those that others refer to come first, and what is removed of them goes last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypeRule {
    /// Which type.
    pub type_url: Arc<str>,
    /// Of state of the world: each response holds all that the client is subscribed to, and what is missing is gone. Of other types
    /// responses hold what changed, and nothing tells that a resource is gone.
    pub full_state: bool,
    /// Later types are not updated before the client has answered what was sent of this one, or has taken longer for it than
    /// [`Options::answer_timeout`](super::Options::answer_timeout).
    pub gates: bool,
    /// What is gone is not taken from the client before later types, which may refer to it, are up to date.
    pub removed_last: bool,
    /// Resources are sent again after each change of the resource of that type which they belong to (see
    /// [`Resource::with_dependent`](crate::Resource::with_dependent)), and whenever a client repeats a request of state of the
    /// world: it waits for them. They do not wait for the answer to that type.
    pub resend_after: Option<Arc<str>>,
    /// Size from which its responses are split, if it is not [`Options::max_response_bytes`](super::Options::max_response_bytes):
    /// resources that refer to others of their own type had better arrive together.
    pub response_bytes: Option<usize>,
    /// Incremental clients are not told that a resource does not exist: they could not bear it.
    pub silent_absence: bool,
    /// Resources belong to those of that type by whose name they are called, followed by a slash and a last part without one. They are sent
    /// again after each response with the resource that they belong to: a client takes none of what it does not know. That they are gone is
    /// only said while the resource is there: without it, whatever the client still has of it stays whole.
    pub members_of: Option<Arc<str>>,
    /// What a client refuses without naming it is sent again in halves, until what is at fault is known, and the rest
    /// is in place. In state of the world that is only done where responses hold what changed: of those that hold everything, half would
    /// take the other half away.
    pub isolates: bool,
}

impl TypeRule {
    /// A type about which nothing is known: no type waits for it, and it waits for none.
    pub fn of(type_url: &str) -> Self {
        Self { type_url: type_url.into(), ..Self::default() }
    }
}
