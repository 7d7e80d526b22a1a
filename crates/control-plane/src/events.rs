//! What happens to objects, told as events: what became of them, proxies that come and go, endpoints that fail, certificates that are
//! about to expire.

mod certificates;
mod conditions;
mod shared;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use backstay_compiler::ObjectKey;
use backstay_fastly::object::FASTLY_SERVICE;
use backstay_krakend::kind::KRAKEND_CONFIG;
use backstay_kube::events::{Events, Happened, ObjectReference, Tone};
use backstay_resources::core::SECRET;
use backstay_resources::{Kind, Object, Timestamp, apoxy};
use backstay_store::{Key, Store};
use serde::Deserialize;
use serde_json::Value;

pub(crate) use self::shared::{Hearing, Spread};

use crate::shared::Shared;

/// How long before a certificate expires that is told of. Default two weeks.
pub(crate) const EXPIRES_SOON: Duration = Duration::from_secs(14 * 24 * 3600);

/// How often it is told again. More often than events are forgotten by default.
const REMIND: Duration = Duration::from_secs(30 * 60);

/// Who tells what the control plane sees itself.
const CONTROL_PLANE: &str = "control-plane";

/// How the names of discovery resources begin that are Backends.
const BACKEND: &str = "backend/";

/// Tells what happens.
#[derive(Debug, Clone)]
pub(crate) struct Teller {
    store: Arc<dyn Store>,
    events: Events,
    /// Where other control planes share the store.
    spread: Option<Spread>,
    /// How long before a certificate expires that is told of.
    expires_soon: Duration,
}

/// How the endpoints of a backend fare by now, as a proxy sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Turn {
    /// The discovery resource.
    pub(crate) resource: Box<str>,
    /// Endpoints that take requests.
    pub(crate) well: u32,
    /// Endpoints that take none.
    pub(crate) unhealthy: u32,
    /// Why one takes none.
    pub(crate) reason: Box<str>,
}

/// As much of an object as a reference has.
#[derive(Deserialize)]
struct Stored {
    metadata: StoredMeta,
}

#[derive(Deserialize)]
struct StoredMeta {
    #[serde(default)]
    uid: String,
}

impl Teller {
    pub(crate) fn new(store: Arc<dyn Store>, events: Events, expires_soon: Duration) -> Self {
        let spread = store.replicas().map(Spread::new);
        Self { store, events, spread, expires_soon }
    }

    /// Tells other control planes what happens, for as long as it is polled.
    pub(crate) async fn spread(self) {
        match self.spread {
            Some(spread) => spread.run().await,
            None => std::future::pending().await,
        }
    }

    /// A proxy of a fleet has connected.
    pub(crate) fn proxy_connected(&self, fleet: &str, node: &str, address: Option<SocketAddr>) {
        let from = address.map_or_else(String::new, |address| format!(" from {}", address.ip().to_canonical()));
        let about = self.about(&apoxy::PROXY, "", fleet);
        self.say(about, Tone::Normal, "ProxyConnected", "Connect", format!("{node} connected{from}"), CONTROL_PLANE);
    }

    /// A proxy of a fleet is gone.
    pub(crate) fn proxy_lost(&self, fleet: &str, node: &str) {
        let about = self.about(&apoxy::PROXY, "", fleet);
        self.say(
            about,
            Tone::Warning,
            "ProxyLost",
            "Connect",
            format!("the connection of {node} ended"),
            CONTROL_PLANE,
        );
    }

    /// A proxy of a fleet has refused a resource, in these words.
    pub(crate) fn refused(&self, fleet: &str, node: &str, resource: &str, words: &str) {
        let about = self.about(&apoxy::PROXY, "", fleet);
        self.say(about, Tone::Warning, "ResourceRefused", "Publish", format!("{resource}: {words}"), node);
    }

