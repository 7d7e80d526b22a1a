//! What a token says, and when it counts (RFC 7519, 4.1).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

use crate::Refusal;

/// What a token says. The registered claims in it have the types that they must have.
#[derive(Debug, Clone, PartialEq)]
pub struct Claims {
    members: Map<String, Value>,
    /// In seconds since 1970, with the fraction cut off.
    expiry: Option<i64>,
    not_before: Option<i64>,
    issued_at: Option<i64>,
}

/// What a token must say to count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expected {
    /// Its issuer. Empty: any.
    pub issuer: String,
    /// It must be for all of these.
    pub audiences: Vec<String>,
    /// How wrong clocks may be.
    pub leeway: Duration,
}

impl Claims {
    pub(crate) fn new(members: Map<String, Value>) -> Result<Self, Refusal> {
        for name in ["iss", "sub", "jti"] {
            if !matches!(members.get(name), None | Some(Value::Null | Value::String(_))) {
                return Err(Refusal::Claim(name));
            }
        }
        let is_audience = match members.get("aud") {
            None | Some(Value::String(_)) => true,
            Some(Value::Array(list)) => list.iter().all(Value::is_string),
            Some(_) => false,
        };
        if !is_audience {
            return Err(Refusal::Claim("aud"));
        }
        let (expiry, not_before, issued_at) = (date(&members, "exp")?, date(&members, "nbf")?, date(&members, "iat")?);
        Ok(Self { members, expiry, not_before, issued_at })
    }

    /// All of them.
    #[must_use]
    pub const fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// Whether they are what is `expected`, at the time `now`.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(&self, expected: &Expected, now: SystemTime) -> Result<(), Refusal> {
        let issuer = self.members.get("iss").and_then(Value::as_str).unwrap_or_default();
        if !expected.issuer.is_empty() && expected.issuer != issuer {
            return Err(Refusal::Issuer);
        }
        if !expected.audiences.iter().all(|audience| self.is_for(audience)) {
            return Err(Refusal::Audience);
        }
        self.check_time(expected.leeway, now)
    }

    /// Whether they count at the time `now`. A time that is not said bounds nothing.
    fn check_time(&self, leeway: Duration, now: SystemTime) -> Result<(), Refusal> {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (now, leeway) = (nanoseconds(since), nanoseconds(leeway));
        let at = |seconds: i64| i128::from(seconds) * 1_000_000_000;
        if self.not_before.is_some_and(|begin| now + leeway < at(begin)) {
            return Err(Refusal::NotYet);
        }
        if self.expiry.is_some_and(|end| now - leeway > at(end)) {
            return Err(Refusal::Expired);
        }
        if self.issued_at.is_some_and(|issued| now + leeway < at(issued)) {
            return Err(Refusal::IssuedInFuture);
        }
        Ok(())
    }

    fn is_for(&self, audience: &str) -> bool {
        match self.members.get("aud") {
            Some(Value::String(only)) => only == audience,
            Some(Value::Array(list)) => list.iter().any(|one| one.as_str() == Some(audience)),
            _ => false,
        }
    }
}

fn nanoseconds(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX / 4)
}

/// A NumericDate (RFC 7519, 2).
fn date(members: &Map<String, Value>, name: &'static str) -> Result<Option<i64>, Refusal> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => match number.as_i64().or_else(|| whole(number.as_f64()?)) {
            Some(seconds) => Ok(Some(seconds)),
            None => Err(Refusal::Claim(name)),
        },
        Some(_) => Err(Refusal::Claim(name)),
    }
}

fn whole(number: f64) -> Option<i64> {
    #[allow(clippy::cast_possible_truncation, reason = "the fraction is cut off, and the range is checked")]
    (-9.2e18..9.2e18).contains(&number).then_some(number as i64)
}

#[cfg(test)]
mod tests;
