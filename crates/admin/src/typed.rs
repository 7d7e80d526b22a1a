//! The typed services: one implementation for the resources of every kind that has one.

mod kept;
pub(crate) mod requests;
mod watching;

use std::sync::Arc;

use backstay_kube::operations::{Deletion, Operations, Stored, Writing};
use backstay_kube::{Collection, Failure, Part, ServedKind, Subject};
use backstay_resources::Verb;
use backstay_resources::decode::Decoded as Json;
use bytes::Bytes;
use prost::Message as _;
use prost_types::FieldMask;
use serde_json::{Map, Value};

pub(crate) use self::kept::Kept;
use crate::access::Caller;
use crate::answer::Answer;
use crate::filter::Filter;
use crate::options::Options;
use crate::paging::Paging;
use crate::refusal::Refusal;
use crate::transcode::decode::{self, Decoded};
use crate::transcode::mask::{ReadMask, UpdateMask};
use crate::transcode::shape::ResourceShape;
use crate::transcode::{encode, wire};
use crate::{etag, names, propagation};

/// The service of one kind.
#[derive(Debug)]
pub(crate) struct Typed {
    pub(crate) operations: Operations,
    pub(crate) options: Options,
    pub(crate) served: Arc<ServedKind>,
    pub(crate) shape: ResourceShape,
    /// What requests call the field that has a resource, such as `http_route`.
    pub(crate) object: &'static str,
    pub(crate) kept: Kept,
}

impl Typed {
    /// `Get…`
    pub(crate) async fn get(&self, caller: &Caller, request: Bytes) -> Result<Answer, Refusal> {
        let requests::Get { name, read_mask } = requests::Get::decode(request)?;
        let subject = self.subject("name", &name, Part::Whole)?;
        self.may(caller, Verb::Get, &subject).await?;
        let mask = ReadMask::parse(&self.shape, paths(read_mask.as_ref()))?;
        let entry = caller.on(&self.operations).entry(&subject).await?;
        let make = || {
            let mut out = Answer::begin(entry.value.len());
            self.write(&entry.value.bytes(), entry.modified, mask.as_ref(), &mut out)?;
            Ok::<_, Refusal>(out)
        };
        Ok(Answer::written(if mask.is_some() { make()? } else { self.kept.framed(&entry, make)? }))
    }

    /// `List…`
    pub(crate) async fn list(&self, caller: &Caller, request: Bytes) -> Result<Answer, Refusal> {
        let request = requests::List::decode(request)?;
        let collection = self.collection(&request.parent)?;
        caller.may(Verb::List, &self.served, namespace(&collection), "", "").await?;
        let mask = ReadMask::parse(&self.shape, paths(request.read_mask.as_ref()))?;
        let paging = Paging { size: request.page_size, token: &request.page_token, order_by: &request.order_by };
        let filter = || Filter::parse(self.served.kind, &request.filter);
        let place = format!("{}/{}", self.served.resource, request.parent);
        let listing = paging.listing(&self.options, filter()?, &place)?;
        let listed = caller.on(&self.operations).list(&collection, &listing).await?;
        let mut out = Answer::begin(listed.entries.iter().map(|entry| entry.value.len()).sum());
        for entry in &listed.entries {
            let open = wire::open(1, &mut out);
            self.write(&entry.value.bytes(), entry.modified, mask.as_ref(), &mut out)?;
            wire::close(&open, &mut out);
        }
        let next = paging.next(&listed, &filter()?, &place);
        if !next.is_empty() {
            wire::bytes(2, next.as_bytes(), &mut out);
        }
        wire::number(3, listed.revision, &mut out);
        Ok(Answer::written(out))
    }

