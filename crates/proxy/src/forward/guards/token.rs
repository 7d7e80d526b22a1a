//! Tokens that requests must carry.
//!
//! A token is judged at once where the keys are there. Where they are not, the request waits until they have been fetched, and is
//! decided on again: what is in force may have changed meanwhile.
//!
//! # Layout
//!
//! - `carried`: where a request has its token. `fetch`: keys from where they are. `wait`: requests for which they are fetched.

mod carried;
mod fetch;
mod wait;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use backstay_token::{Claims, Refusal, Unverified, claim_text};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::time::Instant;

use super::answer::Answer;
use super::inquiry::Inquiry;
use crate::counts::{Guard, TokenCounts};
use crate::exchange::Exchange;
use crate::local_reply::{Flag, LocalReply};
use crate::tokens::{KeyRing, KeySource, Lookup, NoWait, Validator};
pub(in crate::forward) use wait::Waiter;

/// What a rule's validator says of a request.
pub(super) enum Judgement {
    /// It carries a token that is good enough.
    Accepted(Arc<Claims>),
    /// It does not.
    Refused(Refusal),
    /// That is not known before keys have been fetched.
    Undecided(Waiter),
}

/// Judges the token of a request. One that has waited does not wait again.
pub(super) fn judge(validator: &Validator, inquiry: Inquiry<'_>, waited: bool) -> Judgement {
    let token = match carried::token(&validator.wanted, &inquiry.parts.headers) {
        Ok(token) => token,
        Err(refusal) => return Judgement::Refused(refusal),
    };
    let claims = match claims(validator, token, inquiry.exchange, waited) {
        Ok(claims) => claims,
        Err(judgement) => return judgement,
    };
    match check(validator, &claims) {
        Ok(()) => Judgement::Accepted(claims),
        Err(refusal) => Judgement::Refused(refusal),
    }
}

/// What a genuine token says.
fn claims(validator: &Validator, token: &str, exchange: &Exchange, waited: bool) -> Result<Arc<Claims>, Judgement> {
    let algorithm = validator.wanted.algorithm;
    let thread = &exchange.client.thread;
    let counts = &thread.shared.metrics.tokens;
    let refuse = |refusal| Err(Judgement::Refused(refusal));
    let read = || {
        let read = Unverified::read(token).map_err(Judgement::Refused)?;
        if read.is_signed_with(algorithm) { Ok(read) } else { Err(Judgement::Refused(Refusal::Algorithm)) }
    };
    let (keys, backend, port) = match &validator.keys {
        KeySource::None => return refuse(Refusal::NoKeys),
        KeySource::Here(ring) => {
            return match ring.remember(token, algorithm) {
                Some(claims) => Ok(remembered(claims, counts)),
                None => verify(validator, ring, token, &read()?, counts),
            };
        }
        KeySource::Remote { keys, backend, port } => (keys, backend, *port),
    };
    let now = Instant::now();
    let refresh = |ageing: bool| {
        if ageing
            && let Some(backend) = backend
            && let Some(turn) = keys.take_turn(now)
        {
            fetch::start(thread, turn, backend, port);
        }
    };
    if let Some((held, ageing)) = keys.fresh(now)
        && let Some(claims) = held.ring.remember(token, algorithm)
    {
        refresh(ageing);
        return Ok(remembered(claims, counts));
    }
    let read = read()?;
    match keys.look(&read.key(keys.source().identity), now) {
        Lookup::Ready(held) => verify(validator, &held.ring, token, &read, counts),
        Lookup::Ageing(held) => {
            refresh(true);
            verify(validator, &held.ring, token, &read, counts)
        }
        Lookup::Refused(refusal) => refuse(refusal),
        Lookup::Missing if waited => refuse(Refusal::NoKeys),
        Lookup::Missing => {
            let Some(backend) = backend else { return refuse(Refusal::NoKeys) };
            let (waiting, turn) = match keys.wait(now) {
                Ok(wait) => wait,
                Err(reason) => {
                    counts.crowded.increment(u64::from(reason == NoWait::Crowded));
                    return refuse(Refusal::NoKeys);
                }
            };
            if let Some(turn) = turn {
                fetch::start(thread, turn, backend, port);
            }
            counts.waited.increment(1);
            Err(Judgement::Undecided(Waiter::new(waiting)))
        }
    }
}

