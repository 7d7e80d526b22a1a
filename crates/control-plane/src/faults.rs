//! What is not in force: the objects whose conditions say so, counted and listed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use backstay_compiler::Condition;
use backstay_resources::{ConditionStatus, Timestamp};
use serde_json::Value;

use crate::shared::Shared;
use crate::status::{Told, told};
use crate::tracker::NOT_REFERENCED;

/// How long figures are given again before objects are counted anew: who asks more often gets the same.
const FRESH: Duration = Duration::from_secs(5);

/// How many faults are listed.
pub(crate) const LISTED: usize = 500;

/// Something that is not in force, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Such as `HTTPRoute`.
    pub(crate) kind: &'static str,
    /// Empty for a cluster-scoped kind.
    pub(crate) namespace: String,
    /// Of the object.
    pub(crate) name: String,
    /// The listener or the parent that it is about; empty for the object itself.
    pub(crate) part: String,
    /// Type of the condition that says so.
    pub(crate) condition: &'static str,
    /// Its reason.
    pub(crate) reason: &'static str,
    /// Its message.
    pub(crate) message: String,
}

/// Whether a condition is bad news. That nothing uses an object is none.
fn is_bad(condition: &Condition) -> bool {
    match condition.kind {
        "Conflicted" | "PartiallyInvalid" | "CertificateExpired" | "CertificateNotYetValid" => {
            condition.status == ConditionStatus::True
        }
        "Insecure" => false,
        _ => condition.status != ConditionStatus::True && condition.reason != NOT_REFERENCED,
    }
}

/// What is not in force, in the order of kinds and names: the first [`LISTED`], and how many there are.
pub(crate) fn list(shared: &Shared) -> (Vec<Fault>, usize) {
    let (mut faults, mut count) = (Vec::new(), 0);
    let now = Timestamp::now();
    let tracker = shared.read();
    let mut objects: Vec<_> = tracker.objects().collect();
    objects.sort_by_key(|(key, _)| *key);
    for (key, tracked) in objects {
        let all = told(&tracker, tracked, now);
        // That a Gateway or a route is not served whole, its parts say more precisely.
        let says_more = all.iter().any(|told| !told.part.is_empty() && is_bad(&told.condition));
        for Told { part, condition } in all {
            // `Programmed` follows from the others where these are bad.
            let follows = condition.reason == "Invalid" && condition.kind == "Programmed";
            if !is_bad(&condition) || follows || (says_more && part.is_empty()) {
                continue;
            }
            count += 1;
            if faults.len() < LISTED {
                faults.push(Fault {
                    kind: key.kind.kind,
                    namespace: key.namespace.to_string(),
                    name: key.name.to_string(),
                    part,
                    condition: condition.kind,
                    reason: condition.reason,
                    message: condition.message,
                });
            }
        }
    }
    (faults, count)
}

/// Figures about objects, in Prometheus' text format.
#[derive(Debug, Default)]
pub(crate) struct ObjectFigures {
    last: Mutex<Option<(Instant, String)>>,
}

impl ObjectFigures {
    /// How many objects have which condition, and when certificates expire. Counted anew every few seconds at most.
    pub(crate) fn render(&self, shared: &Shared) -> String {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, text)) = last.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return text.clone();
        }
        let text = render(shared);
        *last = Some((Instant::now(), text.clone()));
        text
    }
}

fn render(shared: &Shared) -> String {
    let mut counts: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
    let mut expiries = BTreeMap::new();
    let now = Timestamp::now();
    {
        let tracker = shared.read();
        for (key, tracked) in tracker.objects() {
            // Of several parts of an object, the worst counts.
            let mut worst: BTreeMap<&str, (bool, &str)> = BTreeMap::new();
            for Told { condition, .. } in told(&tracker, tracked, now) {
                let status = match condition.status {
                    ConditionStatus::True => "True",
                    ConditionStatus::False => "False",
                    ConditionStatus::Unknown => "Unknown",
                };
                let found = (is_bad(&condition), status);
                let known = worst.entry(condition.kind).or_insert(found);
                *known = (*known).max(found);
            }
            for (condition, (_, status)) in worst {
                *counts.entry((key.kind.kind, condition, status)).or_default() += 1;
            }
            let expires = tracked.status.report.fields.get("certificateExpires").and_then(Value::as_str);
            if let Some(expires) = expires.and_then(|text| text.parse::<jiff::Timestamp>().ok()) {
                expiries.insert((key.namespace.clone(), key.name.clone()), expires.as_second());
            }
        }
    }
    let mut text = String::new();
    let _ =
        writeln!(text, "# HELP backstay_objects Objects by a condition of their status; of several parts the worst.");
    let _ = writeln!(text, "# TYPE backstay_objects gauge");
    for ((kind, condition, status), count) in counts {
        let _ =
            writeln!(text, "backstay_objects{{kind=\"{kind}\",condition=\"{condition}\",status=\"{status}\"}} {count}");
    }
    let _ = writeln!(
        text,
        "# HELP backstay_certificate_expiry_seconds When the certificate of a Secret expires, since 1970."
    );
    let _ = writeln!(text, "# TYPE backstay_certificate_expiry_seconds gauge");
    for ((namespace, name), expires) in expiries {
        let _ = writeln!(
            text,
            "backstay_certificate_expiry_seconds{{namespace=\"{namespace}\",secret=\"{name}\"}} {expires}"
        );
    }
    text
}

#[cfg(test)]
mod tests;
