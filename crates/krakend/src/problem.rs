//! What is wrong with a configuration, and what its owner may not mean.

use std::cell::RefCell;
use std::fmt;

use crate::place::{Path, Place};

/// How many problems of one severity are kept. Each has a sentence and a path, and a hostile file has one for every few bytes.
pub const MAX_PROBLEMS: usize = 1_000;

/// How long a message may be, in characters. Those of KrakenD repeat what is written.
const MAX_MESSAGE: usize = 4_000;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The configuration is refused.
    Error,
    /// It works, and not as it reads.
    Warning,
    /// Worth knowing.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// What kind of problem it is: programs tell them apart by it, people by the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The text is no document, or a value has a type that it cannot have.
    Unreadable,
    /// KrakenD refuses it as well: when it checks the file, or when it starts.
    Refused,
    /// KrakenD takes it and does not do what it says.
    Dropped,
    /// KrakenD does it, with an effect that surprises many.
    Surprising,
    /// KrakenD does it, and this version of Backstay does not serve it.
    NotServed,
}

/// Something wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it is written.
    pub place: Place,
    /// What leads there, such as `endpoints[0].backend[1].host`; empty for the whole file.
    pub path: String,
    /// How bad it is.
    pub severity: Severity,
    /// What kind of problem it is.
    pub cause: Cause,
    /// A sentence. It never repeats what may be a secret.
    pub message: String,
}

/// `3:5: error: endpoints[0].method: …`.
impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}: ", self.place, self.severity)?;
        if !self.path.is_empty() {
            write!(formatter, "{}: ", self.path)?;
        }
        formatter.write_str(&self.message)
    }
}

/// Where problems are gathered.
#[derive(Debug, Default)]
pub(crate) struct Report {
    found: RefCell<Found>,
}

#[derive(Debug, Default)]
struct Found {
    problems: Vec<Problem>,
    counts: [usize; 3],
}

impl Report {
    /// Takes notice of a problem. Past [`MAX_PROBLEMS`] of a severity they are only counted.
    pub(crate) fn add(&self, severity: Severity, cause: Cause, at: (Place, &Path<'_>), message: impl Into<String>) {
        let mut found = self.found.borrow_mut();
        let Some(count) = found.counts.get_mut(severity as usize) else { return };
        *count += 1;
        if *count <= MAX_PROBLEMS {
            let (place, path) = at;
            let message = printable(&message.into());
            found.problems.push(Problem { place, path: path.to_string(), severity, cause, message });
        }
    }

    /// Whether another problem of `severity` would only be counted, so that its message need not be made.
    pub(crate) fn is_full(&self, severity: Severity) -> bool {
        self.found.borrow().counts.get(severity as usize).is_some_and(|count| *count >= MAX_PROBLEMS)
    }

    /// A value that cannot be what its field is.
    pub(crate) fn unreadable(&self, place: Place, path: &Path<'_>, message: impl Into<String>) {
        self.add(Severity::Error, Cause::Unreadable, (place, path), message);
    }

    /// What KrakenD does not start with either.
    pub(crate) fn refused(&self, place: Place, path: &Path<'_>, message: impl Into<String>) {
        self.add(Severity::Error, Cause::Refused, (place, path), message);
    }

    /// What KrakenD drops in silence.
    pub(crate) fn dropped(&self, place: Place, path: &Path<'_>, message: impl Into<String>) {
        self.add(Severity::Warning, Cause::Dropped, (place, path), message);
    }

    /// What does something else than it reads like.
    pub(crate) fn surprising(&self, place: Place, path: &Path<'_>, message: impl Into<String>) {
        self.add(Severity::Warning, Cause::Surprising, (place, path), message);
    }

    /// What KrakenD does, and Backstay refuses to do as it is asked.
    pub(crate) fn not_served(&self, place: Place, path: &Path<'_>, message: impl Into<String>) {
        self.add(Severity::Error, Cause::NotServed, (place, path), message);
    }

    /// What is served, and not quite as KrakenD does it.
    pub(crate) fn differs(&self, place: Place, path: &Path<'_>, message: impl Into<String>) {
        self.add(Severity::Warning, Cause::NotServed, (place, path), message);
    }

    /// Whether anything so far refuses the configuration for what is written, and not for what this version does not serve.
    pub(crate) fn has_faults(&self) -> bool {
        let found = self.found.borrow();
        let is_fault = |problem: &Problem| problem.severity == Severity::Error && problem.cause != Cause::NotServed;
        found.counts[Severity::Error as usize] > MAX_PROBLEMS || found.problems.iter().any(is_fault)
    }

    /// The problems by place, and how many more there are.
    pub(crate) fn finish(self) -> (Vec<Problem>, usize) {
        let Found { mut problems, counts } = self.found.into_inner();
        problems.sort_by(|one, other| {
            (one.place, one.severity, &one.path).cmp(&(other.place, other.severity, &other.path))
        });
        let left_out = counts.iter().map(|count| count.saturating_sub(MAX_PROBLEMS)).sum();
        (problems, left_out)
    }
}

/// A text without characters that a terminal would take for orders, which a value may have, and with an end.
fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len().min(MAX_MESSAGE));
    for letter in text.chars().take(MAX_MESSAGE) {
        if letter.is_control() {
            printable.extend(letter.escape_default());
        } else {
            printable.push(letter);
        }
    }
    printable
}
