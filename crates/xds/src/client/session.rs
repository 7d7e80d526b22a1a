mod acknowledgement;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use backstay_proto::config;
use backstay_proto::discovery::{self, DeltaDiscoveryRequest, DeltaDiscoveryResponse, Node};

pub use self::acknowledgement::Acknowledgement;
use super::Update;

/// One stream of the incremental protocol as its client sees it, without I/O: a wildcard subscription to one type.
#[derive(Clone, Debug)]
pub struct Session {
    type_url: Arc<str>,
}

/// What to do about a response.
#[derive(Debug)]
pub enum Received {
    /// Apply it, then send the answer.
    Apply(Delivery),
    /// Apply nothing and send this: the response contradicts itself.
    Refuse(Box<DeltaDiscoveryRequest>),
}

/// A response that can be applied.
#[derive(Debug)]
pub struct Delivery {
    /// Created or replaced.
    pub updates: Vec<Update>,
    /// Deleted.
    pub removed: Vec<Arc<str>>,
    /// The answer to give when it is applied. It already refuses what could not even be read.
    pub acknowledgement: Acknowledgement,
}

/// A response of a type nobody subscribed to. It cannot be answered without subscribing, so the stream is of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the control plane sent resources of type {received:?} on a stream that asked for {expected:?}")]
pub struct WrongType {
    /// Of the response.
    pub received: String,
    /// Of the subscription.
    pub expected: String,
}

impl Session {
    /// Begins a stream: the session, and its first request, which subscribes to everything and says what is `held`.
    pub fn open(type_url: &str, node: Node, held: BTreeMap<Arc<str>, Arc<str>>) -> (Self, DeltaDiscoveryRequest) {
        let held = held.iter().map(|(name, version)| (name.as_ref().to_owned(), version.as_ref().to_owned()));
        let request = DeltaDiscoveryRequest {
            node: Some(node),
            type_url: type_url.to_owned(),
            initial_resource_versions: held.collect(),
            ..DeltaDiscoveryRequest::default()
        };
        (Self { type_url: type_url.into() }, request)
    }

    /// Reads a response. Resources that cannot be read are refused one by one, a response that names a resource twice is
    /// refused as a whole.
    pub fn receive(&self, response: DeltaDiscoveryResponse) -> Result<Received, WrongType> {
        if response.type_url != *self.type_url {
            return Err(WrongType { received: response.type_url, expected: self.type_url.as_ref().to_owned() });
        }
        let mut acknowledgement = Acknowledgement::new(self.type_url.clone(), response.nonce);
        let mut names = HashSet::with_capacity(response.resources.len() + response.removed_resources.len());
        let all = response.resources.iter().map(|resource| &resource.name).chain(&response.removed_resources);
        for name in all {
            if name.is_empty() {
                return Ok(Received::Refuse(Box::new(acknowledgement.refuse("a resource has no name"))));
            }
            if !names.insert(name.as_str()) {
                return Ok(Received::Refuse(Box::new(
                    acknowledgement.refuse(&format!("resource {name:?} occurs more than once")),
                )));
            }
        }
        let mut updates = Vec::with_capacity(response.resources.len());
        for resource in response.resources {
            match self.update(resource) {
                Ok(update) => {
                    acknowledgement.offer(&update);
                    updates.push(update);
                }
                Err(rejection) => acknowledgement.reject(rejection),
            }
        }
        let removed = response.removed_resources.into_iter().map(Arc::from).collect();
        Ok(Received::Apply(Delivery { updates, removed, acknowledgement }))
    }

    fn update(&self, resource: discovery::Resource) -> Result<Update, config::Rejection> {
        let discovery::Resource { name, version, resource } = resource;
        let message = match resource {
            None => "the resource has no content".to_owned(),
            Some(any) if any.type_url != *self.type_url => format!("the resource is of type {:?}", any.type_url),
            Some(any) => return Ok(Update { name: name.into(), version: version.into(), value: any.value }),
        };
        Err(config::Rejection { name, version, field: String::new(), message })
    }
}
