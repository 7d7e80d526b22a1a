//! What has been said about objects, so that it is said once.

use std::collections::{BTreeMap, HashMap};

use super::{Compiler, Work};
use crate::change::ObjectKey;
use crate::gateway::controller;
use crate::output::{ACCEPTED, Finding, ObjectStatus, Report};

/// The last word on each object, and the new ones.
#[derive(Debug, Default)]
pub(super) struct Reports {
    said: HashMap<ObjectKey, ObjectStatus>,
    new: BTreeMap<ObjectKey, ObjectStatus>,
}

impl Reports {
    /// Says it, unless it has been said.
    pub(super) fn say(&mut self, status: ObjectStatus) {
        if self.said.get(&status.key) != Some(&status) {
            self.said.insert(status.key.clone(), status.clone());
            self.new.insert(status.key.clone(), status);
        }
    }

    /// The object is gone.
    pub(super) fn forget(&mut self, key: &ObjectKey) {
        self.said.remove(key);
        self.new.remove(key);
    }

    /// The object is another controller's now: what was said of it, if anything was, holds no longer.
    pub(super) fn withdraw(&mut self, key: ObjectKey, generation: i64) {
        if self.said.remove(&key).is_some() {
            let status = ObjectStatus { key: key.clone(), generation, report: Report::Withdrawn, programs: Vec::new() };
            self.new.insert(key, status);
        }
    }

    /// Takes what is new.
    pub(super) fn take(&mut self) -> Vec<ObjectStatus> {
        std::mem::take(&mut self.new).into_values().collect()
    }
}

impl Compiler {
    pub(super) fn report_classes(&mut self, work: &mut Work) {
        for key in std::mem::take(&mut work.classes) {
            let Some(source) = self.classes.get(&key) else { continue };
            let Some(spec) = source.good.as_ref().filter(|spec| controller(spec).is_some()) else {
                self.reports.withdraw(key, source.generation);
                continue;
            };
            let finding = if let Some(fault) = &source.fault {
                Finding::no(ACCEPTED, "InvalidParameters", fault.to_string())
            } else if spec.parameters_ref.is_some() {
                let message = "spec.parametersRef is set, and classes of Backstay have no parameters";
                Finding::no(ACCEPTED, "InvalidParameters", message)
            } else {
                Finding::holds(ACCEPTED)
            };
            let report = Report::GatewayClass { conditions: vec![finding] };
            let generation = source.generation;
            self.reports.say(ObjectStatus { key, generation, report, programs: Vec::new() });
        }
    }
}
