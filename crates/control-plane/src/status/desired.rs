//! The status that an object should have.

mod reached;
mod withdrawn;

use std::collections::BTreeMap;

use backstay_compiler::{CONDITION_TYPES, Condition, ListenerReport, ObjectKey, ParentReport, ProgrammedBy, Report};
use backstay_resources::gateway::{APOXY_CONTROLLER_NAME, CONTROLLER_NAME, ParentRef};
use backstay_resources::{ConditionStatus, Timestamp, apoxy, meta};
use serde::{Deserialize as _, Serialize};
use serde_json::{Map, Value, json};

use self::reached::Reached;
use crate::tracker::{NOT_REFERENCED, Programmed, Tracked, Tracker};

/// Types of conditions that are told here, beside those that the compiler tells.
const PROGRAMMED: &str = "Programmed";
const READY: &str = "Ready";

/// How the messages of `Programmed` begin.
const ACKNOWLEDGED: &str = "every connected proxy has acknowledged it";
const SEE: &str = "see the condition";
const UNUSED: &str = "nothing that a fleet serves uses it";
const NO_LISTENER: &str = "no listener is served; their conditions say why";
const NOBODY: &str = "no proxy of";
const WAITING: &str = "waiting for the proxies of";

/// Most proxies listed in the status of a fleet; the admin API lists all.
const LISTED_REPLICAS: usize = 500;

/// Most refusals listed in the status of a fleet, of all its proxies together; the admin API lists all.
const LISTED_REFUSALS: usize = 100;

/// The status of `key`, which has the status `old` now. `None` when nothing is known of the object.
pub(super) fn status(tracker: &Tracker, key: &ObjectKey, old: &Value, now: Timestamp) -> Option<Value> {
    if *key.kind == apoxy::PROXY {
        return Some(fleet(tracker, key, old, now));
    }
    if let Some(before) = tracker.withdrawn(key) {
        return Some(withdrawn::without(before, old));
    }
    let tracked = tracker.object(key)?;
    let merge = Merge { generation: tracked.status.generation, now, is_ours };
    let mut status = old.as_object().cloned().unwrap_or_default();
    let Report { conditions, programmed, listeners, parents, fields, .. } = &*tracked.status.report;
    let conditions = match programmed {
        ProgrammedBy::Nothing => conditions.clone(),
        ProgrammedBy::Version => {
            let programmed = tracker.programmed(tracked, &tracked.status.programs);
            match programmed {
                Programmed::Yes => put(&mut status, "acknowledgedVersion", tracker.version(tracked)),
                _ => drop(status.remove("acknowledgedVersion")),
            }
            with_programmed(&of_parents(conditions, parents.as_deref()), programmed)
        }
        ProgrammedBy::Listeners => {
            let all: Vec<_> = listeners.iter().map(|report| merge.listener(tracker, tracked, report, old)).collect();
            put(&mut status, "listeners", all);
            let reached = tracked.status.report.addresses.as_ref().map(|asked| Reached::find(tracker, asked, old));
            let values = reached.iter().flat_map(|reached| &reached.addresses);
            let values: Vec<_> = values.map(|value| json!({"type": "IPAddress", "value": value})).collect();
            put(&mut status, "addresses", values);
            let mut all = gateway_conditions(tracker, tracked, conditions, listeners);
            if let Some(fault) = reached.and_then(|reached| reached.fault) {
                fault.tell(&mut all);
            }
            all
        }
    };
    match parents {
        Some(parents) => {
            put(&mut status, "parents", merge.parents(tracker, tracked, parents, old));
            // What the parents' conditions say is said there, but for what kubectl is to wait for.
            let own: Vec<_> = conditions.into_iter().filter(|found| found.kind == PROGRAMMED).collect();
            match merge.conditions(&own, old.get("conditions")) {
                none if none.is_empty() => drop(status.remove("conditions")),
                all => put(&mut status, "conditions", all),
            }
        }
        None => put(&mut status, "conditions", merge.conditions(&conditions, old.get("conditions"))),
    }
    for (field, value) in fields {
        match value.is_null() {
            true => drop(status.remove(*field)),
            false => put(&mut status, field, value),
        }
    }
    Some(Value::Object(status))
}

