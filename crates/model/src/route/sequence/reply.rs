//! How failures are worded.

use std::sync::Arc;

use backstay_proto::config::{self, local_reply};

use crate::fault::{Checked, Within, all, refuse, unknown};
use crate::route::reply::{Respond, respond};

/// Why there is no answer from a destination.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cause {
    /// No step selected one.
    NoDestination,
    /// The backend has no healthy endpoint.
    BackendUnhealthy,
    /// No member of the pool could serve.
    PoolUnhealthy,
    /// Too few members of the pool are healthy.
    QuorumNotReached,
    /// A limit of the backend is reached.
    ConnectionLimit,
    /// There was no connection in time.
    ConnectTimeout,
    /// There was no connection.
    ConnectFailure,
    /// The host name of the backend has no address.
    NameResolution,
    /// TLS with the endpoint failed.
    TlsFailure,
    /// The certificate of the endpoint is another host's.
    CertificateName,
    /// Nothing came in time.
    FirstByteTimeout,
    /// The connection ended, or what came was no response.
    ResponseBroken,
    /// All of it took too long.
    TotalTimeout,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::NoDestination,
        Self::BackendUnhealthy,
        Self::PoolUnhealthy,
        Self::QuorumNotReached,
        Self::ConnectionLimit,
        Self::ConnectTimeout,
        Self::ConnectFailure,
        Self::NameResolution,
        Self::TlsFailure,
        Self::CertificateName,
        Self::FirstByteTimeout,
        Self::ResponseBroken,
        Self::TotalTimeout,
    ];

    /// The word for it in headers, logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoDestination => "no_destination",
            Self::BackendUnhealthy => "backend_unhealthy",
            Self::PoolUnhealthy => "pool_unhealthy",
            Self::QuorumNotReached => "quorum_not_reached",
            Self::ConnectionLimit => "connection_limit",
            Self::ConnectTimeout => "connect_timeout",
            Self::ConnectFailure => "connect_failure",
            Self::NameResolution => "name_resolution",
            Self::TlsFailure => "tls_failure",
            Self::CertificateName => "certificate_name",
            Self::FirstByteTimeout => "first_byte_timeout",
            Self::ResponseBroken => "response_broken",
            Self::TotalTimeout => "total_timeout",
        }
    }

    fn read(message: i32) -> Option<Self> {
        use local_reply::Cause;
        Some(match Cause::try_from(message).ok()? {
            Cause::Unspecified => return None,
            Cause::NoDestination => Self::NoDestination,
            Cause::BackendUnhealthy => Self::BackendUnhealthy,
            Cause::PoolUnhealthy => Self::PoolUnhealthy,
            Cause::QuorumNotReached => Self::QuorumNotReached,
            Cause::ConnectionLimit => Self::ConnectionLimit,
            Cause::ConnectTimeout => Self::ConnectTimeout,
            Cause::ConnectFailure => Self::ConnectFailure,
            Cause::NameResolution => Self::NameResolution,
            Cause::TlsFailure => Self::TlsFailure,
            Cause::CertificateName => Self::CertificateName,
            Cause::FirstByteTimeout => Self::FirstByteTimeout,
            Cause::ResponseBroken => Self::ResponseBroken,
            Cause::TotalTimeout => Self::TotalTimeout,
        })
    }
}

/// The answer to a failure.
pub type LocalReply = Arc<Respond>;

/// The answers to failures, by cause.
#[derive(Clone, Debug, Default)]
pub struct LocalReplies([Option<LocalReply>; Cause::ALL.len()]);

impl LocalReplies {
    /// The answer to a failure with this cause; `None`: as elsewhere.
    #[must_use]
    pub fn get(&self, cause: Cause) -> Option<&LocalReply> {
        self.0.get(cause as usize).and_then(Option::as_ref)
    }
}

pub(super) fn replies(messages: &[config::LocalReply]) -> Checked<LocalReplies> {
    let replies =
        messages.iter().enumerate().map(|(index, message)| one(message).within_element("local_replies", index));
    let mut by_cause = LocalReplies::default();
    let replies: Vec<_> = all(replies)?;
    for (index, (causes, reply)) in replies.into_iter().enumerate() {
        for (position, cause) in causes.into_iter().enumerate() {
            let Some(slot) = by_cause.0.get_mut(cause as usize) else { continue };
            if slot.replace(Arc::clone(&reply)).is_some() {
                let field = format!("local_replies[{index}].causes[{position}]");
                return refuse(field, format!("{} has a reply already", cause.as_str()));
            }
        }
    }
    Ok(by_cause)
}

fn one(message: &config::LocalReply) -> Checked<(Vec<Cause>, LocalReply)> {
    if message.causes.is_empty() {
        return refuse("causes", "must hold at least one cause");
    }
    let causes = message.causes.iter().enumerate();
    let causes = all(causes.map(|(index, cause)| match Cause::read(*cause) {
        Some(cause) => Ok(cause),
        None => unknown(format!("causes[{index}]")),
    }))?;
    let reply = respond(&config::Respond {
        status: message.status,
        body: message.body.clone(),
        reason: message.reason.clone(),
        content_type: message.content_type.clone(),
        computed_body: None,
        headers: Vec::new(),
        instead_of: 0,
    })?;
    Ok((causes, Arc::new(reply)))
}
