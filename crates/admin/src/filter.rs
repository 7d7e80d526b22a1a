//! Filters: which objects of a collection are meant.
//!
//! A part of Google's API improvement proposal 160, which is what selectors can say: comparisons that are joined by `AND`, of
//! labels (`labels.app = "web"`, `labels.app != web`, `labels.app:*`, `NOT labels.app:*`, `labels.weight > 5`), of `name`, of
//! `namespace`, and of the fields that the kind lets be selected. `OR` joins values of one label:
//! `labels.app = web OR labels.app = api`, which may be in parentheses, and binds closer than `AND`.

mod tokens;

use backstay_kube::Failure;
use backstay_resources::{Kind, name};

use self::tokens::{Token, Tokens};

/// The longest filter, in bytes.
const MAX_BYTES: usize = 16 * 1024;

/// A filter as the selectors that mean the same.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Label selector.
    pub(crate) labels: String,
    /// Field selector.
    pub(crate) fields: String,
}

impl Filter {
    /// Reads a filter; an empty one is all objects.
    pub(crate) fn parse(kind: &Kind, text: &str) -> Result<Self, Failure> {
        if text.len() > MAX_BYTES {
            return Err(Failure::bad_field("filter", format!("is longer than {MAX_BYTES} bytes")));
        }
        let mut parser = Parser { kind, tokens: Tokens::new(text).map_err(bad)?, filter: Self::default() };
        if parser.tokens.peek().is_some() {
            parser.terms().map_err(bad)?;
        }
        Ok(parser.filter)
    }

    /// The same, where an empty filter is nobody's intention: `*` is all.
    pub(crate) fn required(kind: &Kind, text: &str) -> Result<Self, Failure> {
        match text.trim() {
            "" => Err(Failure::bad_field("filter", "is required: say * where all are meant")),
            "*" => Ok(Self::default()),
            text => Self::parse(kind, text),
        }
    }

    fn label(&mut self, requirement: &str) {
        push(&mut self.labels, requirement);
    }

    fn field(&mut self, requirement: &str) {
        push(&mut self.fields, requirement);
    }
}

fn push(selector: &mut String, requirement: &str) {
    if !selector.is_empty() {
        selector.push(',');
    }
    selector.push_str(requirement);
}

fn bad(why: String) -> Failure {
    Failure::bad_field("filter", why)
}

/// One comparison.
struct Comparison {
    path: String,
    operator: &'static str,
    value: String,
}

struct Parser<'a> {
    kind: &'a Kind,
    tokens: Tokens,
    filter: Filter,
}

