//! GatewayClasses: which are ours.

use super::tables::Tables;
use crate::gateway::controller;
use crate::graph::Graph;
use crate::output::{ACCEPTED, Condition, ObjectStatus, Report};

impl Tables {
    pub(super) fn report_classes(&mut self, graph: &mut Graph) {
        for key in std::mem::take(&mut self.work.classes) {
            let Some(source) = self.classes.get(&key) else { continue };
            let Some(spec) = source.good.as_ref().filter(|spec| controller(spec).is_some()) else {
                graph.retract(key, source.generation);
                continue;
            };
            let condition = if let Some(fault) = &source.fault {
                Condition::no(ACCEPTED, "InvalidParameters", fault.to_string())
            } else if spec.parameters_ref.is_some() {
                let message = "spec.parametersRef is set, and classes of Backstay have no parameters";
                Condition::no(ACCEPTED, "InvalidParameters", message)
            } else {
                Condition::holds(ACCEPTED)
            };
            let report = Report::of_class(vec![condition]);
            let generation = source.generation;
            graph.report(ObjectStatus { key, generation, report: report.into(), programs: Vec::new() });
        }
    }
}