/// A condition, and the part of an object that it is about.
#[derive(Debug)]
pub(crate) struct Told {
    /// `listener NAME` or `parent NAME`; empty for the object itself.
    pub(crate) part: String,
    /// What is said.
    pub(crate) condition: Condition,
}

/// All that is said of an object now, `Programmed` included.
pub(crate) fn told(tracker: &Tracker, tracked: &Tracked, now: Timestamp) -> Vec<Told> {
    let Report { conditions, programmed, listeners, parents, .. } = &*tracked.status.report;
    let own = match programmed {
        ProgrammedBy::Nothing => conditions.clone(),
        // Of a route, the parents have it.
        ProgrammedBy::Version if parents.is_some() => Vec::new(),
        ProgrammedBy::Version => with_programmed(conditions, tracker.programmed(tracked, &tracked.status.programs)),
        ProgrammedBy::Listeners => gateway_conditions(tracker, tracked, conditions, listeners),
    };
    let part = |part: String, all: Vec<Condition>| {
        all.into_iter().map(move |condition| Told { part: part.clone(), condition })
    };
    let listeners = listeners.iter().flat_map(|listener| {
        let programmed = tracker.programmed(tracked, &listener.programs);
        part(format!("listener {}", listener.name), with_programmed(&listener.conditions, programmed))
    });
    let parents = parents.iter().flatten().flat_map(|parent| {
        let programmed = tracker.programmed(tracked, &parent.programs);
        part(format!("parent {}", parent.parent_ref.name), with_programmed(&parent.conditions, programmed))
    });
    let all = part(String::new(), own).chain(listeners).chain(parents);
    all.filter(|told| told.condition.is_told(now)).collect()
}

/// The conditions of an object, and those of its parents, which say why nothing is served of a route.
fn of_parents(own: &[Condition], parents: Option<&[ParentReport]>) -> Vec<Condition> {
    own.iter().chain(parents.unwrap_or_default().iter().flat_map(|parent| &parent.conditions)).cloned().collect()
}

fn put(status: &mut Map<String, Value>, field: &str, value: impl Serialize) {
    status.insert(field.into(), json!(value));
}

/// Whether conditions of this type are told here, and by nobody else.
fn is_ours(kind: &str) -> bool {
    CONDITION_TYPES.contains(&kind) || kind == PROGRAMMED
}

/// A Gateway is programmed when it is accepted and every listener that is valid is programmed.
fn gateway_conditions(
    tracker: &Tracker,
    tracked: &Tracked,
    conditions: &[Condition],
    listeners: &[ListenerReport],
) -> Vec<Condition> {
    let mut programs = tracked.status.programs.clone();
    programs.extend(listeners.iter().flat_map(|listener| listener.programs.iter().cloned()));
    programs.sort();
    programs.dedup();
    let accepted = conditions.iter().find(|found| found.kind == "Accepted").map(|found| found.status);
    let programmed = match accepted {
        Some(ConditionStatus::False) => Programmed::Unused,
        _ => tracker.programmed(tracked, &programs),
    };
    let unused = programmed == Programmed::Unused;
    let mut all = with_programmed(conditions, programmed);
    // A Gateway is its own reason to be served: when nothing of it is, something is wrong with it.
    if let Some(found) = all.iter_mut().find(|found| found.kind == PROGRAMMED && found.reason == NOT_REFERENCED)
        && unused
    {
        (found.reason, found.message) = match accepted {
            Some(ConditionStatus::Unknown) => ("Pending", format!("{SEE} Accepted")),
            _ => ("Invalid", NO_LISTENER.to_owned()),
        };
    }
    all
}

