//! Patches.
//!
//! Source: RFC 7386 (merge patch), RFC 6902 (JSON patch), and where Kubernetes differs from it, Kubernetes.

mod strategic;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use backstay_resources::decode::{self, Decoded};
use backstay_resources::{Kind, Surplus};
use http::HeaderMap;
use json_patch::jsonptr::{Pointer, PointerBuf};
use json_patch::{AddOperation, PatchErrorKind, PatchOperation};
use serde_json::Value;

use self::strategic::MergeError;
use crate::body;
use crate::served::is_of_kubernetes;
use crate::status::Failure;

const ACCEPTED: &str = "accepted media types include: application/json-patch+json, application/merge-patch+json, \
                        application/apply-patch+yaml";
const ACCEPTED_CORE: &str = "accepted media types include: application/json-patch+json, application/merge-patch+json, \
                             application/strategic-merge-patch+json, application/apply-patch+yaml";

/// How deeply values may be nested, safely below what decoders of JSON take.
const MAX_DEPTH: usize = 100;

/// How many values the operations of one JSON patch may move or copy together.
const MAX_WORK: usize = 10_000_000;

/// What to change of an object.
#[derive(Debug)]
pub(crate) enum Patch {
    /// RFC 7386.
    Merge(Decoded),
    /// RFC 6902.
    Json(Vec<PatchOperation>),
    /// Kubernetes' own.
    Strategic(Decoded),
}

/// Why a patch cannot be applied to an object.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PatchError {
    /// A strategic merge patch is at fault, whatever the object.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// The operation `test` found something else.
    #[error("testing value {path} failed: test failed")]
    Test {
        /// Where.
        path: String,
    },
    /// An operation does not fit the object.
    #[error("cannot apply the operation at {path}: {source}")]
    Operation {
        /// Where.
        path: String,
        /// Why.
        source: PatchErrorKind,
    },
    /// The object would be deeper than decoders go.
    #[error("the operation at {path} nests values too deeply")]
    TooDeep {
        /// Where.
        path: String,
    },
    /// The operations together are too much work, or make the object too large.
    #[error("the patch {0} too much")]
    TooMuch(&'static str),
}

impl Patch {
    /// Reads a patch of an object of `kind`, as its `Content-Type` says. A JSON patch may have `max_operations`.
    pub(crate) fn parse(
        kind: &Kind,
        headers: &HeaderMap,
        bytes: &[u8],
        max_operations: usize,
    ) -> Result<Self, Failure> {
        // Those of Kubernetes have the tags that such a patch goes by; and those of no extension.
        let core = is_of_kubernetes(kind);
        let accepted = if core { ACCEPTED_CORE } else { ACCEPTED };
        match body::media_type(headers)?.as_str() {
            "application/merge-patch+json" => Ok(Self::Merge(fields(bytes)?)),
            "application/strategic-merge-patch+json" if core => Ok(Self::Strategic(fields(bytes)?)),
            "application/json-patch+json" => {
                let operations: Vec<PatchOperation> = serde_json::from_slice(bytes).map_err(malformed)?;
                let count = operations.len();
                if count > max_operations {
                    return Err(Failure::too_large(format!(
                        "The allowed maximum operations in a JSON patch is {max_operations}, got {count}"
                    )));
                }
                Ok(Self::Json(operations))
            }
            "application/strategic-merge-patch+json" => Err(Failure::unsupported_media_type(format!(
                "the body of the request was in an unknown format (application/strategic-merge-patch+json is for \
                 built-in types only, use a merge patch: kubectl patch --type=merge) - {accepted}"
            ))),
            other => Err(Failure::unsupported_media_type(format!(
                "the body of the request was in an unknown format ({other}) - {accepted}"
            ))),
        }
    }

    /// Fields that the patch itself names twice.
    pub(crate) fn duplicates(&self) -> &[Surplus] {
        match self {
            Self::Merge(decoded) | Self::Strategic(decoded) => &decoded.duplicates,
            Self::Json(_) => &[],
        }
    }

