//! How requests are answered that no rule matches.

use backstay_proto::config;

use super::reply::{Respond, respond};
use crate::fault::{Checked, Together, Within, refuse};

/// Manners towards requests that no rule matches, in the order in which they are tried.
#[derive(Clone, Debug)]
pub struct Manners {
    /// OPTIONS is answered 200, with the methods that there are rules for, if there are any.
    pub answer_options: bool,
    /// If there is a rule with or without the slash at the end, the client is sent there.
    pub redirect_trailing_slash: bool,
    /// If there is a template that the path matches when it is [cleaned], in any case of ASCII letters, the client is sent there.
    pub redirect_cleaned: bool,
    /// If there are rules for other methods; `None`: as what is not found.
    pub method_not_allowed: Option<Respond>,
    /// Else; `None`: 404.
    pub not_found: Option<Respond>,
}

/// The path without doubled slashes and elements `.` and `..`; one that ends with `/` or `/.` still ends with a slash.
pub fn cleaned(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for element in path.split('/') {
        match element {
            "" | "." => {}
            ".." => drop(kept.pop()),
            other => kept.push(other),
        }
    }
    let ends = path.ends_with('/') || path.ends_with("/.");
    let slash = if ends && !kept.is_empty() { "/" } else { "" };
    format!("/{}{slash}", kept.join("/"))
}

/// A decoded path as it is sent: what may not stand in one is percent-encoded.
pub fn encoded_path(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Manners, checked.
pub(super) fn manners(message: &config::Unmatched) -> Checked<Manners> {
    let answer = |field: &str, message: Option<&config::Respond>| match message {
        None => Ok(None),
        Some(message) if message.computed_body.is_some() => {
            refuse(format!("{field}.computed_body"), "can be set in the steps of a sequence only")
        }
        Some(message) => respond(message).map(Some).within(field),
    };
    let (method_not_allowed, not_found) = (
        answer("method_not_allowed", message.method_not_allowed.as_ref()),
        answer("not_found", message.not_found.as_ref()),
    )
        .together()?;
    Ok(Manners {
        answer_options: message.answer_options,
        redirect_trailing_slash: message.redirect_trailing_slash,
        redirect_cleaned: message.redirect_cleaned,
        method_not_allowed,
        not_found,
    })
}

#[cfg(test)]
mod tests;
