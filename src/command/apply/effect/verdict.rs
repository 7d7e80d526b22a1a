//! What the status of an object says about what its manifest promises.

use serde_json::Value;

/// What the status of an object says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It has taken effect, or there is nothing to wait for.
    Done,
    /// It has no effect, or not all of it, until something else is changed; which condition says so.
    Failed(String),
    /// Proxies do not have it yet.
    Pending(String),
    /// Nothing about the object as it is now.
    Silent,
}

impl Verdict {
    /// Why there is no effect, if there is none.
    fn fault(self) -> Option<String> {
        match self {
            Self::Done => None,
            Self::Failed(why) | Self::Pending(why) => Some(why),
            Self::Silent => {
                Some("has no status as it is now: the control plane has not said anything about it".to_owned())
            }
        }
    }
}

/// Judges an object by its status.
pub(super) type Judge = fn(&Value) -> Verdict;

/// How objects of a kind are judged, which has this [label](crate::client::ResourceType::label). `None` for those that promise nothing.
pub(super) fn judge(label: &str) -> Option<Judge> {
    match label.split_once('.').map_or(label, |(kind, _)| kind) {
        "gateway" => Some(gateway),
        "backend" => Some(backend),
        "backendpolicy" => Some(policy),
        "httproute" => Some(route),
        "secret" => Some(secret),
        "krakendconfig" => Some(krakend),
        _ => None,
    }
}

/// Types of conditions that are bad news when they are true.
const BAD_WHEN_TRUE: [&str; 2] = ["Conflicted", "PartiallyInvalid"];

/// Types of conditions that each object of a kind has, besides `Programmed`.
const EXPECTED: [&str; 2] = ["Accepted", "ResolvedRefs"];

/// The verdict of a list of conditions: of those that the manifest promises in `effect`'s words, the first that says otherwise.
/// `expected` are there when anything is.
fn conditions(object: &Value, conditions: &Value, expected: &[&str], effect: &str) -> Verdict {
    for kind in expected {
        if current(object, conditions, kind).is_none() {
            return Verdict::Silent;
        }
    }
    for kind in EXPECTED.into_iter().chain(BAD_WHEN_TRUE) {
        let Some(condition) = current(object, conditions, kind) else { continue };
        let text = |field: &str| condition[field].as_str().unwrap_or_default();
        let is_bad = if BAD_WHEN_TRUE.contains(&kind) {
            text("status") == "True"
        } else {
            text("status") != "True" || text("reason") == "ListenersNotValid"
        };
        if is_bad {
            return Verdict::Failed(format!("{effect}: {}", told(condition)));
        }
    }
    programmed(object, conditions, effect)
}

/// The verdict of the condition `Programmed`.
fn programmed(object: &Value, conditions: &Value, effect: &str) -> Verdict {
    let Some(condition) = current(object, conditions, "Programmed") else { return Verdict::Silent };
    let text = |field: &str| condition[field].as_str().unwrap_or_default();
    match (text("status"), text("reason")) {
        ("True", _) => Verdict::Done,
        (_, "Pending") => Verdict::Pending(format!("{effect}: {}", text("message"))),
        _ => Verdict::Failed(format!("{effect}: {}", told(condition))),
    }
}

/// A condition in words: type, reason and message.
fn told(condition: &Value) -> String {
    let text = |field: &str| condition[field].as_str().unwrap_or_default();
    let separator = if text("message").is_empty() { "" } else { ": " };
    format!("{} is {} ({}){separator}{}", text("type"), text("status"), text("reason"), text("message"))
}

/// A Gateway: it is accepted whole, each listener is, has its certificates and no conflict, and proxies serve them.
fn gateway(object: &Value) -> Verdict {
    let status = &object["status"];
    let own = conditions(object, &status["conditions"], &["Accepted"], "is not served");
    let listeners = status["listeners"].as_array().map(Vec::as_slice).unwrap_or_default();
    // What its listeners say is more precise, so it is told first.
    worst(listeners.iter().map(|status| listener(object, status)).chain([own]))
}

/// A listener of a Gateway, by its status.
fn listener(gateway: &Value, status: &Value) -> Verdict {
    let effect = format!("is not served whole: listener {}", status["name"].as_str().unwrap_or_default());
    conditions(gateway, &status["conditions"], &EXPECTED, &effect)
}

/// Why a listener of a Gateway does not serve, or not as it is written. `None` when it does.
pub(crate) fn listener_fault(gateway: &Value, name: &str) -> Option<String> {
    let all = gateway["status"]["listeners"].as_array().map(Vec::as_slice).unwrap_or_default();
    let status = all.iter().find(|status| status["name"] == name);
    status.map_or(Verdict::Silent, |status| listener(gateway, status)).fault()
}

