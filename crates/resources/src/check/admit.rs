use serde_json::Value;

use super::{choice, metadata, prune, shape, unique, update};
use crate::field::{FieldError, FieldPath, Reason, Surplus, Trail};
use crate::kind::Kind;
use crate::object::{Object, Resource};

/// How many errors of one object are reported at most; one more says how many are left out.
pub const MAX_ERRORS: usize = 100;

/// An object that may be stored.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// With defaults and canonical spellings, and without the fields that its kind does not have.
    pub object: Object,
    /// The fields that were dropped, [`MAX_SURPLUS`](crate::decode::MAX_SURPLUS) at most.
    pub unknown: Vec<Surplus>,
    /// What of it will hardly do what it seems to be for.
    pub warnings: Vec<String>,
}

/// Makes an object of `kind` of any JSON value. `old` is the stored object when this is an update.
///
/// An update of an object whose deletion is under way is not validated when it asks for nothing new: an object that
/// became invalid with a newer version of Backstay can still lose its finalizers and go. It may not gain finalizers.
///
/// # Errors
/// Everything that is wrong with it, in the order of its fields' checks: see the [module](super).
pub fn admit(kind: &Kind, mut value: Value, old: Option<&Object>) -> Result<Admitted, Vec<FieldError>> {
    let unknown = prune(kind, &mut value);
    let schema = (kind.schema)();
    let mut errors = Vec::new();
    if !shape::check(schema, &mut value, &Trail::ROOT, &mut errors) {
        return Err(capped(errors));
    }
    let mut object: Object = serde_json::from_value(value).map_err(|error| vec![misshapen(kind, &error)])?;
    named(kind, &mut object, &mut errors);
    (kind.default)(&mut object);
    let mut body = Value::Object(std::mem::take(&mut object.body));
    choice::check(schema, &mut body, &Trail::ROOT, &mut errors);
    if let Value::Object(body) = body {
        object.body = body;
    }
    let wrong: Vec<FieldPath> = errors.iter().map(|error| error.path.clone()).collect();
    let mut more = metadata::validate(kind, &object.metadata);
    match old {
        Some(old) if old.metadata.deletion_timestamp.is_some() => {
            more.extend(update::finalizers(&object, old));
            if !update::asks_for_the_same(kind, &object, old) {
                more.extend((kind.validate)(&object, Some(old)));
            }
        }
        _ => more.extend((kind.validate)(&object, old)),
    }
    // What a kind finds twice by itself, it says better.
    let twice = unique::find(schema, &object, old);
    let is_told = |error: &FieldError| more.iter().any(|other| error.path.touches(&other.path));
    let twice: Vec<_> = twice.into_iter().filter(|error| !is_told(error)).collect();
    more.extend(twice);
    // What only follows from a field having been taken out is not worth a word.
    errors.extend(more.into_iter().filter(|error| !wrong.iter().any(|wrong| error.path.touches(wrong))));
    if !errors.is_empty() {
        return Err(capped(errors));
    }
    let warnings = (kind.warn)(&object);
    Ok(Admitted { object, unknown, warnings })
}

/// The Rust type of an object, for validation.
pub(crate) fn typed<R: Resource>(object: &Object) -> Result<R, Vec<FieldError>> {
    object.typed().map_err(|error| vec![misshapen(R::KIND, &error)])
}

/// The object's `apiVersion` and `kind` are those of `kind`, and are filled in when absent.
fn named(kind: &Kind, object: &mut Object, errors: &mut Vec<FieldError>) {
    let api_version = kind.api_version();
    for (name, field, wanted) in
        [("apiVersion", &mut object.api_version, api_version.as_str()), ("kind", &mut object.kind, kind.kind)]
    {
        if field.is_empty() {
            wanted.clone_into(field);
        } else if field != wanted {
            errors.push(FieldError::invalid(FieldPath::new(name), &field, &format!("must be {wanted}")));
        }
    }
}

fn misshapen(kind: &Kind, error: &serde_json::Error) -> FieldError {
    // serde quotes the value, which must not be seen in an error about what is sensitive.
    let detail = if kind.sensitive { String::new() } else { format!(": {error}") };
    FieldError {
        path: FieldPath::default(),
        reason: Reason::Invalid,
        message: format!("Invalid value: does not have the shape of a {}{detail}", kind.kind),
    }
}

fn capped(mut errors: Vec<FieldError>) -> Vec<FieldError> {
    if errors.len() > MAX_ERRORS {
        let left_out = errors.len() - MAX_ERRORS;
        errors.truncate(MAX_ERRORS);
        let message = format!("Invalid value: {left_out} more errors are not listed");
        errors.push(FieldError { path: FieldPath::default(), reason: Reason::Invalid, message });
    }
    errors
}
