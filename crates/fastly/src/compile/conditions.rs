//! The conditions of a version, and what refers to them.

use std::collections::HashMap;

use backstay_proto::config;

use super::verdict::{Named, Verdict};
use crate::condition::{self, Scope};
use crate::object::{Condition, ConditionType, VersionSpec};

/// The conditions of a version, by their names.
#[derive(Debug)]
pub(super) struct Conditions<'a> {
    by_name: HashMap<&'a str, &'a Condition>,
    /// Those of type `REQUEST` that can be evaluated.
    compiled: HashMap<&'a str, config::Expression>,
    /// Names of those of type `REQUEST`, in the order in which they are looked at.
    order: Vec<&'a str>,
}

/// When something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum When<'a> {
    Always,
    /// When this condition holds.
    If(&'a str),
}

impl<'a> Conditions<'a> {
    /// Reads all conditions. Those that are of another type than `REQUEST` have a name and a type, and are never evaluated.
    pub(super) fn read(version: &'a VersionSpec, scope: &Scope, verdict: &mut Verdict) -> Self {
        let by_name = version.conditions.iter().map(|condition| (condition.name.as_str(), condition)).collect();
        let mut compiled = HashMap::new();
        let requests = version.conditions.iter().filter(|condition| condition.kind == ConditionType::Request);
        let mut requests: Vec<&Condition> = requests.collect();
        for condition in &requests {
            match condition::compile(&condition.statement, scope) {
                Ok(expression) => {
                    compiled.insert(condition.name.as_str(), expression);
                }
                Err(fault) => verdict.error(Named("Condition", &condition.name), fault.to_string()),
            }
        }
        // Stable: equal ones stay as they were made.
        requests.sort_by_key(|condition| condition.priority);
        let order = requests.into_iter().map(|condition| condition.name.as_str()).collect();
        Self { by_name, compiled, order }
    }

    /// What a reference to a condition of `kind` says. `None` when it leads to none.
    pub(super) fn find(
        &self,
        object: Named<'_>,
        name: Option<&'a str>,
        kind: ConditionType,
        verdict: &mut Verdict,
    ) -> Option<When<'a>> {
        let Some(name) = name.filter(|name| !name.is_empty()) else { return Some(When::Always) };
        match self.by_name.get(name) {
            None => verdict.error(object, format!("there is no condition '{name}'")),
            Some(found) if found.kind != kind => {
                verdict.error(object, format!("Condition '{name}' is not a {} condition", kind.word()));
            }
            Some(_) => return Some(When::If(name)),
        }
        None
    }

    /// The conditions on requests, in the order in which they are looked at.
    pub(super) fn in_order(&self) -> impl Iterator<Item = When<'a>> + '_ {
        self.order.iter().map(|name| When::If(name))
    }

    /// What is evaluated. `None` where nothing is: always, or a condition that was refused.
    pub(super) fn expression(&self, when: When<'_>) -> Option<config::Expression> {
        match when {
            When::Always => None,
            When::If(name) => self.compiled.get(name).cloned(),
        }
    }
}
