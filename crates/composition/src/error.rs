//! What can be wrong with an answer's body. The texts of faults in JSON are those of Go's `encoding/json`, since gateways of that
//! kind hand them to clients and people match on them.

use std::sync::Arc;

/// Why a body could not be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The body is empty where a document was expected.
    #[error("EOF")]
    Empty,
    /// The body ends within the document.
    #[error("unexpected EOF")]
    Truncated,
    /// The document breaks the grammar of its encoding.
    #[error("{0}")]
    Syntax(Arc<str>),
    /// The document is well-formed but of another shape than the call declares, such as an array where an object was expected.
    #[error("json: cannot unmarshal {found} into Go value of type {expected}")]
    Shape {
        /// What was found: `array`, `object`, `string`, `number` or `bool`.
        found: &'static str,
        /// What was expected, as Go names its types.
        expected: &'static str,
    },
    /// The document is nested deeper than [`Limits::depth`](crate::Limits::depth).
    #[error("exceeded max depth")]
    TooDeep,
    /// The document has more values than [`Limits::values`](crate::Limits::values).
    #[error("the answer has more than {limit} values")]
    TooManyValues {
        /// The limit.
        limit: u32,
    },
    /// The body, or what it is when its content coding is undone, is longer than allowed.
    #[error("the answer is longer than {limit} bytes")]
    TooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The content coding of the body is broken.
    #[error("{0}")]
    Coding(Arc<str>),
}
