//! Expressions, from the wire format.

use std::sync::Arc;

use backstay_composition::Expressions;

use crate::fault::{Checked, refuse};

/// Expressions that have to be true.
pub(super) fn expressions(field: &str, texts: &[String]) -> Checked<Option<Arc<Expressions>>> {
    if texts.is_empty() {
        return Ok(None);
    }
    if texts.len() > Expressions::MOST {
        return refuse(field, format!("has more than {}", Expressions::MOST));
    }
    let made = Expressions::new(texts);
    made.map(|made| Some(Arc::new(made)))
        .or_else(|error| refuse(format!("{field}[{}]", error.index), error.to_string()))
}