/// Why a route is not served by one of its parents, or not as it is written. `None` when it is.
pub(crate) fn parent_fault(route: &Value, parent_ref: &Value) -> Option<String> {
    let all = route["status"]["parents"].as_array().map(Vec::as_slice).unwrap_or_default();
    let same = |status: &&Value| {
        ["name", "namespace", "sectionName", "port"].iter().all(|field| status["parentRef"][field] == parent_ref[field])
    };
    all.iter().find(same).map_or(Verdict::Silent, |status| parent(route, status)).fault()
}

/// A Backend: well formed, with all that it refers to, and where a route leads to it, acknowledged.
fn backend(object: &Value) -> Verdict {
    let all = &object["status"]["conditions"];
    match current(object, all, "Programmed") {
        // One that no route leads to is sent to no proxy.
        Some(condition) if condition["reason"] == "NotReferenced" => Verdict::Done,
        _ => conditions(object, all, &["Accepted"], "is not served"),
    }
}

/// A BackendPolicy: it applies to what it names, and proxies have it as far as these are served.
fn policy(object: &Value) -> Verdict {
    let all = &object["status"]["conditions"];
    match conditions(object, all, &EXPECTED, "does not apply as it is") {
        Verdict::Failed(_) if is_unused(object, all) => Verdict::Done,
        // The words that tell which of the two it is.
        Verdict::Pending(why) => Verdict::Pending(why.replacen("does not apply as it is", "is not served", 1)),
        other => other,
    }
}

/// A Secret: where proxies use it, they have it. One that nobody uses, or that is no certificate, promises nothing.
fn secret(object: &Value) -> Verdict {
    let all = &object["status"]["conditions"];
    match conditions(object, all, &["Accepted"], "is not served") {
        Verdict::Silent if object["type"] != "kubernetes.io/tls" => Verdict::Done,
        Verdict::Failed(_) if is_unused(object, all) => Verdict::Done,
        other => other,
    }
}

/// A KrakendConfig: it is taken whole, and proxies serve it.
fn krakend(object: &Value) -> Verdict {
    match conditions(object, &object["status"]["conditions"], &["Accepted"], "is not served as it is") {
        // The words that tell which of the two it is.
        Verdict::Pending(why) => Verdict::Pending(why.replacen("is not served as it is", "is not served", 1)),
        other => other,
    }
}

/// Why a KrakendConfig is not served, or not as it is written. `None` when it is.
pub(crate) fn krakend_fault(object: &Value) -> Option<String> {
    krakend(object).fault()
}

/// Whether all that is not as promised is that nothing uses the object.
fn is_unused(object: &Value, all: &Value) -> bool {
    let good = |kind: &&str| current(object, all, kind).is_none_or(|found| found["status"] == "True");
    EXPECTED.iter().all(good)
        && current(object, all, "Programmed").is_some_and(|condition| condition["reason"] == "NotReferenced")
}

/// An HTTPRoute: each parent that is ours has taken it whole, and its proxies have it.
fn route(object: &Value) -> Verdict {
    let parents = object["status"]["parents"].as_array().map(Vec::as_slice).unwrap_or_default();
    // Of Gateways that are another controller's, there is nothing to hear; of none at all there is nothing good to say.
    if parents.is_empty() { Verdict::Silent } else { worst(parents.iter().map(|status| parent(object, status))) }
}

/// A route at one of its parents, by its status.
fn parent(route: &Value, status: &Value) -> Verdict {
    let name = status["parentRef"]["name"].as_str().unwrap_or_default();
    let partly = is_partly(route, &status["conditions"]);
    let effect = if partly { format!("is not served whole by {name}") } else { format!("is not served by {name}") };
    conditions(route, &status["conditions"], &EXPECTED, &effect)
}

fn is_partly(object: &Value, conditions: &Value) -> bool {
    current(object, conditions, "PartiallyInvalid").is_some_and(|condition| condition["status"] == "True")
}

/// Whether it is a route that leads nowhere.
pub(super) fn has_no_parents(object: &Value) -> bool {
    object["kind"] == "HTTPRoute" && object["spec"]["parentRefs"].as_array().is_none_or(Vec::is_empty)
}

/// The worst of verdicts, the first where there are several.
fn worst(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    let rank = |verdict: &Verdict| match verdict {
        Verdict::Done => 0,
        Verdict::Pending(_) => 1,
        Verdict::Silent => 2,
        Verdict::Failed(_) => 3,
    };
    verdicts.reduce(|first, next| if rank(&next) > rank(&first) { next } else { first }).unwrap_or(Verdict::Silent)
}

/// A condition, if it is about the object as it is now.
fn current<'a>(object: &Value, conditions: &'a Value, kind: &str) -> Option<&'a Value> {
    let condition = conditions.as_array()?.iter().find(|condition| condition["type"] == kind)?;
    let generation = object["metadata"]["generation"].as_i64().unwrap_or_default();
    (condition["observedGeneration"].as_i64().unwrap_or_default() >= generation).then_some(condition)
}
