//! Programs that are known by what they call themselves.

use std::collections::HashSet;

use backstay_proto::config;
use regex::bytes::RegexSet;

use super::pattern;
use crate::fault::{Checked, Faults};

/// Which values of `User-Agent` are those of programs that are not wanted.
#[derive(Clone, Debug)]
pub struct Bots {
    allow: HashSet<Box<[u8]>>,
    deny: HashSet<Box<[u8]>>,
    patterns: Option<RegexSet>,
    empty: bool,
}

impl Bots {
    /// Whether a request with this value of `User-Agent` is refused; an absent one is empty. What is allowed by its whole value
    /// passes, before what is denied so or by a pattern.
    #[must_use]
    pub fn refuse(&self, agent: &[u8]) -> bool {
        if agent.is_empty() {
            return self.empty;
        }
        if self.allow.contains(agent) {
            return false;
        }
        self.deny.contains(agent) || self.patterns.as_ref().is_some_and(|patterns| patterns.is_match(agent))
    }
}

impl TryFrom<&config::BotDetection> for Bots {
    type Error = Faults;

    fn try_from(message: &config::BotDetection) -> Checked<Self> {
        let config::BotDetection { allow, deny, patterns, empty_is_bot } = message;
        let values = |of: &[String]| of.iter().map(|value| value.as_bytes().into()).collect();
        let patterns = match patterns.as_slice() {
            [] => None,
            some => Some(pattern::anywhere("patterns", some)?),
        };
        Ok(Self { allow: values(allow), deny: values(deny), patterns, empty: *empty_is_bot })
    }
}
