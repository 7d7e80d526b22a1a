use thiserror::Error;

/// How much of a backend may be under way at once. `None` is no limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Connections open. Default 1024.
    pub connections: Option<u32>,
    /// Requests that wait for a connection. Default 1024. A request whose own is being opened is bounded by the limit on
    /// connections; with 0, none may wait even for that.
    pub pending_requests: Option<u32>,
    /// Requests under way, those that wait not included. Default: no limit (Envoy: 1024).
    pub requests: Option<u32>,
    /// Retries under way. Not used with a budget. Default 3.
    pub retries: Option<u32>,
    /// Retries as a share of what is under way. Default: none.
    pub retry_budget: Option<RetryBudget>,
    /// Connections open to one endpoint. Default: no limit.
    pub connections_per_endpoint: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: Some(1024),
            pending_requests: Some(1024),
            requests: None,
            retries: Some(3),
            retry_budget: None,
            connections_per_endpoint: None,
        }
    }
}

/// Retries as a share of the requests that are under way or wait.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryBudget {
    /// The share, 0 to 100. Default 20. What is no number is 0.
    pub percent: f64,
    /// Retries that are always allowed. Default 3.
    pub minimum: u32,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self { percent: 20.0, minimum: 3 }
    }
}

/// What a circuit breaker limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Connections open.
    Connections,
    /// Requests that wait for a connection.
    PendingRequests,
    /// Requests under way.
    Requests,
    /// Retries under way.
    Retries,
    /// Connections open to one endpoint.
    EndpointConnections,
    /// Retries under way, where a budget bounds them.
    RetryBudget,
}

impl Limit {
    /// All limits.
    pub const ALL: [Self; 6] = [
        Self::Connections,
        Self::PendingRequests,
        Self::Requests,
        Self::Retries,
        Self::EndpointConnections,
        Self::RetryBudget,
    ];

    /// Counts there are: retries are counted once, whatever bounds them.
    pub(super) const COUNT: usize = 5;

    pub(super) const fn place(self) -> usize {
        match self {
            Self::RetryBudget => Self::Retries.place(),
            other => other as usize,
        }
    }
}

/// A limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Overflow {
    /// Of connections.
    #[error("the backend has as many connections open as its limits allow")]
    Connections,
    /// Of requests that wait.
    #[error("as many requests wait for a connection as the limits of the backend allow")]
    PendingRequests,
    /// Of requests.
    #[error("as many requests are under way as the limits of the backend allow")]
    Requests,
    /// Of retries.
    #[error("as many retries are under way as the limits of the backend allow")]
    Retries,
    /// Of retries, by the budget.
    #[error("as many retries are under way as the retry budget of the backend allows")]
    RetryBudget,
    /// Of connections to one endpoint.
    #[error("the endpoint has as many connections open as the limits of the backend allow for each")]
    EndpointConnections,
}

impl From<Limit> for Overflow {
    fn from(limit: Limit) -> Self {
        match limit {
            Limit::Connections => Self::Connections,
            Limit::PendingRequests => Self::PendingRequests,
            Limit::Requests => Self::Requests,
            Limit::Retries => Self::Retries,
            Limit::EndpointConnections => Self::EndpointConnections,
            Limit::RetryBudget => Self::RetryBudget,
        }
    }
}
