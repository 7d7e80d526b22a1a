//! Label selectors.

use std::borrow::Cow;
use std::collections::HashMap;

use backstay_resources::name;
use serde::Deserialize;

/// One requirement on one label.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LabelRequirement {
    key: String,
    test: Test,
}

#[derive(Debug, PartialEq, Eq)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
    Above(i64),
    Below(i64),
}

impl LabelRequirement {
    fn matches(&self, value: Option<&str>) -> bool {
        let number = || value.and_then(|value| value.parse::<i64>().ok());
        match &self.test {
            Test::In(values) => value.is_some_and(|value| values.iter().any(|known| known == value)),
            Test::NotIn(values) => value.is_none_or(|value| values.iter().all(|known| known != value)),
            Test::Exists => value.is_some(),
            Test::Absent => value.is_none(),
            Test::Above(bound) => number().is_some_and(|number| number > *bound),
            Test::Below(bound) => number().is_some_and(|number| number < *bound),
        }
    }
}

#[derive(Deserialize)]
struct Labelled<'a> {
    #[serde(borrow, default)]
    metadata: Labels<'a>,
}

#[derive(Default, Deserialize)]
struct Labels<'a> {
    #[serde(borrow, default)]
    labels: HashMap<Cow<'a, str>, Cow<'a, str>>,
}

/// Whether all requirements hold for an encoded object, of which only the labels are decoded.
pub(super) fn matches(requirements: &[LabelRequirement], encoded: &[u8]) -> bool {
    let Ok(object) = serde_json::from_slice::<Labelled<'_>>(encoded) else {
        return false;
    };
    let labels = &object.metadata.labels;
    requirements.iter().all(|requirement| requirement.matches(labels.get(requirement.key.as_str()).map(AsRef::as_ref)))
}

/// Reads requirements separated by commas: `k=v`, `k==v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k`, `!k`, `k>1`, `k<1`.
pub(super) fn parse(text: &str) -> Result<Vec<LabelRequirement>, String> {
    let mut tokens = Tokens { rest: text };
    let mut requirements = Vec::new();
    if tokens.peek().is_none() {
        return Ok(requirements);
    }
    loop {
        requirements.push(requirement(&mut tokens)?);
        match tokens.next() {
            None => return Ok(requirements),
            Some(",") => {}
            Some(other) => return Err(format!("found '{other}', expected: ',' or end of the selector")),
        }
    }
}

fn requirement(tokens: &mut Tokens<'_>) -> Result<LabelRequirement, String> {
    let absent = tokens.peek() == Some("!");
    if absent {
        tokens.next();
    }
    let key = match tokens.next() {
        Some(key) if !is_special(key) => key,
        other => return Err(format!("found '{}', expected: a label key", other.unwrap_or_default())),
    };
    if let Some(wrong) = name::qualified(key).first() {
        return Err(format!("invalid label key {key:?}: {wrong}"));
    }
    let test = match tokens.peek() {
        _ if absent => Test::Absent,
        None | Some(",") => Test::Exists,
        Some(operator) => {
            tokens.next();
            match operator {
                "=" | "==" => Test::In(vec![value(tokens)?]),
                "!=" => Test::NotIn(vec![value(tokens)?]),
                "in" => Test::In(values(tokens)?),
                "notin" => Test::NotIn(values(tokens)?),
                ">" => Test::Above(bound(tokens)?),
                "<" => Test::Below(bound(tokens)?),
                other => return Err(format!("found '{other}', expected: in, notin, =, ==, !=, >, <")),
            }
        }
    };
    Ok(LabelRequirement { key: key.to_owned(), test })
}

fn value(tokens: &mut Tokens<'_>) -> Result<String, String> {
    let value = match tokens.peek() {
        None | Some(",") => "",
        Some(value) if is_special(value) => return Err(format!("found '{value}', expected: a label value")),
        Some(value) => {
            tokens.next();
            value
        }
    };
    checked(value)
}

fn values(tokens: &mut Tokens<'_>) -> Result<Vec<String>, String> {
    if tokens.next() != Some("(") {
        return Err("expected: '(' and a list of label values".to_owned());
    }
    let mut values = Vec::new();
    loop {
        let value = match tokens.peek() {
            Some("," | ")") => "",
            Some(value) if !is_special(value) => {
                tokens.next();
                value
            }
            other => return Err(format!("found '{}', expected: a label value or ')'", other.unwrap_or_default())),
        };
        values.push(checked(value)?);
        match tokens.next() {
            Some(")") => return Ok(values),
            Some(",") => {}
            other => return Err(format!("found '{}', expected: ',' or ')'", other.unwrap_or_default())),
        }
    }
}

fn bound(tokens: &mut Tokens<'_>) -> Result<i64, String> {
    let value = value(tokens)?;
    value.parse().map_err(|_| format!("{value:?}: for '>' and '<' the value must be an integer"))
}

fn checked(value: &str) -> Result<String, String> {
    match name::label_value(value).first() {
        Some(wrong) => Err(format!("invalid label value {value:?}: {wrong}")),
        None => Ok(value.to_owned()),
    }
}

struct Tokens<'a> {
    rest: &'a str,
}

fn is_special(token: &str) -> bool {
    token.starts_with(['=', '!', '(', ')', ',', '<', '>'])
}

impl<'a> Tokens<'a> {
    fn split(&self) -> Option<(&'a str, &'a str)> {
        let text = self.rest.trim_start();
        let first = text.chars().next()?;
        let length = match first {
            '=' | '!' if text[1..].starts_with('=') => 2,
            '=' | '!' | '(' | ')' | ',' | '<' | '>' => 1,
            _ => text.find(|c: char| c.is_whitespace() || "=!(),<>".contains(c)).unwrap_or(text.len()),
        };
        Some(text.split_at(length))
    }

    fn peek(&self) -> Option<&'a str> {
        self.split().map(|(token, _)| token)
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let (token, rest) = self.split()?;
        self.rest = rest;
        Some(token)
    }
}
