//! The status that an object should have.

use std::collections::BTreeMap;

use backstay_compiler::{CONDITION_TYPES, Finding, ListenerReport, ObjectKey, ParentReport, Report};
use backstay_resources::gateway::{APOXY_CONTROLLER_NAME, CONTROLLER_NAME, ListenerStatus, RouteParentStatus};
use backstay_resources::{Condition, ConditionStatus, Timestamp, apoxy};
use serde::{Deserialize as _, Serialize};
use serde_json::{Map, Value, json};

use crate::tracker::{Programmed, Stream, Tracked, Tracker};

/// Types of conditions that are told here, beside those that the compiler tells.
const PROGRAMMED: &str = "Programmed";
const READY: &str = "Ready";

/// Most proxies listed in the status of a fleet; the admin API lists all.
const LISTED_REPLICAS: usize = 500;

/// Most refusals listed in the status of a fleet, of all its proxies together; the admin API lists all.
const LISTED_REFUSALS: usize = 100;

/// The status of `key`, which has the status `old` now. `None` when nothing is known of the object.
pub(super) fn status(tracker: &Tracker, key: &ObjectKey, old: &Value, now: Timestamp) -> Option<Value> {
    if key.kind.kind == apoxy::PROXY.kind {
        return Some(fleet(tracker, &key.name, old, now));
    }
    let tracked = tracker.object(key)?;
    let is_ours = |kind: &str| CONDITION_TYPES.contains(&kind) || kind == PROGRAMMED;
    let merge = Merge { generation: tracked.status.generation, now, is_ours };
    let mut status = old.as_object().cloned().unwrap_or_default();
    match &tracked.status.report {
        Report::Backend { conditions } | Report::BackendPolicy { conditions } => {
            let programmed = tracker.programmed(tracked, &tracked.status.programs);
            match programmed {
                Programmed::Yes => put(&mut status, "acknowledgedVersion", tracker.version(tracked)),
                _ => drop(status.remove("acknowledgedVersion")),
            }
            let findings = with_programmed(conditions, programmed);
            put(&mut status, "conditions", merge.conditions(&findings, old.get("conditions")));
        }
        Report::GatewayClass { conditions } => {
            put(&mut status, "conditions", merge.conditions(conditions, old.get("conditions")));
        }
        Report::Gateway { conditions, listeners, addresses } => {
            let findings = with_programmed(conditions, gateway_programmed(tracker, tracked, listeners));
            put(&mut status, "conditions", merge.conditions(&findings, old.get("conditions")));
            let listeners: Vec<_> =
                listeners.iter().map(|report| merge.listener(tracker, tracked, report, old)).collect();
            put(&mut status, "listeners", listeners);
            put(&mut status, "addresses", addresses);
        }
        Report::HttpRoute { parents } => {
            let parents = merge.parents(parents, old);
            put(&mut status, "parents", parents);
        }
    }
    Some(Value::Object(status))
}

fn put(status: &mut Map<String, Value>, field: &str, value: impl Serialize) {
    status.insert(field.into(), json!(value));
}

/// A Gateway is programmed when every listener that is valid is.
fn gateway_programmed(tracker: &Tracker, tracked: &Tracked, listeners: &[ListenerReport]) -> Programmed {
    let mut programs = tracked.status.programs.clone();
    programs.extend(listeners.iter().flat_map(|listener| listener.programs.iter().cloned()));
    programs.sort();
    programs.dedup();
    tracker.programmed(tracked, &programs)
}

/// `conditions` and what proxies say.
fn with_programmed(conditions: &[Finding], programmed: Programmed) -> Vec<Finding> {
    let wrong = conditions.iter().find(|found| match found.kind {
        "Conflicted" => found.status == ConditionStatus::True,
        _ => found.status == ConditionStatus::False,
    });
    let (status, reason, message) = match programmed {
        Programmed::Yes => {
            (ConditionStatus::True, "Programmed", "every connected proxy has acknowledged it".to_owned())
        }
        Programmed::Unused => match wrong {
            Some(found) => (ConditionStatus::False, "Invalid", format!("see the condition {}", found.kind)),
            None => (ConditionStatus::False, "NotReferenced", "nothing that a fleet serves uses it".to_owned()),
        },
        Programmed::Pending { fleets, nobody: true } => {
            (ConditionStatus::False, "Pending", format!("no proxy of {fleets} is connected"))
        }
        Programmed::Pending { fleets, nobody: false } => {
            (ConditionStatus::False, "Pending", format!("waiting for the proxies of {fleets}"))
        }
        Programmed::Refused { message } => (ConditionStatus::False, "Refused", message),
    };
    let mut all: Vec<Finding> = conditions.iter().filter(|found| found.kind != PROGRAMMED).cloned().collect();
    all.push(Finding { kind: PROGRAMMED, status, reason, message, since: None });
    all
}