    /// The endpoints of Backends fare otherwise than before, as a proxy sees it.
    pub(crate) fn health(&self, node: &str, turns: Vec<Turn>) {
        for Turn { resource, well, unhealthy, reason } in turns {
            let Some((about, part)) = self.of_backend(&resource) else { continue };
            let all = well + unhealthy;
            if unhealthy == 0 {
                let note = format!("{part}all {all} endpoints take requests again");
                self.say(about, Tone::Normal, "EndpointsHealthy", "CheckHealth", note, node);
            } else {
                let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
                let note = format!("{part}{unhealthy} of {all} endpoints take no requests{why}");
                self.say(about, Tone::Warning, "EndpointsUnhealthy", "CheckHealth", note, node);
            }
        }
    }

    /// The object that a backend belongs to, and where it is one of several there, how a note about it begins.
    fn of_backend(&self, resource: &str) -> Option<(ObjectReference, String)> {
        if let Some((service, backend)) = backstay_fastly::compile::backend_of(resource) {
            return Some((self.about(&FASTLY_SERVICE, "", service), format!("Backend {backend}: ")));
        }
        if let Some((namespace, name, backend)) = backstay_krakend::backend_of(resource) {
            return Some((self.about(&KRAKEND_CONFIG, namespace, name), format!("backend {backend}: ")));
        }
        // What else has a colon has no object.
        let name = resource.strip_prefix(BACKEND).filter(|name| !name.contains(':'))?;
        Some((self.about(&apoxy::BACKEND, "", name), String::new()))
    }

    /// The status of an object was `old`, and is written now.
    pub(crate) fn status_written(&self, key: &ObjectKey, old: &Value, object: &Object) {
        let new = object.body.get("status").unwrap_or(&Value::Null);
        let about = || reference(key.kind, &key.namespace, &key.name, object.metadata.uid.clone());
        for found in conditions::turned(old, new) {
            self.say(about(), found.tone, found.reason, "Reconcile", found.note, CONTROL_PLANE);
        }
        let expires = |status: &Value| status["certificateExpires"].as_str().map(str::to_owned);
        if let Some(expires) = expires(new).filter(|_| expires(new) != expires(old)) {
            self.certificate(about(), &expires, Timestamp::now());
        }
    }

    /// Tells of certificates that expire soon, for as long as it is polled.
    pub(crate) async fn watch_certificates(self, shared: Arc<Shared>) {
        loop {
            for (key, expires) in certificates::known(&shared) {
                self.certificate(self.about(&SECRET, &key.namespace, &key.name), &expires, Timestamp::now());
            }
            tokio::time::sleep(REMIND).await;
        }
    }

    fn certificate(&self, about: ObjectReference, expires: &str, now: Timestamp) {
        if let Some((reason, note)) = certificates::warning(expires, now, self.expires_soon) {
            self.say(about, Tone::Warning, reason, "Check", note, CONTROL_PLANE);
        }
    }

    /// A stored object. One that is not stored, or not any more, is named all the same.
    fn about(&self, kind: &'static Kind, namespace: &str, name: &str) -> ObjectReference {
        let stored = self.store.snapshot().get(&Key::new(&kind.resource(), namespace, name)).cloned();
        let stored = stored.and_then(|entry| serde_json::from_slice::<Stored>(&entry.value.bytes()).ok());
        reference(kind, namespace, name, stored.map(|stored| stored.metadata.uid).unwrap_or_default())
    }

    fn say(
        &self,
        about: ObjectReference,
        tone: Tone,
        reason: impl Into<String>,
        action: &'static str,
        note: String,
        instance: &str,
    ) {
        let instance = instance.to_owned();
        let happened = Happened { about, tone, reason: reason.into(), action: action.into(), note, instance };
        if let Some(spread) = &self.spread {
            spread.tell(&happened);
        }
        self.events.tell(&[happened]);
    }
}

fn reference(kind: &Kind, namespace: &str, name: &str, uid: String) -> ObjectReference {
    ObjectReference {
        kind: kind.kind.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        uid,
        api_version: kind.api_version(),
        ..ObjectReference::default()
    }
}
