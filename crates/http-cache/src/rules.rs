//! What is kept, how long it is fresh, and what may be served when it is not (RFC 9111, 3 and 4; RFC 5861, 4).

use std::time::{Duration, SystemTime};

use http::StatusCode;
use http::header::{AGE, DATE, ETAG, EXPIRES, HeaderMap, HeaderName, LAST_MODIFIED, SET_COOKIE, VARY};

use crate::directives::{Directives, seconds};
use crate::question::Question;
use crate::stored::Stored;

/// Whether an answer is kept.
pub(crate) fn is_kept(question: &Question<'_>, status: StatusCode, headers: &HeaderMap) -> bool {
    let directives = Directives::of(headers);
    let is_whole = !status.is_informational() && status != StatusCode::PARTIAL_CONTENT;
    let is_of_use = is_fresh_for_a_while(headers, &directives) || has_validator(headers);
    let varies_by_all = headers.get_all(VARY).iter().any(|value| value.as_bytes().contains(&b'*'));
    question.is_cacheable()
        && is_whole
        && status != StatusCode::NOT_MODIFIED
        && is_of_use
        && !directives.has("no-store")
        && !question.directives().has("no-store")
        && !varies_by_all
        && !headers.contains_key(SET_COOKIE)
}

fn has_validator(headers: &HeaderMap) -> bool {
    headers.contains_key(ETAG) || headers.contains_key(LAST_MODIFIED)
}

fn is_fresh_for_a_while(headers: &HeaderMap, directives: &Directives) -> bool {
    match directives.seconds("max-age") {
        Some(age) => !age.is_zero(),
        None => headers.contains_key(EXPIRES),
    }
}

impl Stored {
    /// Whether it may be the answer without the server being asked.
    pub(crate) fn is_fresh(&self, asked: &Directives, now: SystemTime) -> bool {
        let said = Directives::of(&self.answer.headers);
        if asked.has("no-cache") || said.has("no-cache") {
            return false;
        }
        let mut lifetime = self.lifetime(&said);
        if let Some(wanted) = asked.seconds("max-age") {
            lifetime = lifetime.min(wanted);
        }
        let age = self.age(now).saturating_add(asked.seconds("min-fresh").unwrap_or_default());
        if lifetime > age {
            return true;
        }
        match asked.optional_seconds("max-stale") {
            _ if said.has("must-revalidate") => false,
            Some(Some(allowed)) => lifetime.saturating_add(allowed) > age,
            Some(None) => true,
            None => false,
        }
    }

    /// Whether it may be the answer though the server failed to answer.
    pub(crate) fn is_better_than_an_error(&self, asked: &Directives, now: SystemTime) -> bool {
        let said = Directives::of(&self.answer.headers);
        if said.has("must-revalidate") || said.has("no-cache") || asked.has("no-cache") {
            return false;
        }
        let allowed = said.optional_seconds("stale-if-error").or_else(|| asked.optional_seconds("stale-if-error"));
        match allowed {
            Some(Some(allowed)) => self.lifetime(&said).saturating_add(allowed) > self.age(now),
            Some(None) => true,
            None => false,
        }
    }

    fn lifetime(&self, said: &Directives) -> Duration {
        if let Some(age) = said.seconds("max-age") {
            return age;
        }
        let expires = date(&self.answer.headers, &EXPIRES);
        expires.and_then(|expires| expires.duration_since(self.date()).ok()).unwrap_or_default()
    }

    /// How old it is (RFC 9111, 4.2.3).
    pub(crate) fn age(&self, now: SystemTime) -> Duration {
        let since = |later: SystemTime, earlier| later.duration_since(earlier).unwrap_or_default();
        let said = self.answer.headers.get(AGE).map(|value| seconds(value.to_str().ok())).unwrap_or_default();
        let on_the_way = said.saturating_add(since(self.came_at, self.asked_at));
        let apparent = since(self.came_at, self.date());
        on_the_way.max(apparent).saturating_add(since(now, self.came_at))
    }

    fn date(&self) -> SystemTime {
        date(&self.answer.headers, &DATE).unwrap_or(self.came_at)
    }
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()
}
