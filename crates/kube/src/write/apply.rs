//! What is applied on the server.
//!
//! Source: Kubernetes, `apiserver/pkg/endpoints/handlers/patch.go` and `apimachinery/pkg/util/managedfields`, for what is refused and in
//! which words.

use backstay_resources::{ManagedFields, decode};
use backstay_store::Snapshot;
use serde_json::{Map, Value};

use super::create::New;
use super::{Written, writer};
use crate::admission::{Draft, check_kind, check_size};
use crate::ahead::Attempt;
use crate::api::Api;
use crate::ownership::{self, Applied, Applier, ApplyError};
use crate::path::{Part, Subject};
use crate::query::{FieldValidation, Params};
use crate::status::Failure;

/// The media type. JSON is YAML.
pub(super) const MEDIA_TYPE: &str = "application/apply-patch+yaml";

/// What somebody wants of an object.
#[derive(Debug)]
pub(crate) struct Config {
    fields: Map<String, Value>,
    /// One for each field that it names twice.
    pub(super) warnings: Vec<String>,
}

impl Config {
    /// Of fields that have been read already.
    pub(super) fn of(fields: Map<String, Value>) -> Self {
        Self { fields, warnings: Vec::new() }
    }

    /// Reads the body of an apply.
    pub(super) fn parse(bytes: &[u8], validation: FieldValidation) -> Result<Self, Failure> {
        // JSON, which nearly all clients send, is read by its own decoder, which is faster; what that does not take may be YAML.
        let json = if bytes.trim_ascii_start().starts_with(b"{") { decode::json(bytes).ok() } else { None };
        let decoded = match json {
            Some(decoded) => decoded,
            None => {
                decode::yaml(bytes).map_err(|error| Failure::bad_request(format!("error decoding YAML: {error}")))?
            }
        };
        let twice: Vec<String> = decoded.duplicates.iter().map(ToString::to_string).collect();
        if validation == FieldValidation::Strict && !twice.is_empty() {
            return Err(Failure::bad_request(format!("error strict decoding YAML: {}", twice.join(", "))));
        }
        let Value::Object(fields) = decoded.value else {
            return Err(Failure::bad_request("error decoding YAML: what is applied must be an object"));
        };
        let warnings = if validation == FieldValidation::Warn { twice } else { Vec::new() };
        Ok(Self { fields, warnings })
    }

    /// Applies it to the stored state of an object, without who owns what, which is `owned`.
    pub(super) fn apply(
        &self,
        subject: &Subject,
        params: &Params,
        live: Map<String, Value>,
        owned: &ManagedFields,
    ) -> Result<Applied, Failure> {
        let kind = subject.served.kind;
        check_kind(&subject.served, &Value::Object(self.fields.clone()))?;
        let metadata = self.fields.get("metadata");
        if metadata.and_then(|metadata| metadata.get("managedFields")).is_some_and(|fields| !fields.is_null()) {
            return Err(Failure::bad_request("metadata.managedFields must be nil"));
        }
        let applier = Applier { writer: writer(params, subject.part), force: params.force == Some(true) };
        ownership::apply(kind, live, owned, &self.fields, &applier).map_err(|error| match error {
            ApplyError::Conflicts(conflicts) => Failure::apply_conflicts(&conflicts),
            ApplyError::Faults(faults) => {
                let location = match subject.namespace.as_str() {
                    "" => format!("/{}", subject.name),
                    namespace => format!("{namespace}/{}", subject.name),
                };
                let (version, kind) = (&subject.served.api_version, kind.kind);
                let faults = match faults.as_slice() {
                    [one] => one.clone(),
                    many => format!("errors:\n  {}", many.join("\n  ")),
                };
                Failure::bad_request(format!(
                    "failed to create typed patch object ({location}; {version}, Kind={kind}): {faults}"
                ))
            }
        })
    }
}

/// Makes an object of what is applied where there is none.
pub(super) async fn create(
    api: &Api,
    subject: &Subject,
    params: &Params,
    config: &Config,
    snapshot: &Snapshot,
) -> Result<Attempt<Written>, Failure> {
    let Subject { served, namespace, name, part } = subject;
    if *part == Part::Status {
        return Err(Failure::not_found(served.kind, name));
    }
    let applied = config.apply(subject, params, Map::new(), &ManagedFields::default())?;
    let mut draft = Draft::merged(applied.fields, config.warnings.clone());
    let uid = draft.metadata("uid");
    if !uid.is_empty() {
        let why = format!("uid mismatch: the provided object specified uid {uid}, and no existing object was found");
        return Err(Failure::conflict(served.kind, name, &why));
    }
    if draft.metadata("name").is_empty() {
        return Err(Failure::bad_request(format!(
            "the name of the object ({name} based on URL) was undeterminable: name must be provided"
        )));
    }
    draft.locate(Some(name), namespace)?;
    draft.strip_for_create(served);
    let (mut object, warnings) = draft.admit(served, None)?;
    object.metadata.managed_fields = applied.managed_fields;
    check_size(api, None, &object)?;
    Ok(match New::of(api, served, object, params.dry_run).await?.store(api, snapshot).await? {
        Attempt::Done(written) => Attempt::Done(Written { warnings, ..written }),
        Attempt::Seen(written) => Attempt::Seen(Written { warnings, ..written }),
        // It is there now, to be applied to.
        Attempt::Failed(failure) if failure.is_already_exists() => Attempt::Beaten,
        other => other,
    })
}