    /// Changes `document`. What a JSON patch copies may not exceed `max_copied` bytes together. After an error the
    /// document is of no use.
    pub(crate) fn apply(&self, document: &mut Value, max_copied: usize) -> Result<(), PatchError> {
        match self {
            Self::Merge(decoded) => {
                json_patch::merge(document, &decoded.value);
                Ok(())
            }
            Self::Strategic(decoded) => match decoded.value.as_object() {
                Some(patch) => Ok(strategic::merge(document, patch)?),
                None => Ok(()),
            },
            Self::Json(operations) => {
                let mut budget = Budget { copied: max_copied, work: MAX_WORK };
                operations.iter().try_for_each(|operation| apply_one(document, operation, &mut budget))
            }
        }
    }
}

/// A patch that looks like what it changes.
fn fields(bytes: &[u8]) -> Result<Decoded, Failure> {
    let decoded = decode::json(bytes).map_err(malformed)?;
    if decoded.value.is_object() { Ok(decoded) } else { Err(Failure::bad_request("a merge patch must be an object")) }
}

fn malformed(error: impl std::fmt::Display) -> Failure {
    Failure::bad_request(format!("error decoding patch: {error}"))
}

struct Budget {
    /// Bytes.
    copied: usize,
    /// Values.
    work: usize,
}

fn apply_one(document: &mut Value, operation: &PatchOperation, budget: &mut Budget) -> Result<(), PatchError> {
    let operation = &*as_kubernetes(document, operation);
    match operation {
        // Kubernetes takes an absent value for null here, and clients rely on it to add a list where there is none.
        PatchOperation::Test(test) if test.value.is_null() && resolve(document, &test.path).is_none() => return Ok(()),
        PatchOperation::Copy(copy) => {
            budget.bring(document, &copy.from, &copy.path, true)?;
            budget.shift(document, &copy.path)?;
        }
        PatchOperation::Move(moved) => {
            budget.bring(document, &moved.from, &moved.path, false)?;
            budget.shift(document, &moved.from)?;
            budget.shift(document, &moved.path)?;
        }
        PatchOperation::Add(add) => budget.shift(document, &add.path)?,
        PatchOperation::Remove(remove) => budget.shift(document, &remove.path)?,
        PatchOperation::Test(_) | PatchOperation::Replace(_) => {}
    }
    json_patch::patch_unsafe(document, std::slice::from_ref(operation)).map_err(|error| match error.kind {
        PatchErrorKind::TestFailed => PatchError::Test { path: error.path.to_string() },
        source => PatchError::Operation { path: error.path.to_string(), source },
    })
}

/// An operation in the words of RFC 6902, where Kubernetes has more of them: an index may count from the end of a list, and what
/// `replace` names need not be there yet.
///
/// Source: `gopkg.in/evanphx/json-patch.v4`, which kube-apiserver has.
fn as_kubernetes<'a>(document: &Value, operation: &'a PatchOperation) -> Cow<'a, PatchOperation> {
    let counts_back =
        |path: &Pointer| path.tokens().any(|token| token.encoded().starts_with('-') && token.encoded().len() > 1);
    let mut operation = Cow::Borrowed(operation);
    let (path, from) = match &*operation {
        PatchOperation::Add(it) => (&it.path, None),
        PatchOperation::Remove(it) => (&it.path, None),
        PatchOperation::Replace(it) => (&it.path, None),
        PatchOperation::Test(it) => (&it.path, None),
        PatchOperation::Move(it) => (&it.path, Some(&it.from)),
        PatchOperation::Copy(it) => (&it.path, Some(&it.from)),
    };
    if counts_back(path) || from.is_some_and(|from| counts_back(from)) {
        let adds = matches!(&*operation, PatchOperation::Add(_) | PatchOperation::Copy(_) | PatchOperation::Move(_));
        let (path, from) = (from_front(document, path, adds), from.map(|from| from_front(document, from, false)));
        match operation.to_mut() {
            PatchOperation::Add(it) => it.path = path,
            PatchOperation::Remove(it) => it.path = path,
            PatchOperation::Replace(it) => it.path = path,
            PatchOperation::Test(it) => it.path = path,
            PatchOperation::Move(it) => (it.path, it.from) = (path, from.unwrap_or_default()),
            PatchOperation::Copy(it) => (it.path, it.from) = (path, from.unwrap_or_default()),
        }
    }
    if let PatchOperation::Replace(it) = &*operation
        && let Some(parent) = it.path.parent().and_then(|parent| resolve(document, parent))
        && parent.is_object()
        && resolve(document, &it.path).is_none()
    {
        let (path, value) = (it.path.clone(), it.value.clone());
        return Cow::Owned(PatchOperation::Add(AddOperation { path, value }));
    }
    operation
}