fn remembered(claims: Arc<Claims>, counts: &TokenCounts) -> Arc<Claims> {
    counts.remembered.increment(1);
    claims
}

fn verify(
    validator: &Validator,
    ring: &KeyRing,
    token: &str,
    read: &Unverified<'_>,
    counts: &TokenCounts,
) -> Result<Arc<Claims>, Judgement> {
    let claims = ring.verify(token, read, validator.wanted.algorithm).map_err(Judgement::Refused)?;
    counts.verified.increment(1);
    Ok(claims)
}

/// Whether what a genuine token says is good enough.
fn check(validator: &Validator, claims: &Claims) -> Result<(), Refusal> {
    let wanted = &validator.wanted;
    claims.check(&wanted.expected, SystemTime::now())?;
    if let Some(revocation) = &wanted.revocation {
        let revoked = validator.revoked.as_ref().ok_or(Refusal::RevocationsUnknown)?;
        if revoked.load().has_claim(claims, &revocation.claims) {
            return Err(Refusal::Revoked);
        }
    }
    if let Some(expressions) = &wanted.expressions {
        let all = claims.members().iter().map(|(name, claim)| (name.as_str().into(), value(claim)));
        expressions.check_claims(&backstay_cel::Value::members(all)).map_err(|_| Refusal::Expression)?;
    }
    if let Some(roles) = &wanted.roles {
        roles.check(claims)?;
    }
    if let Some(scopes) = &wanted.scopes {
        scopes.check(claims)?;
    }
    Ok(())
}

/// A claim, as expressions see it: numbers are doubles.
fn value(claim: &serde_json::Value) -> backstay_cel::Value {
    use backstay_cel::Value;
    match claim {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(truth) => Value::Bool(*truth),
        serde_json::Value::Number(number) => Value::Double(number.as_f64().unwrap_or(f64::NAN)),
        serde_json::Value::String(text) => Value::text(text.as_str()),
        serde_json::Value::Array(elements) => Value::List(Arc::new(elements.iter().map(value).collect())),
        serde_json::Value::Object(members) => {
            Value::members(members.iter().map(|(name, claim)| (name.as_str().into(), value(claim))))
        }
    }
}

/// Puts the claims into the headers that the validator has for them, in place of what the client sent there.
pub(super) fn propagate(validator: &Validator, claims: &Claims, headers: &mut HeaderMap) -> Result<(), Refusal> {
    for (path, header) in &validator.wanted.propagated {
        let text = claim_text(claims, path).unwrap_or_default();
        let value = HeaderValue::from_bytes(text.as_bytes()).map_err(|_| Refusal::Unsendable)?;
        headers.insert(header, value);
    }
    Ok(())
}

/// What a request is answered whose token is refused: a status alone. Why, is told to the operator.
pub(super) fn refuse(validator: &Validator, refusal: Refusal, exchange: &Exchange) -> Answer {
    exchange.client.thread.shared.metrics.tokens.refuse(refusal);
    if validator.wanted.log_refusals {
        let peer = exchange.peer();
        tracing::info!(%peer, cause = %refusal, "a token was refused");
    }
    let status = if refusal.is_forbidden() { StatusCode::FORBIDDEN } else { StatusCode::UNAUTHORIZED };
    let details = Cow::Owned(format!("token_{}", refusal.name()));
    Answer::new(Guard::Token, LocalReply { status, body: Cow::Borrowed(""), flag: Flag::None, details })
}

/// What a request's token says, for whoever needs more of it than headers.
#[derive(Debug, Clone)]
pub(in crate::forward) struct Accepted(pub(in crate::forward) Arc<Claims>);

impl Accepted {
    /// Keeps it with the request.
    pub(super) fn keep(self, parts: &mut Parts) {
        parts.extensions.insert(self);
    }
}
