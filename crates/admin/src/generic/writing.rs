//! Create, update, apply, patch and delete.

use backstay_kube::operations::{Deletion, PatchFormat, Writing};
use backstay_kube::{Failure, Part, ServedKind};
use backstay_proto::admin::{
    ApplyResourceRequest, CreateResourceRequest, DeleteResourceCollectionRequest, DeleteResourceCollectionResponse,
    DeleteResourceRequest, DeleteResourceResponse, PatchResourceRequest, PatchType, Resource, ResourceType,
    UpdateResourceRequest,
};
use backstay_resources::Verb;
use backstay_resources::decode::Decoded;
use bytes::Bytes;
use serde_json::{Map, Value};

use super::{Generic, body, may, may_all, read};
use crate::access::Caller;
use crate::answer::Answer;
use crate::filter::Filter;
use crate::refusal::Refusal;
use crate::transcode::mask::UpdateMask;
use crate::{etag, propagation};

/// An object of a request, and what the request says it is: where that is empty, what the object says.
struct Said {
    kind: ResourceType,
    namespace: String,
    name: String,
    etag: String,
    object: Map<String, Value>,
}

impl Said {
    fn of(resource: Option<Resource>) -> Result<Self, Failure> {
        let Resource { r#type, namespace, name, etag, body } = resource.unwrap_or_default();
        let object = body::object(body)?;
        let text = |fields: &Map<String, Value>, name: &str| {
            fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let none = Map::new();
        let metadata = object.get("metadata").and_then(Value::as_object).unwrap_or(&none);
        let or = |said: String, name: &str| if said.is_empty() { text(metadata, name) } else { said };
        let (namespace, name) = (or(namespace, "namespace"), or(name, "name"));
        let kind = r#type
            .unwrap_or_else(|| ResourceType { api_version: text(&object, "apiVersion"), kind: text(&object, "kind") });
        Ok(Self { kind, namespace, name, etag, object })
    }

    /// The version that the object must have: the etag, or what its JSON says.
    fn version(&self) -> Result<Option<u64>, Failure> {
        let stated = self.object.get("metadata").and_then(|metadata| metadata.get("resourceVersion"));
        match (self.etag.as_str(), stated) {
            ("", Some(Value::String(version))) => etag::parse("metadata.resourceVersion", version),
            ("", Some(other)) if !other.is_null() => {
                Err(Failure::bad_field("metadata.resourceVersion", "must be a text, and none expects no version"))
            }
            (etag, _) => etag::parse("resource.etag", etag),
        }
    }

    /// The whole object, with what the request says of it beside.
    fn whole(mut self, served: &ServedKind, version: Option<u64>) -> Map<String, Value> {
        self.object.entry("metadata").or_insert_with(|| Map::new().into());
        etag::put(&mut self.object, version);
        if let Some(metadata) = self.object.get_mut("metadata").and_then(Value::as_object_mut) {
            for (name, value) in [("name", self.name), ("namespace", self.namespace)] {
                if !value.is_empty() && !metadata.contains_key(name) {
                    metadata.insert(name.into(), value.into());
                }
            }
        }
        for (name, value) in [("apiVersion", served.api_version.as_str()), ("kind", served.kind.kind)] {
            self.object.entry(name).or_insert_with(|| value.into());
        }
        self.object
    }
}

impl Generic {
    /// `CreateResource`
    pub(crate) async fn create(&self, caller: &Caller, request: Bytes) -> Result<Answer, Refusal> {
        let CreateResourceRequest { resource, validate_only, manager, format } = read(request)?;
        let said = Said::of(resource)?;
        let collection = self.collection(Some(&said.kind), &said.namespace)?;
        let Some(namespace) = &collection.namespace else {
            return Err(Failure::bad_field("resource.namespace", "is required of this kind").into());
        };
        caller.may(Verb::Create, &collection.served, namespace, &said.name, "").await?;
        let version = said.version()?;
        let object = Decoded { value: said.whole(&collection.served, version).into(), duplicates: Vec::new() };
        let writing = writing(caller, &manager, validate_only);
        let stored = caller.on(&self.operations).create(&collection, object, &writing).await?;
        self.answer(&collection.served, &stored, format)
    }

    /// `UpdateResource`
    pub(crate) async fn update(&self, caller: &Caller, request: Bytes) -> Result<Answer, Refusal> {
        let UpdateResourceRequest { resource, update_mask, validate_only, manager, format } = read(request)?;
        let said = Said::of(resource)?;
        let paths = update_mask.map(|mask| mask.paths).unwrap_or_default();
        let mask = UpdateMask::parse_json(&paths, &said.object)?;
        let part = if mask.is_of_status()? { Part::Status } else { Part::Whole };
        let subject = self.subject(Some(&said.kind), &said.namespace, &said.name, part)?;
        may(caller, Verb::Update, &subject).await?;
        let (served, version) = (subject.served.clone(), said.version()?);
        let writing = writing(caller, &manager, validate_only);
        let stored = match mask {
            UpdateMask::All => {
                let object = Decoded { value: said.whole(&served, version).into(), duplicates: Vec::new() };
                caller.on(&self.operations).replace(subject, object, &writing).await?
            }
            UpdateMask::Paths(paths) => {
                caller.on(&self.operations).update(subject, said.object, paths, version, &writing).await?
            }
        };
        self.answer(&served, &stored, format)
    }

    /// `ApplyResource`
    pub(crate) async fn apply(&self, caller: &Caller, request: Bytes) -> Result<Answer, Refusal> {
        let ApplyResourceRequest { resource, manager, force, validate_only, format, status } = read(request)?;
        let said = Said::of(resource)?;
        let subject = self.subject(Some(&said.kind), &said.namespace, &said.name, part(status))?;
        may(caller, Verb::Patch, &subject).await?;
        let (served, version) = (subject.served.clone(), said.version()?);
        let writing = writing(caller, &manager, validate_only);
        let stored = caller.on(&self.operations).apply(subject, said.whole(&served, version), force, &writing).await?;
        self.answer(&served, &stored, format)
    }

    /// `PatchResource`
    pub(crate) async fn patch(&self, caller: &Caller, request: Bytes) -> Result<Answer, Refusal> {
        let request: PatchResourceRequest = read(request)?;
        let PatchResourceRequest { r#type, namespace, name, patch, status, .. } = &request;
        let subject = self.subject(r#type.as_ref(), namespace, name, part(*status))?;
        may(caller, Verb::Patch, &subject).await?;
        let format = match PatchType::try_from(request.patch_type) {
            Ok(PatchType::Json) => PatchFormat::Json,
            Ok(PatchType::Merge) => PatchFormat::Merge,
            Ok(PatchType::StrategicMerge) => PatchFormat::Strategic,
            _ => return Err(Failure::bad_field("patch_type", "is required").into()),
        };
        let served = subject.served.clone();
        let writing = writing(caller, &request.manager, request.validate_only);
        let stored = caller.on(&self.operations).patch(subject, format, patch.as_bytes(), &writing).await?;
        self.answer(&served, &stored, request.format)
    }

    /// `DeleteResource`
    pub(crate) async fn delete(&self, caller: &Caller, request: Bytes) -> Result<Answer, Refusal> {
        let request: DeleteResourceRequest = read(request)?;
        let DeleteResourceRequest { r#type, namespace, name, etag, uid, .. } = &request;
        let subject = self.subject(r#type.as_ref(), namespace, name, Part::Whole)?;
        may(caller, Verb::Delete, &subject).await?;
        let deletion = Deletion {
            uid: Some(uid.clone()).filter(|uid| !uid.is_empty()),
            revision: etag::parse("etag", etag)?,
            propagation: propagation::parse(request.propagation)?,
            dry_run: request.validate_only,
        };
        let served = subject.served.clone();
        let waits = caller.on(&self.operations).delete(subject, &deletion).await?;
        let resource = waits.map(|stored| self.resource(&served, &stored.value, stored.revision, request.format));
        Ok(Answer::of(&DeleteResourceResponse { resource: resource.transpose()? }))
    }

    /// `DeleteResourceCollection`
    pub(crate) async fn delete_collection(&self, caller: &Caller, request: Bytes) -> Result<Answer, Refusal> {
        let request: DeleteResourceCollectionRequest = read(request)?;
        let collection = self.collection(request.r#type.as_ref(), &request.namespace)?;
        if collection.namespace.is_none() {
            return Err(Failure::bad_field("namespace", "is required of this kind").into());
        }
        may_all(caller, Verb::DeleteCollection, &collection).await?;
        let Filter { labels, fields } = Filter::required(collection.served.kind, &request.filter)?;
        let propagation = propagation::parse(request.propagation)?;
        let deletion = Deletion { propagation, dry_run: request.validate_only, ..Deletion::default() };
        let gone = caller.on(&self.operations).delete_collection(collection, &labels, &fields, &deletion).await?;
        let names = gone.iter().map(|entry| entry.key.name().to_owned()).collect();
        Ok(Answer::of(&DeleteResourceCollectionResponse { names }))
    }
}

fn part(status: bool) -> Part {
    if status { Part::Status } else { Part::Whole }
}

fn writing<'a>(caller: &'a Caller, manager: &'a str, dry_run: bool) -> Writing<'a> {
    Writing::new(manager, &caller.agent, dry_run)
}
