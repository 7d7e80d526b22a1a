//! Stored JSON to the message of a typed service, in one pass.

mod time;
mod value;

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::json::{JsonError, Reader};
use super::mask::ReadMask;
use super::shape::{EMPTY_FIELDS, ETAG, KEYS, Message, NAME, ResourceShape};
use super::wire;
use crate::names;

/// The annotation in which kubectl keeps a copy of the whole object, secrets included.
pub(crate) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Why what is stored is no message of its kind.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EncodeError {
    /// It is no JSON, or of another form.
    #[error(transparent)]
    Form(#[from] JsonError),
    /// It is no text at all.
    #[error(transparent)]
    Utf8(#[from] std::str::Utf8Error),
    /// A value of any form is none that can be told.
    #[error(transparent)]
    Any(#[from] serde_json::Error),
}

/// Writes a stored object as the message of its kind. `revision` is that of its last change.
///
/// # Errors
/// When what is stored is not of its kind.
pub(crate) fn write(
    shape: &ResourceShape,
    stored: &[u8],
    revision: u64,
    mask: Option<&ReadMask>,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let mut from = Reader::new(std::str::from_utf8(stored)?);
    let mut state = State { out, path: Vec::new(), empty: Vec::new(), secret: shape.kind.sensitive };
    let names = object(shape, mask, &mut state, &mut from)?;
    from.end()?;
    let State { out, empty, .. } = state;
    let wanted = |number| mask.is_none_or(|mask| mask.below(number).is_some());
    if wanted(NAME) {
        wire::bytes(NAME, names::of(shape.kind, &names.namespace, &names.name).as_bytes(), out);
    }
    if wanted(ETAG) && revision != 0 {
        wire::bytes(ETAG, revision.to_string().as_bytes(), out);
    }
    for path in empty {
        wire::bytes(EMPTY_FIELDS, path.as_bytes(), out);
    }
    Ok(())
}

/// What is written, and where in the object that is.
struct State<'a, 'o> {
    out: &'o mut Vec<u8>,
    /// Where in the message that is being written.
    path: Vec<Step<'a>>,
    /// The paths of lists and maps that are there and empty.
    empty: Vec<String>,
    /// Whether values are not to be answered.
    secret: bool,
}

/// One step of a path.
enum Step<'a> {
    /// To a field, as `proto/` calls it.
    Field(&'a str),
    /// To an item of a list.
    Item(usize),
}

impl State<'_, '_> {
    /// Notes that the list or map that has been read has nothing in it.
    fn note_empty(&mut self) {
        let mut path = String::new();
        for step in &self.path {
            let _ = match step {
                Step::Field(name) if path.is_empty() => path.write_str(name),
                Step::Field(name) => write!(path, ".{name}"),
                Step::Item(number) => write!(path, "[{number}]"),
            };
        }
        self.empty.push(path);
    }
}

/// What an object is called.
#[derive(Default)]
struct Names<'j> {
    namespace: Cow<'j, str>,
    name: Cow<'j, str>,
}

/// A whole object.
fn object<'a, 'j>(
    shape: &'a ResourceShape,
    mask: Option<&'a ReadMask>,
    state: &mut State<'a, '_>,
    from: &mut Reader<'j>,
) -> Result<Names<'j>, EncodeError> {
    let mut names = Names::default();
    let mut hint = 0;
    from.object(|from, key| match &*key {
        "metadata" => metadata(&shape.metadata, mask, &mut names, state, from),
        // Values go in and do not come out again; what they are called does.
        "data" if state.secret => {
            let wanted = mask.is_none_or(|mask| mask.below(KEYS).is_some());
            from.object(|from, key| {
                if wanted {
                    wire::bytes(KEYS, key.as_bytes(), state.out);
                }
                Ok(from.any().map(drop)?)
            })
        }
        "stringData" if state.secret => Ok(from.any().map(drop)?),
        _ => field(&shape.body, &key, &mut hint, mask, state, from),
    })?;
    Ok(names)
}

/// Writes the value that comes next, if the message has a field called `key`.
fn field<'a>(
    message: &'a Message,
    key: &str,
    hint: &mut usize,
    mask: Option<&'a ReadMask>,
    state: &mut State<'a, '_>,
    from: &mut Reader<'_>,
) -> Result<(), EncodeError> {
    let found = message.by_json(key, *hint).map(|at| (at, &message.fields[at]));
    let Some((at, field)) = found else { return Ok(from.any().map(drop)?) };
    *hint = at + 1;
    let mask = match mask {
        None => None,
        Some(mask) => match mask.below(field.number) {
            None => return Ok(from.any().map(drop)?),
            Some(below) => below,
        },
    };
    state.path.push(Step::Field(&field.name));
    value::write(field, mask, state, from)?;
    state.path.pop();
    Ok(())
}

/// The fields of a message.
fn fields<'a>(
    message: &'a Message,
    mask: Option<&'a ReadMask>,
    state: &mut State<'a, '_>,
    from: &mut Reader<'_>,
) -> Result<(), EncodeError> {
    let mut hint = 0;
    from.object(|from, key| field(message, &key, &mut hint, mask, state, from))
}

/// The fields of metadata, and what the object is called.
fn metadata<'a, 'j>(
    message: &'a Message,
    mask: Option<&'a ReadMask>,
    names: &mut Names<'j>,
    state: &mut State<'a, '_>,
    from: &mut Reader<'j>,
) -> Result<(), EncodeError> {
    let mut hint = 0;
    from.object(|from, key| {
        match &*key {
            "name" => names.name = from.string()?,
            "namespace" => names.namespace = from.string()?,
            "annotations" if state.secret => {
                let field = message.by_name("annotations");
                let told = field.filter(|field| mask.is_none_or(|mask| mask.below(field.number).is_some()));
                match told {
                    Some(field) => value::map(field, LAST_APPLIED, state, from)?,
                    None => drop(from.any()?),
                }
            }
            _ => field(message, &key, &mut hint, mask, state, from)?,
        }
        Ok(())
    })
}

fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}
