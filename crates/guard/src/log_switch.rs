//! More, or less, in the log for a while.

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How long it lasts where a request does not say.
const DEFAULT: Duration = Duration::from_secs(60);

/// The longest that it may last: what is turned up and forgotten fills a disk.
const LONGEST: Duration = Duration::from_secs(3600);

/// Turns what is logged to something else for a while. How that is done, whoever assembles the process knows.
#[derive(Clone)]
pub struct LogSwitch(Arc<Turn>);

type Turn = dyn Fn(&str, Duration) -> Result<(), String> + Send + Sync;

/// What is wrong with a request to turn it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogSwitchError {
    /// Not a parameter.
    #[error("{0:?} is no parameter: level and for are")]
    Parameter(String),
    /// It does not say what is to be logged.
    #[error("level is missing, such as level=debug")]
    NoLevel,
    /// It does not say how long in a way that is understood.
    #[error("for={0}: it is a number of seconds or minutes such as 60s or 5m, an hour at most")]
    Time(String),
    /// What is to be logged is not understood.
    #[error("level={level}: {reason}")]
    Level {
        /// What was asked for.
        level: String,
        /// Why it cannot be.
        reason: String,
    },
}

impl LogSwitch {
    /// A switch that is turned by `turn`, which is told what to log, in the syntax of `RUST_LOG`, and for how long; after that it
    /// logs again what it did at first.
    pub fn new(turn: impl Fn(&str, Duration) -> Result<(), String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(turn))
    }

    /// Turns it as the query of a request says: `level=LEVEL&for=TIME`. Yields what has been done, as a line.
    ///
    /// # Errors
    /// When the query is not understood.
    pub fn turn(&self, query: Option<&str>) -> Result<String, LogSwitchError> {
        let (mut level, mut time) = (None, DEFAULT);
        for parameter in query.unwrap_or_default().split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=').unwrap_or((parameter, "")) {
                ("level", value) => level = Some(decoded(value)),
                ("for", value) => time = duration(value).ok_or_else(|| LogSwitchError::Time(value.to_owned()))?,
                (other, _) => return Err(LogSwitchError::Parameter(other.to_owned())),
            }
        }
        let level = level.filter(|level| !level.is_empty()).ok_or(LogSwitchError::NoLevel)?;
        (self.0)(&level, time).map_err(|reason| LogSwitchError::Level { level: level.clone(), reason })?;
        Ok(format!("logging {level} for {} s\n", time.as_secs()))
    }
}

impl fmt::Debug for LogSwitch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LogSwitch")
    }
}

fn duration(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at(text.find(|character: char| !character.is_ascii_digit())?);
    let count: u64 = digits.parse().ok()?;
    let seconds = match unit {
        "s" => count,
        "m" => count.checked_mul(60)?,
        "h" => count.checked_mul(3600)?,
        _ => return None,
    };
    Some(Duration::from_secs(seconds)).filter(|time| !time.is_zero() && *time <= LONGEST)
}

/// Undoes percent-encoding, as far as it is one: what is left is for whoever reads it to refuse.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match tail {
            [high, low, ..] if *first == b'%' => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                digit(high).zip(digit(low)).map(|(high, low)| high << 4 | low)
            }
            _ => None,
        };
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
