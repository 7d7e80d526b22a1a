//! How times are written.

use std::time::SystemTime;

use jiff::Timestamp;
use jiff::fmt::strtime::{BrokenDownTime, Config};

/// How a time is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TimeFormat {
    /// RFC 3339 in UTC, with milliseconds, as Envoy does without a word: `2026-01-02T03:04:05.678Z`.
    #[default]
    Rfc3339,
    /// The same with microseconds.
    Rfc3339Micros,
    /// Seconds since 1970, with a fraction of six digits.
    Unix,
    /// As `strftime` has it, in UTC.
    Strftime(Box<str>),
}

impl TimeFormat {
    /// Reads the argument of `START_TIME`. Envoy's digits of a second become what the calendar library knows: `%3f`, `%6f`, `%9f` stay,
    /// `%f` has nine, and `%E3S` and its like are seconds with digits.
    ///
    /// # Errors
    /// What of it cannot be written.
    pub fn strftime(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::Rfc3339);
        }
        let mut format = text.to_owned();
        for digits in 1..=9 {
            format = format.replace(&format!("%E{digits}S"), &format!("%S.%{digits}f"));
            format = format.replace(&format!("%E{digits}f"), &format!("%{digits}f"));
        }
        format = format.replace("%E*S", "%S.%f");
        // `%f` alone has as many digits as there are; as many as Envoy's are nine.
        format = format.replace("%f", "%9f");
        let probe = render(&format, Timestamp::UNIX_EPOCH);
        probe.map(|_| Self::Strftime(format.into())).map_err(|error| error.to_string())
    }

    /// Writes `time`. A clock that is set beyond what a date can say is the year 1970.
    pub fn write(&self, time: SystemTime, out: &mut Vec<u8>) {
        use std::io::Write as _;
        let time = Timestamp::try_from(time).unwrap_or(Timestamp::UNIX_EPOCH);
        // Writing to a vector cannot fail.
        let _ = match self {
            Self::Rfc3339 => write!(out, "{time:.3}"),
            Self::Rfc3339Micros => write!(out, "{time:.6}"),
            Self::Unix => write!(out, "{}.{:06}", time.as_second(), time.subsec_nanosecond().max(0) / 1000),
            // It was tried as it was read.
            Self::Strftime(format) => write!(out, "{}", render(format, time).unwrap_or_default()),
        };
    }
}

fn render(format: &str, time: Timestamp) -> Result<String, jiff::Error> {
    let mut text = String::new();
    let broken = BrokenDownTime::from(&time.to_zoned(jiff::tz::TimeZone::UTC));
    broken.format_with_config(&Config::new(), format, &mut jiff::fmt::StdFmtWrite(&mut text))?;
    Ok(text)
}