/// Turns findings into conditions, keeping the time of what did not change.
#[derive(Clone, Copy)]
struct Merge {
    generation: i64,
    now: Timestamp,
    /// Whether nobody else tells conditions of this type.
    is_ours: fn(&str) -> bool,
}

impl Merge {
    /// Conditions that are not ours stay as other controllers have written them.
    fn conditions(self, findings: &[Finding], old: Option<&Value>) -> Vec<Condition> {
        let old = old.and_then(Value::as_array).into_iter().flatten();
        let old: Vec<Condition> = old.filter_map(|old| Condition::deserialize(old).ok()).collect();
        let present = findings.iter().filter(|found| found.since.is_none_or(|since| since <= self.now));
        let made = present.map(|found| {
            let before = old.iter().find(|before| before.kind == found.kind && before.status == found.status);
            Condition {
                kind: found.kind.to_owned(),
                status: found.status,
                observed_generation: self.generation,
                last_transition_time: before.map_or(self.now, |before| before.last_transition_time),
                reason: found.reason.to_owned(),
                message: found.message.clone(),
            }
        });
        let others = old.iter().filter(|before| !(self.is_ours)(&before.kind));
        made.chain(others.cloned()).collect()
    }

    fn listener(self, tracker: &Tracker, tracked: &Tracked, report: &ListenerReport, old: &Value) -> ListenerStatus {
        let before = old
            .get("listeners")
            .and_then(Value::as_array)
            .and_then(|all| all.iter().find(|status| status["name"] == report.name.as_str()));
        let programmed = tracker.programmed(tracked, &report.programs);
        let findings = with_programmed(&report.conditions, programmed);
        ListenerStatus {
            name: report.name.clone(),
            supported_kinds: report.supported_kinds.clone(),
            attached_routes: report.attached_routes,
            conditions: self.conditions(&findings, before.and_then(|before| before.get("conditions"))),
        }
    }

    /// The statuses of other controllers' parents stay as they are.
    fn parents(self, reports: &[ParentReport], old: &Value) -> Vec<RouteParentStatus> {
        let old: Vec<RouteParentStatus> =
            old.get("parents").and_then(|old| serde_json::from_value(old.clone()).ok()).unwrap_or_default();
        let (ours, mut parents): (Vec<_>, Vec<_>) = old
            .into_iter()
            .partition(|parent| [CONTROLLER_NAME, APOXY_CONTROLLER_NAME].contains(&&*parent.controller_name));
        parents.extend(reports.iter().map(|report| {
            let before = ours.iter().find(|parent| parent.parent_ref == report.parent_ref);
            RouteParentStatus {
                parent_ref: report.parent_ref.clone(),
                controller_name: report.controller_name.to_owned(),
                conditions: self.conditions(&report.conditions, before.map(|before| json!(before.conditions)).as_ref()),
            }
        }));
        parents
    }
}

/// The status of a fleet.
fn fleet(tracker: &Tracker, name: &str, old: &Value, now: Timestamp) -> Value {
    let mut streams: Vec<_> = tracker.streams().filter(|stream| &*stream.fleet == name).collect();
    streams.sort_by_key(|stream| stream.connected);
    // While an old stream of the same process has not ended yet, the newer one counts.
    let proxies: BTreeMap<&str, &Stream> = streams.iter().map(|stream| (stream.node_id.as_str(), *stream)).collect();
    let refusing = proxies.values().filter(|stream| stream.refused().next().is_some()).count();
    let (status, reason, message) = match (proxies.len(), refusing) {
        (0, _) => (ConditionStatus::False, "NoProxies", "no proxy is connected".to_owned()),
        (count, 0) => (ConditionStatus::True, "Ready", format!("{count} connected")),
        (count, refusing) => (ConditionStatus::False, "Refused", format!("{refusing} of {count} refuse something")),
    };
    let merge = Merge { generation: 0, now, is_ours: |kind| kind == READY };
    let found = Finding { kind: READY, status, reason, message, since: None };
    let mut replicas: Vec<apoxy::ProxyReplica> = Vec::new();
    let mut room = LISTED_REFUSALS;
    for stream in proxies.into_values().take(LISTED_REPLICAS) {
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
        });
    }
    let conditions = merge.conditions(&[found], old.get("conditions"));
    json!(apoxy::ProxyStatus { conditions, replicas })
}
