use tonic::{Code, Status};

/// Why a stream has to end: the client broke the protocol or a limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Who asks is known from the first request or not at all.
    #[error("the first request of a stream must say who asks: set node")]
    NoNode,
    /// On the aggregated service nothing implies the type.
    #[error("the request names no type: set type_url")]
    NoType,
    /// A service of one type serves no other.
    #[error("this service is of {implied}: leave type_url empty or set it to that")]
    OtherType {
        /// The type of the service.
        implied: String,
    },
    /// See [`Options::max_name_bytes`](super::Options::max_name_bytes).
    #[error("a resource name, type URL or name of a node of {length} bytes is longer than the limit of {limit}")]
    NameTooLong {
        /// Bytes of the name.
        length: usize,
        /// The setting.
        limit: usize,
    },
    /// See [`Options::max_types`](super::Options::max_types).
    #[error("the stream asks for more than the limit of {limit} types")]
    TooManyTypes {
        /// The setting.
        limit: usize,
    },
    /// See [`Options::max_subscriptions`](super::Options::max_subscriptions).
    #[error("the stream subscribes to more than the limit of {limit} names; subscribe to * instead")]
    TooManySubscriptions {
        /// The setting.
        limit: usize,
    },
    /// See [`Options::max_subscription_bytes`](super::Options::max_subscription_bytes).
    #[error("subscriptions and initial_resource_versions of the stream take more than the limit of {limit} bytes")]
    TooManyBytes {
        /// The setting.
        limit: usize,
    },
}

impl From<Violation> for Status {
    fn from(violation: Violation) -> Self {
        let code = match violation {
            Violation::NoNode | Violation::NoType | Violation::OtherType { .. } | Violation::NameTooLong { .. } => {
                Code::InvalidArgument
            }
            Violation::TooManyTypes { .. }
            | Violation::TooManySubscriptions { .. }
            | Violation::TooManyBytes { .. } => Code::ResourceExhausted,
        };
        Self::new(code, violation.to_string())
    }
}
