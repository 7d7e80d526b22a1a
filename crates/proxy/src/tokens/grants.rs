//! Tokens that calls carry, of OAuth 2 (RFC 6749, 4.4).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use dashmap::DashMap;
use http::HeaderValue;
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

/// How long before its end a token is not used any more.
const MARGIN: Duration = Duration::from_secs(10);
/// How long a token is used that does not say how long it counts.
const UNLIMITED: Duration = Duration::from_secs(3600);
/// How long after a failure nobody asks for a token.
const BACK_OFF: Duration = Duration::from_secs(1);
/// How many tokens are kept. More credentials than that are served, and each of their calls asks for a token.
const MAX_GRANTS: usize = 4096;

/// The tokens of a process, by what they are asked for with.
#[derive(Debug, Default)]
pub struct Grants(DashMap<u128, Arc<Grant>>);

impl Grants {
    /// What is known of the token of these credentials.
    #[must_use]
    pub fn of(&self, identity: u128) -> Arc<Grant> {
        if let Some(known) = self.0.get(&identity) {
            return Arc::clone(&known);
        }
        if self.0.len() >= MAX_GRANTS {
            let now = Instant::now();
            self.0.retain(|_, grant| Arc::strong_count(grant) > 1 || grant.token(now).is_some());
        }
        if self.0.len() >= MAX_GRANTS {
            return Arc::default();
        }
        Arc::clone(&self.0.entry(identity).or_default())
    }
}

/// A token, and whose turn it is to ask for the next.
#[derive(Debug, Default)]
pub struct Grant {
    held: ArcSwapOption<Held>,
    turn: Mutex<Turn>,
}

struct Held {
    /// `Authorization` of calls. A secret.
    authorization: HeaderValue,
    until: Instant,
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("until", &self.until).finish_non_exhaustive()
    }
}

/// Whose turn it is: whoever has it asks, the others wait for it.
#[derive(Debug, Default)]
pub struct Turn {
    /// Whether the secret has to be in the form.
    pub in_form: bool,
    failed: Option<(Instant, String)>,
}

impl Turn {
    /// Why there was no token a moment ago: nobody asks again so soon.
    #[must_use]
    pub fn failure(&self, now: Instant) -> Option<&str> {
        let (at, why) = self.failed.as_ref()?;
        (now.saturating_duration_since(*at) < BACK_OFF).then_some(why)
    }

    /// Notes that there was no token, and why.
    pub fn fail(&mut self, now: Instant, why: String) {
        self.failed = Some((now, why));
    }
}

impl Grant {
    /// `Authorization` of calls, while the token counts.
    #[must_use]
    pub fn token(&self, now: Instant) -> Option<HeaderValue> {
        let held = self.held.load();
        held.as_ref().filter(|held| now < held.until).map(|held| held.authorization.clone())
    }

    /// The turn to ask for a token.
    pub async fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().await
    }

    /// Takes the token of an answer, and returns what calls carry.
    ///
    /// # Errors
    /// When there is none in it.
    pub fn take(&self, answer: &[u8], now: Instant) -> Result<HeaderValue, InvalidGrant> {
        let answer: Answer = serde_json::from_slice(answer).map_err(|_| InvalidGrant::Answer)?;
        let token = answer.access_token.filter(|token| !token.is_empty()).ok_or(InvalidGrant::Missing)?;
        let kind = match answer.token_type.as_deref() {
            None | Some("") => "Bearer",
            Some(kind) if kind.eq_ignore_ascii_case("bearer") => "Bearer",
            Some(kind) => kind,
        };
        let value = HeaderValue::try_from(format!("{kind} {token}"));
        let mut authorization = value.map_err(|_| InvalidGrant::Unsendable)?;
        authorization.set_sensitive(true);
        let seconds = match &answer.expires_in {
            Some(Value::Number(number)) => number.as_u64().or_else(|| number.as_f64().map(|number| number as u64)),
            Some(Value::String(text)) => text.parse().ok(),
            _ => None,
        };
        let span = match seconds {
            None | Some(0) => UNLIMITED,
            Some(seconds) => Duration::from_secs(seconds.min(86_400 * 366)).saturating_sub(MARGIN),
        };
        let held = Held { authorization: authorization.clone(), until: now + span };
        self.held.store(Some(Arc::new(held)));
        Ok(authorization)
    }
}

/// An answer of a token endpoint (RFC 6749, 5.1).
#[derive(Deserialize)]
struct Answer {
    access_token: Option<String>,
    token_type: Option<String>,
    expires_in: Option<Value>,
}

/// Why an answer has no token. Nothing of it is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidGrant {
    /// It is not JSON, or not as RFC 6749 says.
    #[error("oauth2: cannot parse json: the answer is not one of a token endpoint")]
    Answer,
    /// There is no token in it.
    #[error("oauth2: server response missing access_token")]
    Missing,
    /// The token cannot be sent in a header.
    #[error("oauth2: the token cannot be sent in a header")]
    Unsendable,
}

#[cfg(test)]
mod tests;
