//! Circuit breaking by failures in a row: the three states of Nygard's pattern, with the arithmetic of `sony/gobreaker`, which gateways
//! that this stands in for have.
//!
//! While a circuit is closed and nothing fails, a call costs two atomic loads. The lock is taken where something is counted, and held
//! for that alone.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// When a circuit opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CircuitSettings {
    /// It opens when more than this many calls in a row have failed.
    pub max_errors: u32,
    /// How often failures are forgotten while it is closed. Zero: never.
    pub interval: Duration,
    /// How long it is open, before one call is let through to try. Above zero.
    pub timeout: Duration,
}

/// Whether calls are let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CircuitState {
    /// All are.
    Closed,
    /// One is, to see what comes of it.
    HalfOpen,
    /// None is.
    Open,
}

/// Why a call is not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CircuitOpen {
    /// The circuit is open.
    #[error("circuit breaker is open")]
    Open,
    /// The circuit is half open, and another call is under way to see what comes of it.
    #[error("too many requests")]
    Probing,
}

/// A state that another has given way to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircuitChange {
    /// What it was.
    pub from: CircuitState,
    /// What it is.
    pub to: CircuitState,
}

/// A call that was let through. What it comes to is told to [`Circuit::end`].
#[derive(Debug)]
#[must_use = "a half-open circuit lets nothing through until it is told what its call came to"]
pub struct CircuitPermit {
    generation: u64,
}

/// What a call came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallEnd {
    /// It succeeded.
    Success,
    /// It failed.
    Failure,
    /// Nobody waited for it any more. That says nothing of the backend, and another may try in its place.
    Abandoned,
}

/// A circuit. Threads share it.
#[derive(Debug)]
pub struct Circuit {
    settings: CircuitSettings,
    counted: Mutex<Counted>,
    /// The generation and the state of `counted`, which are enough to let a call through while the circuit is closed.
    word: AtomicU64,
    /// When the generation ends, in nanoseconds; `NEVER` for a generation without end.
    expiry: AtomicU64,
    /// The failures in a row.
    failures: AtomicU32,
}

#[derive(Debug)]
struct Counted {
    state: CircuitState,
    /// Counts what has been counted anew: what a call comes to, that began before, does not count.
    generation: u64,
    failures: u32,
    /// Of a half-open circuit: whether its one call is under way.
    probing: bool,
}

const NEVER: u64 = u64::MAX;

impl Circuit {
    /// A closed circuit. Times are durations since a moment that all callers share; `now` is the present.
    pub fn new(settings: CircuitSettings, now: Duration) -> Self {
        let counted = Counted { state: CircuitState::Closed, generation: 0, failures: 0, probing: false };
        let circuit = Self {
            settings,
            counted: Mutex::new(counted),
            word: AtomicU64::new(0),
            expiry: AtomicU64::new(NEVER),
            failures: AtomicU32::new(0),
        };
        {
            let mut counted = circuit.lock();
            circuit.begin_generation(&mut counted, now);
        }
        circuit
    }

    /// Lets a call through or not, and tells whether the state is another since.
    ///
    /// # Errors
    /// When it is not let through.
    pub fn begin(&self, now: Duration) -> (Result<CircuitPermit, CircuitOpen>, Option<CircuitChange>) {
        let word = self.word.load(Ordering::Acquire);
        if state_of(word) == CircuitState::Closed && !self.is_over(now) {
            return (Ok(CircuitPermit { generation: word >> 2 }), None);
        }
        let mut counted = self.lock();
        let change = self.advance(&mut counted, now);
        let generation = counted.generation;
        let result = match counted.state {
            CircuitState::Open => Err(CircuitOpen::Open),
            CircuitState::HalfOpen if counted.probing => Err(CircuitOpen::Probing),
            CircuitState::HalfOpen => {
                counted.probing = true;
                Ok(CircuitPermit { generation })
            }
            CircuitState::Closed => Ok(CircuitPermit { generation }),
        };
        (result, change)
    }

