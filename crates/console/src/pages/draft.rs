//! What somebody writes of an object: the form for it, what would come of it, and the button that has it done.

use http::StatusCode;
use serde_json::Value;

use crate::api::ApiError;
use crate::diff::{self, Line};
use crate::html::{Html, html};

/// Who has set a field, as managed fields have it.
pub(super) const MANAGER: &str = "backstay-console";

/// What a form says.
#[derive(Debug)]
pub(super) struct Draft {
    /// The object as YAML.
    pub(super) text: String,
    /// Whether it is to be stored, and not only tried.
    pub(super) applies: bool,
}

impl Draft {
    /// What the body of a request has.
    pub(super) fn of(body: &str) -> Self {
        // Browsers send line ends as CR LF.
        Self { text: field(body, "yaml").replace("\r\n", "\n"), applies: field(body, "action") == "apply" }
    }

    /// The object.
    ///
    /// # Errors
    /// Where the text is no YAML.
    pub(super) fn object(&self) -> Result<Value, ApiError> {
        serde_saphyr::from_str(&self.text).map_err(|error| fault(format!("it is no YAML: {error}")))
    }
}

/// A field of a form; empty where there is none.
pub(super) fn field(body: &str, name: &str) -> String {
    let mut fields = form_urlencoded::parse(body.as_bytes());
    fields.find(|(found, _)| found == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// Something is wrong with what was written.
pub(super) fn fault(message: impl Into<String>) -> ApiError {
    ApiError { status: Some(StatusCode::UNPROCESSABLE_ENTITY), message: message.into() }
}

/// A Secret is shown without its values, and would be stored so.
pub(super) fn secret() -> ApiError {
    let message = "Secrets are not written here, where their values are not shown: use kubectl".to_owned();
    ApiError { status: Some(StatusCode::FORBIDDEN), message }
}

/// Where it is written; nothing comes of it yet.
pub(super) fn form(out: &mut Html, text: &str) {
    html!(out; "<form method=\"post\" class=\"card\"><label for=\"yaml\">The object as YAML</label><textarea id=\"yaml\" name=\"yaml\" rows=\"28\" spellcheck=\"false\">\n"
        (text) "</textarea><p><button name=\"action\" value=\"check\">See what would change</button> <span class=\"quiet\">Nothing is changed yet.</span></p></form>");
}

/// What was tried, to be done.
pub(super) fn confirm(out: &mut Html, text: &str, what: &str) {
    html!(out; "<form method=\"post\" class=\"bar\"><textarea name=\"yaml\" hidden aria-hidden=\"true\">\n" (text)
        "</textarea><button name=\"action\" value=\"apply\" class=\"main\">" (what) "</button></form><details class=\"card\"><summary>Edit further</summary>");
    form(out, text);
    html!(out; "</details>");
}

/// What would change, line by line.
pub(super) fn changes(out: &mut Html, before: &str, now: &str) {
    let lines = diff::lines(before, now);
    html!(out; "<section class=\"card\"><h2>What would change</h2>");
    if lines.iter().all(|line| matches!(line, Line::Same(_))) {
        html!(out; "<p class=\"quiet\">Nothing.</p></section>");
        return;
    }
    html!(out; "<pre class=\"diff\" tabindex=\"0\" role=\"region\" aria-label=\"What would change\">");
    for line in lines {
        match line {
            Line::Same(text) => html!(out; "<span>  " (text) "\n</span>"),
            Line::Gone(text) => html!(out; "<del>- " (text) "\n</del>"),
            Line::New(text) => html!(out; "<ins>+ " (text) "\n</ins>"),
        }
    }
    html!(out; "</pre></section>");
}
