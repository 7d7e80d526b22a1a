//! Several managers, one after the other, against a model that knows nothing but keys, values and owners.

use std::collections::{BTreeMap, BTreeSet};

use backstay_resources::gateway::GATEWAY;
use backstay_resources::{ManagedFields, Object, Timestamp};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::managers::{Managers, Operation};
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

/// What is looked at of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Labels,
    Listeners,
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

/// Who owns something: one who applies and one who updates are two, also of one name.
type Owners = BTreeSet<(&'static str, bool)>;

/// Each key's value and who owns it, and of a listener, whose value is its port, who owns that it is there.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Model(BTreeMap<&'static str, Item>);

#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Item {
    value: Option<(u8, Owners)>,
    holders: Owners,
}

impl Model {
    /// `false` if others are in the way.
    fn step(&mut self, step: &Step, part: Part) -> bool {
        let me = (step.manager, step.way != Way::Update);
        if step.way == Way::Update {
            self.0.retain(|key, _| step.values.contains_key(key));
            for (key, value) in &step.values {
                let item = self.0.entry(key).or_insert_with(|| Item { value: None, holders: [me].into() });
                if item.value.as_ref().is_none_or(|(old, _)| old != value) {
                    item.value = Some((*value, [me].into()));
                }
            }
            return true;
        }
        let taken = |(key, value): (&&'static str, &u8)| {
            let stored = self.0.get(key).and_then(|item| item.value.as_ref());
            stored.is_some_and(|(old, owners)| old != value && owners.iter().any(|owner| *owner != me))
        };
        if step.way == Way::Apply && step.values.iter().any(taken) {
            return false;
        }
        self.0.retain(|key, item| {
            if step.values.contains_key(key) {
                return true;
            }
            let held = item.holders.remove(&me);
            if let Some((_, owners)) = &mut item.value
                && owners.remove(&me)
                && owners.is_empty()
            {
                item.value = None;
            }
            // A listener goes with the last who held it, whoever set its port meanwhile.
            let gone = if part == Part::Labels { item.value.is_none() } else { held && item.holders.is_empty() };
            !gone
        });
        for (key, value) in &step.values {
            let item = self.0.entry(key).or_default();
            item.holders.insert(me);
            let (old, owners) = item.value.get_or_insert_with(|| (*value, BTreeSet::new()));
            if old != value {
                *old = *value;
                owners.clear();
            }
            owners.insert(me);
        }
        true
    }

    /// Without who holds labels, which are nothing but their values.
    fn of(mut self, part: Part) -> Self {
        if part == Part::Labels {
            self.0.values_mut().for_each(|item| item.holders.clear());
        }
        self
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

    /// What there is of labels, or of listeners.
    fn model(&self, part: Part) -> Model {
        let managers = Managers::stored(&self.object.metadata.managed_fields);
        let owners = |path: &[&str]| -> Owners {
            let owners = managers.0.iter().filter(|manager| manager.fields.has(path));
            owners
                .map(|manager| {
                    let name = MANAGERS.into_iter().find(|name| *name == manager.name).unwrap_or("another");
                    (name, manager.operation == Operation::Apply)
                })
                .collect()
        };
        let mut model = Model::default();
        for key in KEYS {
            let (label, listener) = (format!("f:{key}"), format!("k:{{\"name\":\"{key}\"}}"));
            let item = if part == Part::Labels {
                let path = ["f:metadata", "f:labels", label.as_str()];
                let value = self.object.metadata.labels.get(key).map(|value| (value.parse().unwrap(), owners(&path)));
                assert!(value.is_some() || owners(&path).is_empty(), "{key} is owned and is not there");
                value.is_some().then_some(Item { value, holders: Owners::new() })
            } else {
                let path = ["f:spec", "f:listeners", listener.as_str(), "f:port"];
                let listeners = self.object.body["spec"].get("listeners").and_then(Value::as_array);
                let item = listeners.into_iter().flatten().find(|listener| listener["name"] == key);
                let port = item.and_then(|item| item["port"].as_u64());
                let value = port.map(|port| (u8::try_from(port).unwrap(), owners(&path)));
                assert!(value.is_some() || owners(&path).is_empty(), "the port of {key} is owned and is not there");
                assert!(item.is_some() || owners(&path[..3]).is_empty(), "{key} is owned and is not there");
                item.map(|_| Item { value, holders: owners(&path[..3]) })
            };
            model.0.extend(item.map(|item| (key, item)));
        }
        model
    }
}

/// What a step says. Everybody says one label and one listener more, alike: what holds them is never emptied, which would be
/// something that is there, and owned, and that the model does not know.
fn wanted(step: &Step) -> Value {
    let mut labels: Map<String, Value> =
        step.values.iter().map(|(key, value)| ((*key).to_owned(), value.to_string().into())).collect();
    labels.insert("kept".to_owned(), "0".into());
    let values = step.values.iter().map(|(key, value)| (*key, *value)).chain([("kept", 9)]);
    let listeners: Vec<Value> = values.map(|(key, value)| json!({"name": key, "port": value})).collect();
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
        "metadata": {"name": "web", "labels": labels}, "spec": {"gatewayClassName": "backstay", "listeners": listeners},
    })
}

fn first(step: &Step) -> Stored {
    let mut stored = Stored::default();
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
    stored
}

proptest! {
    #[test]
    fn values_and_owners_are_those_of_the_model(steps in steps()) {
        let mut stored = first(&steps[0]);
        let mut models = [(Part::Labels, Model::default()), (Part::Listeners, Model::default())];
        for (part, model) in &mut models {
            model.step(&steps[0], *part);
        }
        for step in &steps[1..] {
            let before = stored.clone();
            let mut tried = models.clone();
            let done: Vec<bool> = tried.iter_mut().map(|(part, model)| model.step(step, *part)).collect();
            // What is in the way of a part is in the way of all.
            let done = done.iter().all(|done| *done);
            if done {
                models = tried;
            }
            prop_assert_eq!(stored.step(step), done, "{:?} on {:?}", step, before.fields());
            for (part, model) in &models {
                let expected = model.clone().of(*part);
                prop_assert_eq!(stored.model(*part), expected, "{:?}: {:?} on {:?}", part, step, before.fields());
            }
        }
    }
}
