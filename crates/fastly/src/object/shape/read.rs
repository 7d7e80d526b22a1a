//! Values as clients send them: text in forms, anything in JSON.

use serde_json::{Map, Value};

use super::{Encoding, Fallback, Field, Takes};

/// A value that a field does not take: a sentence that names the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

/// A boolean, as Fastly's clients spell it: `1` and `0`, `true` and `false`, in upper or lower case.
#[must_use]
pub fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(boolean) => Some(*boolean),
        Value::Number(number) => match number.as_i64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "1" | "true" => Some(true),
            "0" | "false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

impl Field {
    /// Sets the field of `part` to what a client sent: null and empty text clear it.
    ///
    /// # Errors
    /// When the field does not take the value.
    pub fn set(&self, part: &mut Map<String, Value>, value: &Value) -> Result<(), Unreadable> {
        if !is_empty(value) {
            let value = self.read(value)?;
            part.insert(self.name.to_owned(), value);
            return Ok(());
        }
        if self.default == Fallback::Required {
            return Err(Unreadable(self.missing()));
        }
        self.clear(part);
        Ok(())
    }

    /// Gives the field of `part` its default.
    pub fn clear(&self, part: &mut Map<String, Value>) {
        match self.default.value() {
            Some(value) => part.insert(self.name.to_owned(), value),
            None => part.remove(self.name),
        };
    }

    /// A value as it is stored.
    fn read(&self, value: &Value) -> Result<Value, Unreadable> {
        match self.takes {
            Takes::Text(limit) => self.text(value, limit).map(Value::from),
            Takes::Number(least, most) => self.number_in(value, least, most).map(Value::from),
            Takes::Boolean => boolean(value).map(Value::from).ok_or_else(|| self.refuse(value, "is not a boolean")),
            Takes::Choice(words) => self.choice(value, words).map(Value::from),
            Takes::Lines => self.lines(value).map(Value::from),
        }
    }

    fn text(&self, value: &Value, limit: usize) -> Result<String, Unreadable> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(boolean) => boolean.to_string(),
            _ => return Err(self.refuse(value, "is not text")),
        };
        if text.len() > limit {
            return Err(Unreadable(format!("{} is longer than {limit} bytes", self.title())));
        }
        if text.contains('\0') {
            return Err(Unreadable(format!("{} holds a null character", self.title())));
        }
        Ok(text)
    }

    fn number_in(&self, value: &Value, least: i64, most: i64) -> Result<i64, Unreadable> {
        let number = match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let number = number.ok_or_else(|| self.refuse(value, "is not a whole number"))?;
        if (least..=most).contains(&number) {
            return Ok(number);
        }
        Err(self.refuse(value, &format!("is not from {least} to {most}")))
    }

    fn choice(&self, value: &Value, words: &[&'static str]) -> Result<&'static str, Unreadable> {
        let text = match value {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        let word = words.iter().find(|word| word.eq_ignore_ascii_case(&text)).copied();
        word.ok_or_else(|| self.refuse(value, &format!("is not one of {}", words.join(", "))))
    }

    fn lines(&self, value: &Value) -> Result<Vec<String>, Unreadable> {
        let of_list = |list: &[Value]| {
            list.iter().map(|line| self.text(line, super::LONG)).collect::<Result<Vec<_>, Unreadable>>()
        };
        match value {
            Value::Array(list) => of_list(list),
            // Go's client writes a JSON list into a form, the others write commas.
            Value::String(text) if text.trim_start().starts_with('[') => {
                let list = serde_json::from_str::<Vec<Value>>(text);
                of_list(&list.map_err(|_| self.refuse(value, "is not a list of text"))?)
            }
            Value::String(text) => Ok(text.split(',').map(|line| line.trim().to_owned()).collect()),
            _ => Err(self.refuse(value, "is not a list of text")),
        }
    }

    /// The field as answers write it, added to `out`.
    pub fn write(&self, part: &Map<String, Value>, out: &mut Map<String, Value>) {
        let value = part.get(self.name).cloned().or_else(|| self.default.value());
        let Some(value) = value else { return };
        let value = match (self.encoding, value) {
            (Encoding::Text, Value::Bool(boolean)) => Value::from(if boolean { "1" } else { "0" }),
            (Encoding::Text, Value::Number(number)) => Value::from(number.to_string()),
            (_, value) => value,
        };
        out.insert(self.name.to_owned(), value);
    }

    /// What is said when a field is missing that must be there.
    #[must_use]
    pub fn missing(&self) -> String {
        format!("{} can't be blank", self.title())
    }

    fn refuse(&self, value: &Value, why: &str) -> Unreadable {
        let shown = match value {
            Value::String(text) => text.chars().take(100).collect(),
            Value::Array(_) => "[…]".to_owned(),
            Value::Object(_) => "{…}".to_owned(),
            other => other.to_string(),
        };
        Unreadable(format!("{} '{shown}' {why}", self.title()))
    }

    /// The field's name as errors begin with it: `Override host`.
    fn title(&self) -> String {
        let mut title = self.name.replace('_', " ");
        if let Some(first) = title.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        title
    }
}