/// `conditions` and what proxies say.
fn with_programmed(conditions: &[Condition], programmed: Programmed) -> Vec<Condition> {
    let wrong = conditions.iter().find(|found| match found.kind {
        "Conflicted" => found.status == ConditionStatus::True,
        _ => found.status == ConditionStatus::False,
    });
    let (status, reason, message) = match programmed {
        Programmed::Yes => (ConditionStatus::True, "Programmed", ACKNOWLEDGED.to_owned()),
        Programmed::Unused => match wrong {
            Some(found) => (ConditionStatus::False, "Invalid", format!("{SEE} {}", found.kind)),
            None => (ConditionStatus::False, NOT_REFERENCED, UNUSED.to_owned()),
        },
        Programmed::Pending { fleets, nobody: true } => {
            (ConditionStatus::False, "Pending", format!("{NOBODY} {fleets} is connected"))
        }
        Programmed::Pending { fleets, nobody: false } => {
            (ConditionStatus::False, "Pending", format!("{WAITING} {fleets}"))
        }
        Programmed::Refused { message } => (ConditionStatus::False, "Refused", message),
    };
    let mut all: Vec<Condition> = conditions.iter().filter(|found| found.kind != PROGRAMMED).cloned().collect();
    all.push(Condition { kind: PROGRAMMED, status, reason, message, since: None, until: None });
    all
}

/// Turns what is told into conditions, keeping the time of what did not change.
#[derive(Clone, Copy)]
struct Merge {
    generation: i64,
    now: Timestamp,
    /// Whether nobody else tells conditions of this type.
    is_ours: fn(&str) -> bool,
}

impl Merge {
    /// Ours are as they should be, each once, where the first of its type was. Others stay as they are, whatever they are,
    /// and where they are: who writes them in another order is not contradicted.
    fn conditions(self, given: &[Condition], old: Option<&Value>) -> Vec<Value> {
        let old = old.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let present = given.iter().filter(|found| found.is_told(self.now));
        let mut made: BTreeMap<&str, Value> = BTreeMap::new();
        let mut order = Vec::new();
        for found in present {
            order.push(found.kind);
            made.insert(found.kind, json!(self.condition(found, old)));
        }
        let mut conditions = Vec::with_capacity(old.len() + made.len());
        for before in old {
            match before["type"].as_str().filter(|kind| (self.is_ours)(kind)) {
                Some(kind) => conditions.extend(made.remove(kind)),
                None => conditions.push(before.clone()),
            }
        }
        conditions.extend(order.into_iter().filter_map(|kind| made.remove(kind)));
        conditions
    }

    /// One condition, with the time since when its status is what it is.
    fn condition(self, found: &Condition, old: &[Value]) -> meta::Condition {
        let old = old.iter().filter(|before| before["type"] == found.kind);
        let mut old = old.filter_map(|before| meta::Condition::deserialize(before).ok());
        let before = old.find(|before| before.status == found.status);
        meta::Condition {
            kind: found.kind.to_owned(),
            status: found.status,
            observed_generation: self.generation,
            last_transition_time: before.map_or(self.now, |before| before.last_transition_time),
            reason: found.reason.to_owned(),
            message: found.message.clone(),
        }
    }

    fn listener(self, tracker: &Tracker, tracked: &Tracked, report: &ListenerReport, old: &Value) -> Value {
        let before = old
            .get("listeners")
            .and_then(Value::as_array)
            .and_then(|all| all.iter().find(|status| status["name"] == report.name.as_str()));
        let programmed = tracker.programmed(tracked, &report.programs);
        let conditions = with_programmed(&report.conditions, programmed);
        json!({
            "name": report.name,
            "supportedKinds": report.supported_kinds,
            "attachedRoutes": report.attached_routes,
            "conditions": self.conditions(&conditions, before.and_then(|before| before.get("conditions"))),
        })
    }