    /// Counts what a call came to. Tells of each state that has given way to another.
    pub fn end(&self, permit: CircuitPermit, end: CallEnd, now: Duration) -> [Option<CircuitChange>; 2] {
        let word = self.word.load(Ordering::Acquire);
        let is_current = word == word_of(CircuitState::Closed, permit.generation) && !self.is_over(now);
        let counts = end == CallEnd::Failure || (end == CallEnd::Success && self.failures.load(Ordering::Acquire) > 0);
        if is_current && !counts {
            return [None, None];
        }
        let mut counted = self.lock();
        let first = self.advance(&mut counted, now);
        if counted.generation != permit.generation {
            return [first, None];
        }
        let second = match (counted.state, end) {
            (CircuitState::Closed, CallEnd::Success) => {
                self.count(&mut counted, 0);
                None
            }
            (CircuitState::Closed, CallEnd::Failure) => {
                let failures = counted.failures.saturating_add(1);
                self.count(&mut counted, failures);
                (failures > self.settings.max_errors).then(|| self.turn(&mut counted, CircuitState::Open, now))
            }
            (CircuitState::HalfOpen, CallEnd::Success) => Some(self.turn(&mut counted, CircuitState::Closed, now)),
            (CircuitState::HalfOpen, CallEnd::Failure) => Some(self.turn(&mut counted, CircuitState::Open, now)),
            (CircuitState::HalfOpen, CallEnd::Abandoned) => {
                counted.probing = false;
                None
            }
            (CircuitState::Open, _) | (CircuitState::Closed, CallEnd::Abandoned) => None,
        };
        [first, second]
    }

    /// The state as it was last counted: an open circuit turns half open with the call that finds it so.
    pub fn state(&self) -> CircuitState {
        state_of(self.word.load(Ordering::Acquire))
    }

    /// What it was made with.
    pub fn settings(&self) -> &CircuitSettings {
        &self.settings
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Counted> {
        // Nothing that holds the lock can panic half way.
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the generation has ended. It has not at the very moment.
    fn is_over(&self, now: Duration) -> bool {
        self.expiry.load(Ordering::Acquire) < nanoseconds(now)
    }

    /// Does what the time asks for.
    fn advance(&self, counted: &mut Counted, now: Duration) -> Option<CircuitChange> {
        if !self.is_over(now) {
            return None;
        }
        match counted.state {
            CircuitState::Closed => {
                self.begin_generation(counted, now);
                None
            }
            CircuitState::Open => Some(self.turn(counted, CircuitState::HalfOpen, now)),
            CircuitState::HalfOpen => None,
        }
    }

    fn turn(&self, counted: &mut Counted, to: CircuitState, now: Duration) -> CircuitChange {
        let from = std::mem::replace(&mut counted.state, to);
        self.begin_generation(counted, now);
        CircuitChange { from, to }
    }

    fn begin_generation(&self, counted: &mut Counted, now: Duration) {
        counted.generation += 1;
        counted.probing = false;
        self.count(counted, 0);
        let length = match counted.state {
            CircuitState::Closed => Some(self.settings.interval).filter(|interval| !interval.is_zero()),
            CircuitState::Open => Some(self.settings.timeout),
            CircuitState::HalfOpen => None,
        };
        let expiry = length.map_or(NEVER, |length| nanoseconds(now.saturating_add(length)));
        // Before the word: who reads the new generation must not find that the old one is over.
        self.expiry.store(expiry, Ordering::Release);
        self.word.store(word_of(counted.state, counted.generation), Ordering::Release);
    }

    fn count(&self, counted: &mut Counted, failures: u32) {
        counted.failures = failures;
        self.failures.store(failures, Ordering::Release);
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(NEVER)
}

fn word_of(state: CircuitState, generation: u64) -> u64 {
    let state = match state {
        CircuitState::Closed => 0,
        CircuitState::HalfOpen => 1,
        CircuitState::Open => 2,
    };
    generation << 2 | state
}

fn state_of(word: u64) -> CircuitState {
    match word & 3 {
        0 => CircuitState::Closed,
        1 => CircuitState::HalfOpen,
        _ => CircuitState::Open,
    }
}

#[cfg(test)]
mod tests;
