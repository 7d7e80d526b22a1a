//! Writing down what happened.

use backstay_resources::event::{EVENT, Event, EventSeries, EventSource, MAX_NOTE, NORMAL, WARNING};
use backstay_resources::name;
use backstay_resources::{Object, ObjectMeta, Timestamp};
use backstay_store::{Entry, Expect, Key, Operation, Prefix, Store as _, Write};
use serde::Serialize;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use super::{Events, Happened, Tone};
use crate::lifecycle::DEFAULT_NAMESPACE;

/// Events that are kept of one object, of those that are told here. The oldest makes room.
pub(super) const OF_OBJECT: usize = 25;

/// Who tells them.
const COMPONENT: &str = "backstay";
const CONTROLLER: &str = "backstay.dev/control-plane";

/// The longest part of a name that is the object's: what tells events of one object apart comes after it.
const MAX_NAMED: usize = 200;

impl Events {
    /// Writes down what happened. What has happened before, in the same words, is counted.
    pub fn tell(&self, happened: &[Happened]) {
        for one in happened {
            if let Err(error) = self.tell_one(one) {
                tracing::debug!(reason = one.reason, %error, "an event was not written down");
            }
        }
    }

    fn tell_one(&self, happened: &Happened) -> Result<(), Box<dyn std::error::Error>> {
        let (namespace, stem, id) = place(happened);
        let key = Key::new(&EVENT.resource(), namespace, &format!("{stem}{id:016x}"));
        let snapshot = self.store.snapshot();
        let (value, expect) = match snapshot.get(&key) {
            Some(entry) => (again(entry)?, Expect::Modified(entry.modified)),
            None => (first(happened, &key)?, Expect::Absent),
        };
        let is_new = expect == Expect::Absent;
        self.store.write(vec![Write { key, expect, operation: Operation::Put(value.into()) }])?;
        if is_new {
            self.thin_out(namespace, &stem)?;
        }
        Ok(())
    }

    /// Removes the oldest of an object's events while there are too many.
    fn thin_out(&self, namespace: &str, stem: &str) -> Result<(), Box<dyn std::error::Error>> {
        let snapshot = self.store.snapshot();
        let resource = EVENT.resource();
        let prefix = Prefix::namespace(&resource, namespace);
        let from = Key::new(&resource, namespace, stem);
        let is_id = |name: &str| name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        let mut own: Vec<_> = snapshot
            .list_after(&prefix, from)
            .take_while(|entry| entry.key.name().starts_with(stem))
            .filter(|entry| entry.key.name().strip_prefix(stem).is_some_and(is_id))
            .collect();
        own.sort_by_key(|entry| entry.modified);
        for entry in own.iter().take(own.len().saturating_sub(OF_OBJECT)) {
            let (key, expect) = (entry.key.clone(), Expect::Modified(entry.modified));
            self.store.write(vec![Write { key, expect, operation: Operation::Delete }])?;
        }
        Ok(())
    }
}

/// The namespace of an event, how its name begins, and what tells it from others of its object.
fn place(happened: &Happened) -> (&str, String, u64) {
    let Happened { about, tone, reason, action, note, instance } = happened;
    let namespace = if about.namespace.is_empty() { DEFAULT_NAMESPACE } else { &about.namespace };
    let cut = about.name.floor_char_boundary(MAX_NAMED);
    let named = about.name.get(..cut).unwrap_or_default();
    // Backends may have names that events cannot have.
    let stem = if name::subdomain(named).is_empty() { format!("{named}.") } else { "object.".to_owned() };
    let words = [&about.kind, &about.name, &about.uid, reason, action.as_ref(), note, instance].join("\n");
    (namespace, stem, xxh3_64(format!("{tone:?}\n{words}").as_bytes()))
}

fn first(happened: &Happened, key: &Key) -> Result<Vec<u8>, serde_json::Error> {
    let Happened { about, tone, reason, action, note, instance } = happened;
    let now = Timestamp::now();
    let mut event = Event {
        involved_object: about.clone(),
        reason: reason.clone(),
        message: note.get(..note.floor_char_boundary(MAX_NOTE)).unwrap_or_default().to_owned(),
        source: Some(EventSource { component: COMPONENT.to_owned(), host: String::new() }),
        first_timestamp: Some(now),
        last_timestamp: Some(now),
        count: Some(1),
        kind: match tone {
            Tone::Normal => NORMAL.to_owned(),
            Tone::Warning => WARNING.to_owned(),
        },
        event_time: Some(Timestamp::micro_now()),
        action: action.clone().into_owned(),
        reporting_component: CONTROLLER.to_owned(),
        reporting_instance: instance.get(..instance.floor_char_boundary(128)).unwrap_or_default().to_owned(),
        ..Event::default()
    };
    event.metadata = ObjectMeta {
        name: key.name().to_owned(),
        namespace: key.namespace().to_owned(),
        uid: Uuid::new_v4().to_string(),
        creation_timestamp: Some(now),
        ..ObjectMeta::default()
    };
    encode(&event)
}

/// An event that happened once more.
fn again(entry: &Entry) -> Result<Vec<u8>, serde_json::Error> {
    let object = Object::decode(&entry.value.bytes())?;
    let mut event: Event = object.typed()?;
    let count = event.count.unwrap_or(1).saturating_add(1);
    event.count = Some(count);
    event.last_timestamp = Some(Timestamp::now());
    event.series = Some(EventSeries { count: Some(count), last_observed_time: Some(Timestamp::micro_now()) });
    event.metadata = object.metadata;
    encode(&event)
}

/// An event as it is stored: as any object, with its kind first and its metadata third.
fn encode(event: &Event) -> Result<Vec<u8>, serde_json::Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Stored<'a> {
        api_version: &'static str,
        kind: &'static str,
        #[serde(flatten)]
        event: &'a Event,
    }
    let mut encoded = serde_json::to_vec(&Stored { api_version: EVENT.version, kind: EVENT.kind, event })?;
    encoded.shrink_to_fit();
    Ok(encoded)
}
