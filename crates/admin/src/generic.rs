//! Objects of any kind, as JSON: `ResourceService`.

mod body;
mod reading;
mod writing;

use std::sync::Arc;

use backstay_kube::operations::{Operations, Stored};
use backstay_kube::{Collection, Failure, Part, ServedKind, Subject};
use backstay_proto::admin::{ListResourceTypesResponse, Resource, ResourceType, list_resource_types_response};
use backstay_resources::Verb;
use bytes::Bytes;

use crate::access::Caller;
use crate::answer::Answer;
use crate::names::ALL;
use crate::options::Options;
use crate::refusal::Refusal;

/// The service.
#[derive(Debug)]
pub(crate) struct Generic {
    pub(crate) operations: Operations,
    pub(crate) options: Options,
}

impl Generic {
    /// `ListResourceTypes`
    pub(crate) fn types(&self) -> Answer {
        let types = self.operations.kinds().map(|served| {
            let kind = served.kind;
            list_resource_types_response::Type {
                r#type: Some(type_of(served)),
                plural: kind.plural.to_owned(),
                namespaced: kind.is_namespaced(),
                verbs: kind.verbs.iter().map(|verb| verb.name().to_owned()).collect(),
                selectable_fields: kind.selectable.iter().map(|field| field.path.to_owned()).collect(),
            }
        });
        Answer::of(&ListResourceTypesResponse { types: types.collect() })
    }

    fn kind(&self, said: Option<&ResourceType>) -> Result<Arc<ServedKind>, Failure> {
        let Some(ResourceType { api_version, kind }) = said else {
            return Err(Failure::bad_field("type", "is required"));
        };
        let found = self.operations.kind(api_version, kind);
        found.ok_or_else(|| Failure::bad_field("type", format!("{kind} of {api_version} is not served here")))
    }

    fn subject(
        &self,
        said: Option<&ResourceType>,
        namespace: &str,
        name: &str,
        part: Part,
    ) -> Result<Subject, Failure> {
        let served = self.kind(said)?;
        Operations::subject(&served, namespace, name, part).ok_or_else(|| {
            let why = match (name, namespace, served.kind.is_namespaced()) {
                ("", ..) => ("name", "is required"),
                (_, "", true) => ("namespace", "is required of this kind"),
                (_, _, false) if !namespace.is_empty() => ("namespace", "must be empty: the kind is in none"),
                _ if part == Part::Status && !served.kind.has_status => ("type", "the kind has no status"),
                _ => ("name", "cannot be the name of an object"),
            };
            Failure::bad_field(why.0, why.1)
        })
    }

    fn collection(&self, said: Option<&ResourceType>, namespace: &str) -> Result<Collection, Failure> {
        let served = self.kind(said)?;
        let namespace = if namespace == ALL { "" } else { namespace };
        Operations::collection(&served, namespace)
            .ok_or_else(|| Failure::bad_field("namespace", "names no collection of this kind"))
    }

    /// A stored object as an answer.
    fn resource(
        &self,
        served: &Arc<ServedKind>,
        value: &[u8],
        revision: u64,
        format: i32,
    ) -> Result<Resource, Failure> {
        let json = self.operations.json(served, value, revision);
        body::resource(served, json, revision, format)
    }

    fn answer(&self, served: &Arc<ServedKind>, stored: &Stored, format: i32) -> Result<Answer, Refusal> {
        let resource = self.resource(served, &stored.value, stored.revision, format)?;
        Ok(Answer::of(&resource).warning(&stored.warnings))
    }
}

fn type_of(served: &ServedKind) -> ResourceType {
    ResourceType { api_version: served.api_version.clone(), kind: served.kind.kind.to_owned() }
}

async fn may(caller: &Caller, verb: Verb, subject: &Subject) -> Result<(), Failure> {
    let subresource = if subject.part == Part::Status { "status" } else { "" };
    caller.may(verb, &subject.served, &subject.namespace, &subject.name, subresource).await
}

async fn may_all(caller: &Caller, verb: Verb, collection: &Collection) -> Result<(), Failure> {
    caller.may(verb, &collection.served, collection.namespace.as_deref().unwrap_or_default(), "", "").await
}

/// Reads a request.
fn read<M: prost::Message + Default>(request: Bytes) -> Result<M, Refusal> {
    Ok(M::decode(request)?)
}
