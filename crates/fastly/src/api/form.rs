//! Bodies of requests: forms, and JSON objects.

use serde_json::{Map, Value};

/// Most fields of a body.
const MAX_FIELDS: usize = 10_000;

/// The fields of a body. A form's values are text; of fields that are there twice, the last counts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields(Map<String, Value>);

/// What is wrong with a body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It is not the JSON that it says.
    #[error("The body is not valid JSON: {0}")]
    Json(String),
    /// It is JSON, and no object.
    #[error("The body must be a JSON object")]
    NoObject,
    /// It is not UTF-8.
    #[error("The body is not UTF-8 text")]
    NoText,
    /// It is endless.
    #[error("The body has more than {MAX_FIELDS} fields")]
    TooMany,
}

impl Fields {
    /// Reads a body. Clients are careless with its type: without one, or with another than JSON's, what begins with a brace
    /// is JSON, and everything else a form.
    ///
    /// # Errors
    /// When it is neither.
    pub fn read(content_type: Option<&str>, body: &[u8]) -> Result<Self, Malformed> {
        let media = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let is_json = media == "application/json" || media.ends_with("+json");
        let is_form = media == "application/x-www-form-urlencoded";
        let begins_with_brace = body.trim_ascii_start().first() == Some(&b'{');
        if body.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        if is_json || (!is_form && begins_with_brace) { Self::json(body) } else { Self::form(body) }
    }

    fn json(body: &[u8]) -> Result<Self, Malformed> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) if fields.len() > MAX_FIELDS => Err(Malformed::TooMany),
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            // So Fastly's SDK for Rust sends a body that it does not have.
            Ok(Value::Null) => Ok(Self::default()),
            Ok(_) => Err(Malformed::NoObject),
            Err(error) => Err(Malformed::Json(error.to_string())),
        }
    }

    fn form(body: &[u8]) -> Result<Self, Malformed> {
        let mut fields = Map::new();
        for (name, value) in
            form_urlencoded::parse(std::str::from_utf8(body).map_err(|_| Malformed::NoText)?.as_bytes())
        {
            if fields.len() >= MAX_FIELDS {
                return Err(Malformed::TooMany);
            }
            match name.strip_suffix("[]") {
                // PHP and Python write lists so.
                Some(list) => match fields.entry(list).or_insert_with(|| Value::Array(Vec::new())) {
                    Value::Array(values) => values.push(value.into()),
                    other => *other = Value::Array(vec![value.into()]),
                },
                None => {
                    fields.insert(name.into_owned(), value.into());
                }
            }
        }
        Ok(Self(fields))
    }

    /// The value of a field, as it was sent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The text of a field. None when it is absent, null or no text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// The text of a field that says something.
    #[must_use]
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.text(name).filter(|text| !text.is_empty())
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0.iter()
    }
}

impl From<Map<String, Value>> for Fields {
    fn from(fields: Map<String, Value>) -> Self {
        Self(fields)
    }
}

#[cfg(test)]
mod tests;
