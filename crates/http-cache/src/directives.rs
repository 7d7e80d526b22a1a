//! `Cache-Control` (RFC 9111, 5.2): directives by their names in small letters. Of one that is there twice, the first counts.

use std::time::Duration;

use http::HeaderMap;
use http::header::{CACHE_CONTROL, PRAGMA};

/// The directives of a message.
#[derive(Debug, Default)]
pub(crate) struct Directives(Vec<(String, Option<String>)>);

impl Directives {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut read = Vec::new();
        for value in headers.get_all(CACHE_CONTROL) {
            let Ok(value) = value.to_str() else { continue };
            for directive in split(value) {
                let (name, argument) = match directive.split_once('=') {
                    Some((name, argument)) => (name, Some(unquoted(argument.trim()).to_owned())),
                    None => (directive, None),
                };
                let name = name.trim().to_ascii_lowercase();
                if !name.is_empty() {
                    read.push((name, argument));
                }
            }
        }
        Self(read)
    }

    /// Those of a request: `Pragma: no-cache` counts where there is no `Cache-Control` (RFC 9111, 5.4).
    pub(crate) fn of_request(headers: &HeaderMap) -> Self {
        let mut read = Self::of(headers);
        let pragma = headers.get(PRAGMA).and_then(|value| value.to_str().ok());
        if !headers.contains_key(CACHE_CONTROL) && pragma.is_some_and(|pragma| pragma.contains("no-cache")) {
            read.0.push(("no-cache".to_owned(), None));
        }
        read
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The seconds that a directive has. What is no number is no time at all, so that nothing is fresh by mistake.
    pub(crate) fn seconds(&self, name: &str) -> Option<Duration> {
        self.find(name).map(|argument| seconds(argument.as_deref()))
    }

    /// A directive that means more without an argument: `Some(None)` then.
    pub(crate) fn optional_seconds(&self, name: &str) -> Option<Option<Duration>> {
        self.find(name).map(|argument| argument.as_deref().map(|argument| seconds(Some(argument))))
    }

    fn find(&self, name: &str) -> Option<&Option<String>> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, argument)| argument)
    }
}

/// Reads seconds. More than can be counted is for ever (RFC 9111, 1.2.2).
pub(crate) fn seconds(text: Option<&str>) -> Duration {
    let text = text.unwrap_or_default();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Duration::ZERO;
    }
    Duration::from_secs(text.parse::<u32>().unwrap_or(u32::MAX).into())
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

/// The parts between commas that are not within quotes.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |letter: char| {
        quoted ^= letter == '"';
        letter == ',' && !quoted
    })
}
