//! Expressions of CEL that have to be true: of a request, of what is answered, or of what a token says.
//!
//! Which is told by the variables that an expression names, as KrakenD tells it: by the letters `req`, `resp` and `JWT` anywhere in its text.

use std::sync::Arc;

use backstay_cel::{Declaration, Later, Map, Program, ProgramError, Steps, Type, Value};
use http::{HeaderMap, StatusCode};

use crate::document::{Object, Parts, Value as Data};
use crate::url::Query;

/// Expressions that have to be true.
#[derive(Clone, Debug, Default)]
pub struct Expressions {
    before: Vec<Program>,
    after: Vec<Program>,
    claims: Vec<Program>,
}

/// Why an expression was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}, at position {} of the expression", error.at)]
pub struct ExpressionError {
    /// Its position among all.
    pub index: usize,
    /// What is wrong with it.
    pub error: ProgramError,
}

/// An expression that has to be true is not, or could not be evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("request aborted by evaluator #{index}")]
pub struct Untrue {
    /// Its position among those that are evaluated at that point.
    pub index: usize,
}

/// A request, as expressions see it.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The method.
    pub method: &'a str,
    /// The path.
    pub path: &'a str,
    /// Parameters of the path: names without braces.
    pub parameters: &'a [(String, String)],
    /// The header fields.
    pub headers: &'a HeaderMap,
    /// The query, without its question mark.
    pub query: &'a str,
}

/// What is answered, as expressions see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answered<'a> {
    pub(crate) data: Option<&'a Object>,
    pub(crate) complete: bool,
    /// Of an answer that is passed on.
    pub(crate) head: Option<(StatusCode, &'a HeaderMap)>,
}

impl Expressions {
    /// How many there may be in one place.
    pub const MOST: usize = 64;

    /// Compiles expressions; none of them is more than [`Program`] takes.
    ///
    /// # Errors
    /// The first that is refused.
    pub fn new(texts: &[String]) -> Result<Self, ExpressionError> {
        let mut made = Self::default();
        for (index, text) in texts.iter().enumerate() {
            let program = Program::new(text, &declarations()).map_err(|error| ExpressionError { index, error })?;
            for (mark, list) in [("req", &mut made.before), ("resp", &mut made.after), ("JWT", &mut made.claims)] {
                if text.contains(mark) {
                    list.push(program.clone());
                }
            }
        }
        Ok(made)
    }

    /// Whether there is one of a request.
    pub fn concern_requests(&self) -> bool {
        !self.before.is_empty()
    }

    /// Whether there is one of what is answered.
    pub fn concern_answers(&self) -> bool {
        !self.after.is_empty()
    }

    /// Whether there is one of what a token says.
    pub fn concern_claims(&self) -> bool {
        !self.claims.is_empty()
    }

    /// The type of the first expression that is never true.
    pub fn wrong_type(&self) -> Option<&Type> {
        let all = self.before.iter().chain(&self.after).chain(&self.claims);
        all.map(Program::kind).find(|kind| !matches!(kind, Type::Bool | Type::Dyn))
    }

    /// Evaluates those of a request.
    ///
    /// # Errors
    /// The first that is not true.
    pub fn check_request(&self, seen: &Seen<'_>) -> Result<(), Untrue> {
        check(&self.before, &|name| {
            Some(match name {
                "req_method" => Value::text(seen.method),
                "req_path" => Value::text(seen.path),
                "req_params" => Value::members(
                    seen.parameters.iter().map(|(name, value)| (capital(name), Value::text(value.as_str()))),
                ),
                "req_headers" => fields(seen.headers),
                "req_querystring" => {
                    let query = Query::parse(seen.query);
                    Value::members(query.values().map(|(name, values)| {
                        let values: Vec<_> = values.iter().map(|value| String::from_utf8_lossy(value)).collect();
                        (String::from_utf8_lossy(name).into(), Value::texts(values.iter().map(AsRef::as_ref)))
                    }))
                }
                _ => return None,
            })
        })
    }

    /// Evaluates those of what is answered.
    ///
    /// # Errors
    /// The first that is not true.
    pub(crate) fn check_answer(&self, answered: &Answered<'_>) -> Result<(), Untrue> {
        check(&self.after, &|name| {
            Some(match name {
                "resp_completed" => Value::Bool(answered.complete),
                "resp_metadata_status" => Value::Int(answered.head.map_or(0, |(status, _)| status.as_u16().into())),
                "resp_metadata_headers" => {
                    answered.head.map_or_else(|| Value::members([]), |(_, headers)| fields(headers))
                }
                "resp_data" => {
                    let data = answered.data.cloned().unwrap_or_else(Object::empty);
                    Value::Later(Arc::new(Unopened(Data::Object(data))))
                }
                _ => return None,
            })
        })
    }

