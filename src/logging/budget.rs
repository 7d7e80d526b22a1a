//! How many lines of one kind are logged in a second: a crowd of proxies that come back, or a fault that is met again and again, must
//! neither fill a disk nor hide everything else.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

const SECOND: Duration = Duration::from_secs(1);

/// A layer that leaves out what is too much of one kind, and then says how much that was. What is logged below `info` is left alone:
/// whoever asks for it wants all of it.
#[derive(Clone)]
pub(super) struct Budget {
    /// Of each kind in a second; 0 is any number.
    lines: u32,
    kinds: Arc<Mutex<Kinds>>,
}

/// A kind is a place in the code, of which there are a few hundred.
#[derive(Default)]
struct Kinds {
    windows: HashMap<Identifier, Window>,
    /// Somebody will say what was left out.
    is_told: bool,
}

struct Window {
    began: Instant,
    logged: u32,
    left_out: u64,
    /// The words of one that was left out.
    message: String,
}

/// What was left out of one kind.
#[derive(Debug, PartialEq, Eq)]
struct LeftOut {
    lines: u64,
    message: String,
}

impl Budget {
    pub(super) fn new(lines: u32) -> Self {
        Self { lines, kinds: Arc::default() }
    }

    fn kinds(&self) -> MutexGuard<'_, Kinds> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is room for one more of a kind. It is the caller who says what was left out when it was the first of all.
    fn admit(&self, kind: Identifier, now: Instant, message: impl FnOnce() -> String) -> Admission {
        let mut kinds = self.kinds();
        let fresh = || Window { began: now, logged: 0, left_out: 0, message: String::new() };
        let window = kinds.windows.entry(kind).or_insert_with(fresh);
        if now.duration_since(window.began) >= SECOND {
            (window.began, window.logged) = (now, 0);
        }
        if window.logged < self.lines {
            window.logged += 1;
            return Admission::Logged;
        }
        window.left_out += 1;
        if window.left_out == 1 {
            window.message = message();
        }
        if std::mem::replace(&mut kinds.is_told, true) { Admission::LeftOut } else { Admission::LeftOutFirst }
    }

    /// What was left out since this was asked last.
    fn left_out(&self) -> Vec<LeftOut> {
        let mut kinds = self.kinds();
        kinds.is_told = false;
        let windows = kinds.windows.values_mut().filter(|window| window.left_out > 0);
        windows
            .map(|window| LeftOut {
                lines: std::mem::take(&mut window.left_out),
                message: std::mem::take(&mut window.message),
            })
            .collect()
    }

    /// Says, a second from now, what was left out. It is a thread, since lines come from everywhere and before anything else runs.
    #[allow(clippy::disallowed_methods, reason = "the thread is there for nothing else")]
    fn tell(&self) {
        let budget = self.clone();
        let told = std::thread::Builder::new().name("log-budget".into()).spawn(move || {
            std::thread::sleep(SECOND);
            for LeftOut { lines, message } in budget.left_out() {
                tracing::warn!(
                    lines,
                    like = message,
                    "lines were left out of the log: there were too many of one kind"
                );
            }
        });
        if told.is_err() {
            // The next one tries again, and counts these.
            self.kinds().is_told = false;
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Admission {
    Logged,
    LeftOut,
    /// Nobody has been told to say so yet.
    LeftOutFirst,
}

impl<S: Subscriber> Layer<S> for Budget {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let kind = event.metadata();
        if self.lines == 0 || *kind.level() > Level::INFO || kind.target() == module_path!() {
            return true;
        }
        let admission = self.admit(kind.callsite(), Instant::now(), || Words::of(event));
        if admission == Admission::LeftOutFirst {
            self.tell();
        }
        admission == Admission::Logged
    }
}

/// The words of a line, without its fields, which may be anything.
#[derive(Default)]
struct Words(String);

impl Words {
    fn of(event: &Event<'_>) -> String {
        let mut words = Self::default();
        event.record(&mut words);
        words.0
    }
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

#[cfg(test)]
mod tests;