    /// The statuses of other controllers' parents stay as they are, and where they are.
    fn parents(self, tracker: &Tracker, tracked: &Tracked, reports: &[ParentReport], old: &Value) -> Vec<Value> {
        let old = old.get("parents").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut left: Vec<&ParentReport> = reports.iter().collect();
        let mut parents = Vec::with_capacity(old.len() + left.len());
        for before in old {
            let controller = before["controllerName"].as_str().unwrap_or_default();
            if ![CONTROLLER_NAME, APOXY_CONTROLLER_NAME].contains(&controller) {
                parents.push(before.clone());
                continue;
            }
            let parent_ref = ParentRef::deserialize(&before["parentRef"]).ok();
            if let Some(at) = left.iter().position(|report| Some(&report.parent_ref) == parent_ref.as_ref()) {
                parents.push(self.parent(tracker, tracked, left.remove(at), before.get("conditions")));
            }
        }
        parents.extend(left.into_iter().map(|report| self.parent(tracker, tracked, report, None)));
        parents
    }

    fn parent(self, tracker: &Tracker, tracked: &Tracked, report: &ParentReport, old: Option<&Value>) -> Value {
        let programmed = tracker.programmed(tracked, &report.programs);
        let conditions = with_programmed(&report.conditions, programmed);
        json!({
            "parentRef": report.parent_ref,
            "controllerName": report.controller_name,
            "conditions": self.conditions(&conditions, old),
        })
    }
}

/// The conditions of a fleet, with what is told of what its spec asks of its proxies, if it asks for anything; and the version that
/// they have acknowledged.
fn told_of_fleet(
    tracker: &Tracker,
    key: &ObjectKey,
    conditions: &Value,
    now: Timestamp,
) -> (Vec<Value>, Option<String>) {
    let tracked = tracker.object(key);
    let merge = Merge { generation: tracked.map_or(0, |tracked| tracked.status.generation), now, is_ours };
    let asked = tracked.filter(|tracked| tracked.status.report.programmed == ProgrammedBy::Version);
    let told = asked.map(|tracked| {
        let programmed = tracker.programmed(tracked, &tracked.status.programs);
        let version = (programmed == Programmed::Yes).then(|| tracker.version(tracked));
        (with_programmed(&tracked.status.report.conditions, programmed), version)
    });
    let (told, version) = told.unwrap_or_default();
    (merge.conditions(&told, Some(conditions)), version)
}

/// The status of a fleet.
fn fleet(tracker: &Tracker, key: &ObjectKey, old: &Value, now: Timestamp) -> Value {
    let name = &*key.name;
    let proxies = tracker.proxies(name);
    let refusing = proxies.iter().filter(|stream| stream.refused().next().is_some()).count();
    let (status, reason, message) = match (proxies.len(), refusing) {
        (0, _) => (ConditionStatus::False, "NoProxies", "no proxy is connected".to_owned()),
        (count, 0) => (ConditionStatus::True, "Ready", format!("{count} connected")),
        (count, refusing) => (ConditionStatus::False, "Refused", format!("{refusing} of {count} refuse something")),
    };
    let merge = Merge { generation: 0, now, is_ours: |kind| kind == READY };
    let found = Condition { kind: READY, status, reason, message, since: None, until: None };
    let mut replicas: Vec<apoxy::ProxyReplica> = Vec::new();
    let mut room = LISTED_REFUSALS;
    for stream in proxies.iter().take(LISTED_REPLICAS) {
        let refused = stream.refused().take(room).map(|(resource, refusal)| apoxy::Refusal {
            resource: resource.to_string(),
            field: refusal.field.clone(),
            message: refusal.message.clone(),
        });
        let refused: Vec<_> = refused.collect();
        room -= refused.len();
        replicas.push(apoxy::ProxyReplica {
            name: stream.node_id.clone(),
            connected_at: stream.connected,
            address: stream.address.clone(),
            version: stream.version.clone(),
            refused,
            pending_since: stream.late_since(),
        });
    }
    let mut status = old.as_object().cloned().unwrap_or_default();
    let conditions = json!(merge.conditions(&[found], old.get("conditions")));
    let (conditions, version) = told_of_fleet(tracker, key, &conditions, now);
    put(&mut status, "conditions", conditions);
    match version {
        Some(version) => put(&mut status, "acknowledgedVersion", version),
        None => drop(status.remove("acknowledgedVersion")),
    }
    match replicas.is_empty() {
        true => drop(status.remove("replicas")),
        false => put(&mut status, "replicas", replicas),
    }
    Value::Object(status)
}
