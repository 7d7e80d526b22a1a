//! Which rule would serve a request, as whoever starts the console answers it.

use futures::future::BoxFuture;

/// A request that may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Scheme, host, port and path.
    pub url: String,
    /// The method.
    pub method: String,
    /// Headers as `NAME: VALUE`, one a line.
    pub headers: String,
}

/// What would serve a request in one fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// The fleet.
    pub fleet: String,
    /// What it meets, in order.
    pub steps: Vec<Step>,
}

/// Something that a request meets on its way, or would not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// How far on its way: 0 is the listener.
    pub depth: usize,
    /// In words.
    pub text: String,
    /// Whether it is on its way; `None` is a remark.
    pub taken: Option<bool>,
}

/// The way of a request in each fleet, and what is not in force; or why that cannot be told.
pub type Answer = Result<(Vec<Way>, Vec<String>), String>;

/// Answers which rule would serve a request.
pub trait Explain: Send + Sync {
    /// The way of a request in each fleet, and what is not in force; or why that cannot be told.
    fn explain(&self, question: Question) -> BoxFuture<'_, Answer>;
}