/// A path without indexes that count from the end. One that reaches beyond the beginning stays, and is refused as no index.
fn from_front(document: &Value, path: &Pointer, adds: bool) -> PointerBuf {
    let mut place = Some(document);
    let mut front = PointerBuf::new();
    let last = path.count().saturating_sub(1);
    for (position, token) in path.tokens().enumerate() {
        let text = token.decoded();
        let list = place.and_then(Value::as_array);
        let back = list.zip(text.strip_prefix('-').and_then(|digits| digits.parse::<usize>().ok()));
        let step = match back {
            Some((list, back)) => {
                // A new element may come after the last.
                let length = list.len() + usize::from(adds && position == last);
                length
                    .checked_sub(back)
                    .filter(|_| back > 0)
                    .map_or_else(|| text.to_string(), |index| index.to_string())
            }
            None => text.to_string(),
        };
        place = match place {
            Some(Value::Array(items)) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
            Some(Value::Object(fields)) => fields.get(&step),
            _ => None,
        };
        front.push_back(step);
    }
    front
}

fn resolve<'a>(document: &'a Value, path: &Pointer) -> Option<&'a Value> {
    document.pointer(path.as_str())
}

impl Budget {
    /// Pays for bringing the value at `from` to `path`: copies could double a document with each operation, and nest it
    /// deeper than any decoder goes.
    fn bring(&mut self, document: &Value, from: &Pointer, path: &Pointer, copies: bool) -> Result<(), PatchError> {
        // An absent value is reported by the operation itself.
        let Some(value) = resolve(document, from) else { return Ok(()) };
        let depth = self.measure(value, copies)?;
        if path.count() + depth > MAX_DEPTH {
            return Err(PatchError::TooDeep { path: path.to_string() });
        }
        Ok(())
    }

    /// Pays for what moves when an element is put into a list, or taken out of it.
    fn shift(&mut self, document: &Value, path: &Pointer) -> Result<(), PatchError> {
        let list = path.parent().and_then(|parent| resolve(document, parent));
        let moved = list.and_then(Value::as_array).map_or(1, Vec::len);
        self.work = self.work.checked_sub(moved).ok_or(PatchError::TooMuch("moves"))?;
        Ok(())
    }

    /// The depth of a value, for the price of looking at it.
    fn measure(&mut self, value: &Value, copies: bool) -> Result<usize, PatchError> {
        let bytes = match value {
            Value::String(text) => text.len() + 2,
            Value::Object(fields) => fields.keys().map(|name| name.len() + 4).sum(),
            _ => 4,
        };
        self.work = self.work.checked_sub(1).ok_or(PatchError::TooMuch("moves or copies"))?;
        if copies {
            self.copied = self.copied.checked_sub(bytes).ok_or(PatchError::TooMuch("copies"))?;
        }
        let mut below = 0;
        match value {
            Value::Array(items) => {
                for item in items {
                    below = below.max(self.measure(item, copies)?);
                }
            }
            Value::Object(fields) => {
                for field in fields.values() {
                    below = below.max(self.measure(field, copies)?);
                }
            }
            _ => return Ok(0),
        }
        Ok(below + 1)
    }
}