    /// Evaluates those of what a token says.
    ///
    /// # Errors
    /// The first that is not true.
    pub fn check_claims(&self, claims: &Value) -> Result<(), Untrue> {
        check(&self.claims, &|name| (name == "JWT").then(|| claims.clone()))
    }
}

/// The variables. Which of them have a value depends on when an expression is evaluated.
fn declarations() -> [Declaration; 11] {
    let texts = || Type::map(Type::String, Type::list(Type::String));
    let any = || Type::map(Type::String, Type::Dyn);
    [
        ("now", Type::String),
        ("req_method", Type::String),
        ("req_path", Type::String),
        ("req_params", Type::map(Type::String, Type::String)),
        ("req_headers", texts()),
        ("req_querystring", texts()),
        ("resp_completed", Type::Bool),
        ("resp_metadata_status", Type::Int),
        ("resp_metadata_headers", texts()),
        ("resp_data", any()),
        ("JWT", any()),
    ]
    .map(|(name, kind)| Declaration { name, kind })
}

/// One after another, within one number of steps.
fn check(programs: &[Program], find: &dyn Fn(&str) -> Option<Value>) -> Result<(), Untrue> {
    let mut steps = Steps::DEFAULT;
    let find = |name: &str| if name == "now" { Some(Value::text(now())) } else { find(name) };
    for (index, program) in programs.iter().enumerate() {
        match program.evaluate(&find, &mut steps) {
            Ok(Value::Bool(true)) => {}
            _ => return Err(Untrue { index }),
        }
    }
    Ok(())
}

/// The time as RFC 3339 has it, in seconds.
fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The name of a parameter, which begins with a capital letter.
fn capital(name: &str) -> Arc<str> {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>().into()
}

/// Header fields by the names that Go has for them: `X-Request-Id`.
fn fields(headers: &HeaderMap) -> Value {
    let name = |name: &str| {
        let mut after_dash = true;
        let letter = |letter: char| {
            let written = if after_dash { letter.to_ascii_uppercase() } else { letter };
            after_dash = letter == '-';
            written
        };
        name.chars().map(letter).collect::<String>()
    };
    Value::members(headers.keys().map(|known| {
        let values: Vec<_> =
            headers.get_all(known).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        (name(known.as_str()).into(), Value::texts(values.iter().map(AsRef::as_ref)))
    }))
}

/// A part of a document that nobody has looked into.
#[derive(Debug)]
struct Unopened(Data);

impl Later for Unopened {
    fn size(&self) -> usize {
        match &self.0 {
            Data::Slice(slice) => slice.size_hint(),
            Data::Object(object) => match object.parts() {
                Parts::Slice(slice) => slice.size_hint(),
                Parts::Members(members) => members.len() * 64,
            },
            Data::Array(elements) => elements.len() * 64,
            Data::Record(members) => members.len() * 64,
            _ => 0,
        }
    }

    fn open(&self) -> Value {
        value(self.0.clone().open())
    }
}

/// A value of a document, opened one level.
fn value(data: Data) -> Value {
    let text = |bytes: &[u8]| -> Arc<str> { String::from_utf8_lossy(bytes).into() };
    let inner = |data: Data| match data {
        Data::Slice(_) | Data::Object(_) | Data::Record(_) | Data::Array(_) => Value::Later(Arc::new(Unopened(data))),
        simple => value(simple),
    };
    match data {
        Data::Null | Data::Slice(_) => Value::Null,
        Data::Bool(truth) => Value::Bool(truth),
        Data::Number(literal) => number(&text(&literal)),
        Data::String(bytes) => Value::String(text(&bytes)),
        Data::Array(elements) => Value::List(Arc::new(elements.into_iter().map(inner).collect())),
        Data::Object(object) => Value::Map(Arc::new(Map::Members(
            object.into_members().into_iter().map(|(name, data)| (text(&name), inner(data))).collect(),
        ))),
        Data::Record(members) => Value::members(members.into_iter().map(|(name, data)| (text(&name), inner(data)))),
    }
}

/// A number of a document: whole where it is written so and 64 bits hold it.
fn number(literal: &str) -> Value {
    literal.parse().map_or_else(|_| Value::Double(literal.parse().unwrap_or(f64::NAN)), Value::Int)
}

#[cfg(test)]
mod tests;
