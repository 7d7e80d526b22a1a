//! What Proxies say that their fleets tell: one resource of the fleet that each is.

use std::sync::Arc;

use backstay_model::{Resource, ResourceName};
use backstay_proto::config::{self, resource};
use backstay_resources::Object;
use backstay_resources::apoxy::Proxy;

use super::tables::Tables;
use crate::change::ObjectKey;
use crate::graph::{Graph, Placed};
use crate::last_good::LastGood;
use crate::output::{ACCEPTED, Condition, FleetResource, ObjectStatus, Report};
use crate::telemetry::telemetry;

impl Tables {
    /// Has the fleet hold what its Proxy says of this. A version that cannot be honoured leaves the last good one in force.
    pub(super) fn read_telemetry(&mut self, key: &ObjectKey, object: Option<&Object>, graph: &mut Graph) {
        let parse = |object: &Object| object.typed::<Proxy>().map(|proxy| telemetry(&proxy.spec));
        let Some(source) = graph.diff(key, object, self.telemetry.get(&key.name), parse) else { return };
        let Some(source) = source else {
            graph.withdraw(key);
            self.telemetry.remove(&key.name);
            return;
        };
        let mut fault = source.fault.as_ref().map(ToString::to_string);
        let resource: FleetResource = (key.name.clone(), ResourceName::Telemetry(&key.name).into());
        match source.good.clone().flatten().map(resource::Kind::Telemetry) {
            None => graph.withdraw(key),
            // Proxies would refuse it as well; here it is told before.
            Some(kind) => match Resource::try_from(&kind) {
                Ok(_) => graph.place(key, Placed { resources: vec![(resource, kind)], needs: Vec::new() }),
                Err(faults) => fault = Some(faults.to_string()),
            },
        }
        let condition = match &fault {
            None => Condition::holds(ACCEPTED),
            Some(fault) => Condition::no(ACCEPTED, "Invalid", fault.clone()),
        };
        let programs: Vec<FleetResource> = match fault {
            None => graph.placed(key).to_vec(),
            Some(_) => Vec::new(),
        };
        // Of a Proxy that is nothing but a name there is nothing to say, unless there was.
        let says = |source: &LastGood<Option<config::Telemetry>>| {
            source.good.as_ref().is_some_and(Option::is_some) || source.fault.is_some()
        };
        let said = self.telemetry.get(&key.name).is_some_and(says);
        if says(&source) || said {
            let report = if says(&source) { Report::of(vec![condition]) } else { Report::default() };
            graph.report(ObjectStatus {
                key: key.clone(),
                generation: source.generation,
                report: report.into(),
                programs,
            });
        }
        self.telemetry.insert(Arc::clone(&key.name), source);
    }
}