    /// `Create…`
    pub(crate) async fn create(&self, caller: &Caller, request: Bytes) -> Result<Answer, Refusal> {
        let requests::Create { parent, id, resource, validate_only, manager } = requests::Create::decode(request)?;
        let collection = self.collection(&parent)?;
        let Some(namespace) = collection.namespace.clone() else {
            return Err(Failure::bad_field("parent", "must name a namespace").into());
        };
        let Decoded { name, etag, mut object } = decode::read(&self.shape, &resource)?;
        if !etag.is_empty() {
            return Err(Failure::bad_field("metadata.etag", "an object that is created has none yet").into());
        }
        let named = if name.is_empty() { "" } else { self.named(&name, &namespace)? };
        if !named.is_empty() && !id.is_empty() && named != id {
            let why = format!("the name of the resource ends with {named}, and its identifier is {id}");
            return Err(Failure::bad_field("metadata.name", why).into());
        }
        let id = if id.is_empty() { named.to_owned() } else { id };
        caller.may(Verb::Create, &self.served, &namespace, &id, "").await?;
        self.identify(&mut object, &id);
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.shift_remove("uid");
        }
        let writing = writing(caller, &manager, validate_only);
        let object = Json { value: object.into(), duplicates: Vec::new() };
        let stored = caller.on(&self.operations).create(&collection, object, &writing).await?;
        self.answer(&stored)
    }

    /// `Update…`
    pub(crate) async fn update(&self, caller: &Caller, request: Bytes) -> Result<Answer, Refusal> {
        let requests::Update { resource, update_mask, validate_only, manager } = requests::Update::decode(request)?;
        let Decoded { name, etag, mut object } = decode::read(&self.shape, &resource)?;
        let mask = UpdateMask::parse(&self.shape, paths(update_mask.as_ref()), &object)?;
        let part = if mask.is_of_status()? { Part::Status } else { Part::Whole };
        let subject = self.subject("metadata.name", &name, part)?;
        self.may(caller, Verb::Update, &subject).await?;
        let version = etag::parse("metadata.etag", &etag)?;
        let writing = writing(caller, &manager, validate_only);
        let stored = match mask {
            UpdateMask::All => {
                self.identify(&mut object, &subject.name);
                etag::put(&mut object, version);
                let object = Json { value: object.into(), duplicates: Vec::new() };
                caller.on(&self.operations).replace(subject, object, &writing).await?
            }
            UpdateMask::Paths(mut paths) => {
                // A uid is what the object must have, as an etag is.
                if object.get("metadata").and_then(|metadata| metadata.get("uid")).is_some() {
                    paths.push(vec!["metadata".to_owned(), "uid".to_owned()]);
                }
                caller.on(&self.operations).update(subject, object, paths, version, &writing).await?
            }
        };
        self.answer(&stored)
    }

    /// `Apply…`
    pub(crate) async fn apply(&self, caller: &Caller, request: Bytes) -> Result<Answer, Refusal> {
        let requests::Apply { resource, manager, force, validate_only } = requests::Apply::decode(request)?;
        let Decoded { name, etag, mut object } = decode::read(&self.shape, &resource)?;
        let others = object.keys().filter(|key| !matches!(key.as_str(), "metadata" | "status")).count();
        let part = match (object.contains_key("status"), others) {
            (false, _) => Part::Whole,
            (true, 0) => Part::Status,
            (true, _) => return Err(Failure::bad_field("status", "the status is applied by itself").into()),
        };
        let subject = self.subject("metadata.name", &name, part)?;
        self.may(caller, Verb::Patch, &subject).await?;
        self.identify(&mut object, &subject.name);
        etag::put(&mut object, etag::parse("metadata.etag", &etag)?);
        let metadata = object.get_mut("metadata").and_then(Value::as_object_mut);
        if let Some(metadata) = metadata.filter(|_| self.served.kind.is_namespaced()) {
            metadata.insert("namespace".into(), subject.namespace.as_str().into());
        }
        let writing = writing(caller, &manager, validate_only);
        let stored = caller.on(&self.operations).apply(subject, object, force, &writing).await?;
        self.answer(&stored)
    }

    /// `Delete…`
    pub(crate) async fn delete(&self, caller: &Caller, request: Bytes) -> Result<Answer, Refusal> {
        let request = requests::Delete::decode(request)?;
        let subject = self.subject("name", &request.name, Part::Whole)?;
        self.may(caller, Verb::Delete, &subject).await?;
        let deletion = Deletion {
            uid: Some(request.uid).filter(|uid| !uid.is_empty()),
            revision: etag::parse("etag", &request.etag)?,
            propagation: propagation::parse(request.propagation)?,
            dry_run: request.validate_only,
        };
        let mut out = Answer::begin(0);
        if let Some(stored) = caller.on(&self.operations).delete(subject, &deletion).await? {
            let open = wire::open(1, &mut out);
            self.write(&stored.value, stored.revision, None, &mut out)?;
            wire::close(&open, &mut out);
        }
        Ok(Answer::written(out))
    }

    /// `Delete…Collection`
    pub(crate) async fn delete_collection(&self, caller: &Caller, request: Bytes) -> Result<Answer, Refusal> {
        let requests::DeleteCollection { parent, filter, propagation, validate_only } =
            requests::DeleteCollection::decode(request)?;
        let collection = self.collection(&parent)?;
        if collection.namespace.is_none() {
            return Err(Failure::bad_field("parent", "must name a namespace").into());
        }
        caller.may(Verb::DeleteCollection, &self.served, namespace(&collection), "", "").await?;
        let Filter { labels, fields } = Filter::required(self.served.kind, &filter)?;
        let propagation = propagation::parse(propagation)?;
        let deletion = Deletion { propagation, dry_run: validate_only, ..Deletion::default() };
        let gone = caller.on(&self.operations).delete_collection(collection, &labels, &fields, &deletion).await?;
        let mut out = Answer::begin(0);
        for entry in &gone {
            let name = names::of(self.served.kind, entry.key.namespace(), entry.key.name());
            wire::bytes(1, name.as_bytes(), &mut out);
        }
        Ok(Answer::written(out))
    }

    async fn may(&self, caller: &Caller, verb: Verb, subject: &Subject) -> Result<(), Failure> {
        let subresource = if subject.part == Part::Status { "status" } else { "" };
        caller.may(verb, &self.served, &subject.namespace, &subject.name, subresource).await
    }

    /// The object of a name, which was said in `field`.
    fn subject(&self, field: &str, name: &str, part: Part) -> Result<Subject, Failure> {
        let (namespace, name) = names::parse(self.served.kind, field, name)?;
        let subject = Operations::subject(&self.served, namespace, name, part);
        subject.ok_or_else(|| Failure::bad_field(field, "names no object that there can be"))
    }

    fn collection(&self, parent: &str) -> Result<Collection, Failure> {
        let namespace = names::parent(self.served.kind, parent)?;
        Operations::collection(&self.served, namespace)
            .ok_or_else(|| Failure::bad_field("parent", "names no collection that there can be"))
    }

    /// The last segment of the name of a resource that is in a namespace.
    fn named<'a>(&self, name: &'a str, namespace: &str) -> Result<&'a str, Failure> {
        let (said, name) = names::parse(self.served.kind, "metadata.name", name)?;
        if said == namespace {
            return Ok(name);
        }
        Err(Failure::bad_field("metadata.name", format!("is in the namespace {said}, and the parent is another")))
    }

    /// Says of an object which it is.
    fn identify(&self, object: &mut Map<String, Value>, name: &str) {
        object.insert("apiVersion".into(), self.served.api_version.as_str().into());
        object.insert("kind".into(), self.served.kind.kind.into());
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut).filter(|_| !name.is_empty()) {
            metadata.insert("name".into(), name.into());
        }
    }

    /// Writes a resource.
    fn write(&self, value: &[u8], revision: u64, mask: Option<&ReadMask>, out: &mut Vec<u8>) -> Result<(), Failure> {
        encode::write(&self.shape, value, revision, mask, out).map_err(|error| {
            tracing::error!(kind = self.served.kind.kind, %error, "a stored object is not of its kind");
            Failure::internal("a stored object is not of its kind")
        })
    }

    fn answer(&self, stored: &Stored) -> Result<Answer, Refusal> {
        let mut out = Answer::begin(stored.value.len());
        self.write(&stored.value, stored.revision, None, &mut out)?;
        Ok(Answer::written(out).warning(&stored.warnings))
    }
}

/// The paths of a mask that may not have been sent.
fn paths(mask: Option<&FieldMask>) -> &[String] {
    mask.map_or(&[], |mask| &mask.paths)
}

fn namespace(collection: &Collection) -> &str {
    collection.namespace.as_deref().unwrap_or_default()
}

fn writing<'a>(caller: &'a Caller, manager: &'a str, dry_run: bool) -> Writing<'a> {
    Writing::new(manager, &caller.agent, dry_run)
}