impl Parser<'_> {
    fn terms(&mut self) -> Result<(), String> {
        loop {
            self.term()?;
            match self.tokens.next() {
                None => return Ok(()),
                Some(Token::Word(word)) if word == "AND" => {}
                Some(other) => return Err(format!("found {other}, expected AND")),
            }
        }
    }

    fn term(&mut self) -> Result<(), String> {
        let denied = matches!(self.tokens.peek(), Some(Token::Word(word)) if word == "NOT" || word == "-");
        if denied {
            self.tokens.next();
        }
        let grouped = self.tokens.peek() == Some(&Token::Symbol("("));
        if grouped {
            self.tokens.next();
        }
        let mut any = vec![self.comparison()?];
        while matches!(self.tokens.peek(), Some(Token::Word(word)) if word == "OR") {
            self.tokens.next();
            any.push(self.comparison()?);
        }
        if grouped && self.tokens.next() != Some(Token::Symbol(")")) {
            return Err("a parenthesis is not closed, or there is more in it than one label compared".to_owned());
        }
        match any.as_slice() {
            [one] => self.add(one, denied),
            many => self.add_any(many, denied),
        }
    }

    fn comparison(&mut self) -> Result<Comparison, String> {
        let path = match self.tokens.next() {
            Some(Token::Word(path)) => path,
            other => return Err(format!("found {}, expected a field", shown(other.as_ref()))),
        };
        let operator = match self.tokens.next() {
            Some(Token::Symbol(operator)) if !matches!(operator, "(" | ")") => operator,
            other => return Err(format!("found {} after {path}, expected =, !=, :, < or >", shown(other.as_ref()))),
        };
        let value = match self.tokens.next() {
            Some(Token::Word(value) | Token::Text(value)) => value,
            other => return Err(format!("found {} after {path} {operator}, expected a value", shown(other.as_ref()))),
        };
        Ok(Comparison { path, operator, value })
    }

    fn add(&mut self, comparison: &Comparison, denied: bool) -> Result<(), String> {
        let Comparison { path, operator, value } = comparison;
        if let Some(label) = path.strip_prefix("labels.") {
            let label = label_key(label)?;
            let requirement = match (*operator, value.as_str(), denied) {
                (":", "*", false) => label.to_owned(),
                (":", "*", true) => format!("!{label}"),
                ("=" | ":", value, false) | ("!=", value, true) => format!("{label}={}", label_value(value)?),
                ("!=", value, false) | ("=" | ":", value, true) => format!("{label}!={}", label_value(value)?),
                (">" | "<", value, false) => format!("{label}{operator}{}", label_value(value)?),
                _ => return Err(format!("labels.{label} {operator} cannot be denied")),
            };
            self.filter.label(&requirement);
            return Ok(());
        }
        let equal = match (*operator, denied) {
            ("=", false) | ("!=", true) => "=",
            ("!=", false) | ("=", true) => "!=",
            _ => return Err(format!("{path} can be compared by = and != alone")),
        };
        let field = self.selectable(path)?;
        self.filter.field(&format!("{field}{equal}{}", escaped(value)));
        Ok(())
    }

    /// Any of several values of one label.
    fn add_any(&mut self, any: &[Comparison], denied: bool) -> Result<(), String> {
        const ONLY: &str = "OR can join values of one label: labels.app = a OR labels.app = b";
        let path = any.first().map(|first| first.path.as_str()).unwrap_or_default();
        let label = label_key(path.strip_prefix("labels.").ok_or(ONLY)?)?;
        let mut values = Vec::new();
        for Comparison { path: other, operator, value } in any {
            if other != path || !matches!(*operator, "=" | ":") || value == "*" {
                return Err(ONLY.to_owned());
            }
            values.push(label_value(value)?);
        }
        let word = if denied { "notin" } else { "in" };
        self.filter.label(&format!("{label} {word} ({})", values.join(",")));
        Ok(())
    }

    /// The name of a field in selectors.
    fn selectable(&self, path: &str) -> Result<&'static str, String> {
        match path {
            "name" | "metadata.name" => return Ok("metadata.name"),
            "namespace" | "metadata.namespace" => return Ok("metadata.namespace"),
            _ => {}
        }
        let found = self.kind.selectable.iter().find(|field| field.path == path || snake(field.path) == path);
        found.map(|field| field.path).ok_or_else(|| {
            let mut known = vec!["labels.KEY".to_owned(), "name".to_owned(), "namespace".to_owned()];
            known.extend(self.kind.selectable.iter().map(|field| snake(field.path)));
            format!("{path} cannot be filtered by; {} can", known.join(", "))
        })
    }
}

fn shown(token: Option<&Token>) -> String {
    token.map_or_else(|| "the end".to_owned(), ToString::to_string)
}

/// A key that is one, so that it means nothing else in a selector.
fn label_key(key: &str) -> Result<&str, String> {
    match name::qualified(key).first() {
        Some(wrong) => Err(format!("invalid label key {key:?}: {wrong}")),
        None => Ok(key),
    }
}

fn label_value(value: &str) -> Result<&str, String> {
    match name::label_value(value).first() {
        Some(wrong) => Err(format!("invalid label value {value:?}: {wrong}")),
        None => Ok(value),
    }
}

/// What would end a value in a field selector, or join it with the next.
fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        if matches!(character, '\\' | ',' | '=') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// A path of JSON in the spelling of `proto/`.
pub(crate) fn snake(path: &str) -> String {
    let mut snake = String::with_capacity(path.len() + 8);
    let (mut depth, mut lower) = (0_usize, false);
    for character in path.chars() {
        match character {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            // What is in brackets is an index, or the key of a map.
            character if depth == 0 && character.is_ascii_uppercase() => {
                if lower {
                    snake.push('_');
                }
                lower = false;
                snake.push(character.to_ascii_lowercase());
                continue;
            }
            _ => {}
        }
        lower = character.is_ascii_lowercase() || character.is_ascii_digit();
        snake.push(character);
    }
    snake
}

#[cfg(test)]
mod tests;
