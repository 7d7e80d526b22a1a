//! Several managers, one after the other, against a model that knows nothing but keys, values and owners.

use std::collections::{BTreeMap, BTreeSet};

use backstay_resources::gateway::GATEWAY;
use backstay_resources::{ManagedFields, Object, Timestamp};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::managers::Managers;
use super::super::{Applier, ApplyError, Writer, apply, record};

const MANAGERS: [&str; 3] = ["ann", "ben", "cleo"];
const KEYS: [&str; 4] = ["a", "b", "c", "d"];

#[derive(Debug, Clone)]
struct Step {
    manager: &'static str,
    way: Way,
    /// Of labels, and of listeners the ports.
    values: BTreeMap<&'static str, u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Apply,
    Force,
    Update,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let way = prop::sample::select([Way::Apply, Way::Apply, Way::Force, Way::Update].as_slice());
    let values = prop::collection::btree_map(prop::sample::select(KEYS.as_slice()), 1_u8..4, 0..5);
    let step = (prop::sample::select(MANAGERS.as_slice()), way, values).prop_map(|(manager, way, values)| Step {
        manager,
        way,
        values,
    });
    prop::collection::vec(step, 1..12)
}

/// Each key's value and owners; one who applies and one who updates are two, also of one name.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Model(BTreeMap<&'static str, (u8, BTreeSet<(&'static str, bool)>)>);

impl Model {
    /// `false` if others are in the way.
    fn step(&mut self, step: &Step) -> bool {
        let me = (step.manager, step.way != Way::Update);
        if step.way == Way::Update {
            self.0.retain(|key, _| step.values.contains_key(key));
            for (key, value) in &step.values {
                match self.0.get_mut(key) {
                    Some((old, _)) if old == value => {}
                    _ => {
                        self.0.insert(key, (*value, [me].into()));
                    }
                }
            }
            return true;
        }
        let others = |owners: &BTreeSet<_>| owners.iter().any(|owner| *owner != me);
        let differs = |(key, value): (&&'static str, &u8)| {
            self.0.get(key).is_some_and(|(old, owners)| old != value && others(owners))
        };
        if step.way == Way::Apply && step.values.iter().any(differs) {
            return false;
        }
        self.0.retain(|key, (_, owners)| {
            if !step.values.contains_key(key) && owners.remove(&me) {
                return !owners.is_empty();
            }
            true
        });
        for (key, value) in &step.values {
            let (old, owners) = self.0.entry(key).or_insert((*value, BTreeSet::new()));
            if old != value {
                *old = *value;
                owners.clear();
            }
            owners.insert(me);
        }
        true
    }
}

/// What is stored, as the API would store it.
#[derive(Debug, Default, Clone)]
struct Stored {
    object: Object,
}

impl Stored {
    fn fields(&self) -> Map<String, Value> {
        let Value::Object(mut fields) = serde_json::to_value(&self.object).unwrap() else { unreachable!() };
        fields["metadata"].as_object_mut().unwrap().shift_remove("managedFields");
        fields
    }

    fn step(&mut self, step: &Step) -> bool {
        let writer = Writer { manager: step.manager, subresource: "", time: Timestamp::from_second(1) };
        let wanted = wanted(step);
        if step.way == Way::Update {
            let mut new: Object = serde_json::from_value(wanted).unwrap();
            record(&GATEWAY, Some(&self.object), &mut new, &writer);
            self.object = new;
            return true;
        }
        let applier = Applier { writer, force: step.way == Way::Force };
        let Value::Object(wanted) = wanted else { unreachable!() };
        match apply(&GATEWAY, self.fields(), &self.object.metadata.managed_fields, &wanted, &applier) {
            Ok(applied) => {
                self.object = serde_json::from_value(Value::Object(applied.fields)).unwrap();
                self.object.metadata.managed_fields = applied.managed_fields;
                true
            }
            Err(ApplyError::Conflicts(_)) => false,
            Err(error) => panic!("{error:?}"),
        }
    }

    /// The key, value and owners of each label, or of each listener's port.
    fn model(&self, part: &str) -> Model {
        let managers = Managers::stored(&self.object.metadata.managed_fields);
        let mut model = Model::default();
        for key in KEYS {
            let listener = format!("k:{{\"name\":\"{key}\"}}");
            let label = format!("f:{key}");
            let (value, path) = if part == "labels" {
                let value = self.object.metadata.labels.get(key).map(|value| value.parse().unwrap());
                (value, vec!["f:metadata", "f:labels", label.as_str()])
            } else {
                let listeners = self.object.body["spec"]["listeners"].as_array();
                let item = listeners.into_iter().flatten().find(|listener| listener["name"] == key);
                // Whoever set the port may have given it up while another still owns the listener.
                let value = item.and_then(|item| Some(u8::try_from(item["port"].as_u64()?).unwrap()));
                (value, vec!["f:spec", "f:listeners", listener.as_str(), "f:port"])
            };
            let owners = managers.0.iter().filter(|manager| manager.fields.has(&path)).map(|manager| {
                let name = MANAGERS.into_iter().find(|name| *name == manager.name).unwrap_or("other");
                (name, manager.operation == super::super::managers::Operation::Apply)
            });
            let owners: BTreeSet<_> = owners.collect();
            match value {
                Some(value) => {
                    model.0.insert(key, (value, owners));
                }
                None => assert!(owners.is_empty(), "{key} is owned by {owners:?} and is not there"),
            }
        }
        model
    }
}

fn wanted(step: &Step) -> Value {
    let labels: Map<String, Value> =
        step.values.iter().map(|(key, value)| ((*key).to_owned(), value.to_string().into())).collect();
    let listeners: Vec<Value> = step.values.iter().map(|(key, value)| json!({"name": key, "port": value})).collect();
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
        "metadata": {"name": "web", "labels": labels},
        "spec": {"gatewayClassName": "backstay", "listeners": listeners},
    })
}

fn first(step: &Step) -> (Stored, Model) {
    let (mut stored, mut model) = (Stored::default(), Model::default());
    model.step(step);
    let writer = Writer { manager: step.manager, subresource: "", time: Timestamp::from_second(1) };
    if step.way == Way::Update {
        stored.object = serde_json::from_value(wanted(step)).unwrap();
        record(&GATEWAY, None, &mut stored.object, &writer);
    } else {
        let Value::Object(wanted) = wanted(step) else { unreachable!() };
        let applier = Applier { writer, force: false };
        let applied = apply(&GATEWAY, Map::new(), &ManagedFields::default(), &wanted, &applier).unwrap();
        stored.object = serde_json::from_value(Value::Object(applied.fields)).unwrap();
        stored.object.metadata.managed_fields = applied.managed_fields;
    }
    (stored, model)
}

proptest! {
    #[test]
    fn values_and_owners_are_those_of_the_model(steps in steps()) {
        let (mut stored, mut model) = first(&steps[0]);
        for step in &steps[1..] {
            let before = stored.clone();
            let done = model.step(step);
            prop_assert_eq!(stored.step(step), done, "{:?} on {:?}", step, before.fields());
            prop_assert_eq!(&stored.model("labels"), &model, "{:?} on {:?}", step, before.fields());
            prop_assert_eq!(&stored.model("listeners"), &model, "{:?} on {:?}", step, before.fields());
        }
    }
}
