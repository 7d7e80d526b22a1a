//! Stored JSON to the message of a typed service, in one pass.

mod path;
#[cfg(test)]
mod tests;
mod time;
mod value;

use std::borrow::Cow;

use self::path::Path;
use super::json::{Expected, OBJECT, Reader};
use super::mask::ReadMask;
use super::shape::{EMPTY_FIELDS, ETAG, KEYS, Message, NAME, Place, ResourceShape};
use super::wire;

/// The annotation in which kubectl keeps a copy of the whole object, secrets included.
pub(crate) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Why what is stored is no message of its kind.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EncodeError {
    /// It is no JSON, or of another form.
    #[error("at byte {at}: expected {wanted}")]
    Form {
        /// How many bytes stand before that.
        at: usize,
        /// What should stand there.
        wanted: &'static str,
    },
    /// It is no text at all.
    #[error(transparent)]
    Utf8(#[from] std::str::Utf8Error),
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
    // Once for all texts that are copied from it.
    let mut from = Reader::new(std::str::from_utf8(stored)?);
    let mut state = State { out, empty: Vec::new(), secret: shape.kind.sensitive };
    let names = object(shape, mask, &mut state, &mut from).and_then(|names| from.end().map(|()| names));
    let names = names.map_err(|Expected(wanted)| EncodeError::Form { at: from.at(), wanted })?;
    let State { out, empty, .. } = state;
    let wanted = |number| mask.is_none_or(|mask| mask.below(number).is_some());
    if wanted(NAME) {
        name(shape, &names, out);
    }
    if wanted(ETAG) && revision != 0 {
        wire::bytes(ETAG, revision.to_string().as_bytes(), out);
    }
    for path in empty {
        wire::bytes(EMPTY_FIELDS, path.as_bytes(), out);
    }
    Ok(())
}

/// Writes what an object is called, as [`crate::names::of`] has it.
fn name(shape: &ResourceShape, names: &Names<'_>, out: &mut Vec<u8>) {
    let open = wire::open(NAME, out);
    let namespace = ["namespaces/", &names.namespace, "/"];
    for part in namespace.iter().filter(|_| shape.kind.is_namespaced()).chain(&[shape.kind.plural, "/", &names.name]) {
        out.extend_from_slice(part.as_bytes());
    }
    wire::close(&open, out);
}

/// What is written, beside where.
struct State<'o> {
    out: &'o mut Vec<u8>,
    /// The paths of lists and maps that are there and empty.
    empty: Vec<String>,
    /// Whether values are not to be answered.
    secret: bool,
}

/// What an object is called.
#[derive(Default)]
struct Names<'j> {
    namespace: Cow<'j, str>,
    name: Cow<'j, str>,
}

/// A whole object.
fn object<'j>(
    shape: &ResourceShape,
    mask: Option<&ReadMask>,
    state: &mut State<'_>,
    from: &mut Reader<'j>,
) -> Result<Names<'j>, Expected> {
    let mut names = Names::default();
    let mut more = from.begin(OBJECT)?;
    while more {
        match &*from.name()? {
            "metadata" => fields(&shape.metadata, mask, None, state, from, |key, from| {
                match key {
                    "name" => names.name = from.string()?,
                    "namespace" => names.namespace = from.string()?,
                    _ => skip(key, from)?,
                }
                Ok(())
            })?,
            // Values go in and do not come out again; what they are called does.
            "data" if state.secret => keys(mask, state, from)?,
            "stringData" if state.secret => drop(from.any()?),
            key => match shape.body.by_json(key) {
                Some(at) => field(&shape.body, at, mask, None, state, from)?,
                None => drop(from.any()?),
            },
        }
        more = from.more(OBJECT)?;
    }
    Ok(names)
}

/// What the values of a Secret are called.
fn keys(mask: Option<&ReadMask>, state: &mut State<'_>, from: &mut Reader<'_>) -> Result<(), Expected> {
    let wanted = mask.is_none_or(|mask| mask.below(KEYS).is_some());
    let mut more = from.begin(OBJECT)?;
    while more {
        let key = from.name()?;
        if wanted {
            wire::bytes(KEYS, key.as_bytes(), state.out);
        }
        from.any()?;
        more = from.more(OBJECT)?;
    }
    Ok(())
}

/// The value of a field, unless the mask leaves it out. `above` is where the message stands; `None` is the whole.
#[inline]
fn field(
    message: &Message,
    at: usize,
    mask: Option<&ReadMask>,
    above: Option<&Path<'_>>,
    state: &mut State<'_>,
    from: &mut Reader<'_>,
) -> Result<(), Expected> {
    let field = &message.fields[at];
    let mask = match mask {
        // Most are texts, and nobody asks where these stand.
        None if field.is_text() => return value::text(field.number, state.out, from),
        None => None,
        Some(mask) => match mask.below(field.number) {
            None => return from.any().map(drop),
            Some(below) => below,
        },
    };
    value::write(field, mask, &Path::field(above, &field.name), state, from)
}

/// The fields of a message. What it has no field for is given to `other` with its name, which reads its value.
fn fields<'j>(
    message: &Message,
    mask: Option<&ReadMask>,
    path: Option<&Path<'_>>,
    state: &mut State<'_>,
    from: &mut Reader<'j>,
    mut other: impl FnMut(&str, &mut Reader<'j>) -> Result<(), Expected>,
) -> Result<(), Expected> {
    let mut place = Place::default();
    let mut more = from.begin(OBJECT)?;
    while more {
        let expected = message.order.next(place);
        match message.fields.get(expected) {
            Some(next) if from.passes(&next.spelt) => {
                place = Place::after(expected);
                field(message, expected, mask, path, state, from)?;
            }
            _ => {
                let key = from.name()?;
                match message.by_json(&key) {
                    Some(at) => {
                        message.order.learn(place, at);
                        place = Place::after(at);
                        field(message, at, mask, path, state, from)?;
                    }
                    None => other(&key, from)?,
                }
            }
        }
        more = from.more(OBJECT)?;
    }
    Ok(())
}

/// Reads what nobody is told.
fn skip(_: &str, from: &mut Reader<'_>) -> Result<(), Expected> {
    from.any().map(drop)
}
