//! TOML, by the library that Cargo reads its files with.

use ::toml::de::{DeTable, DeValue};

use super::spots::Spots;
use super::tree::{Document, Entry, MAX_DEPTH, MAX_VALUES, Node, ReadError, Value};
use crate::place::Place;

/// Reads a file.
pub(super) fn read(text: &str) -> Result<Document, ReadError> {
    let spots = Spots::new(text);
    let parsed = DeTable::parse(text).map_err(|error| {
        let place = spots.at(error.span().map_or(0, |span| span.start));
        ReadError::new(place, format!("not valid TOML: {}", error.message()))
    })?;
    let mut walk = Walk { spots, values: 0 };
    let entries = walk.entries(parsed.get_ref(), 0)?;
    Ok(Document { root: Node { place: Place::START, value: Value::Map(entries) }, repeated: Vec::new() })
}

struct Walk<'t> {
    spots: Spots<'t>,
    values: usize,
}

impl Walk<'_> {
    fn entries(&mut self, table: &DeTable<'_>, depth: usize) -> Result<Vec<Entry>, ReadError> {
        let mut entries = Vec::with_capacity(table.len());
        for (key, value) in table {
            let place = self.spots.at(key.span().start);
            let node = self.node(value.get_ref(), place, depth + 1)?;
            entries.push(Entry { key: key.get_ref().to_string(), place, node });
        }
        entries.sort_by_key(|entry: &Entry| entry.place);
        Ok(entries)
    }

    fn node(&mut self, value: &DeValue<'_>, place: Place, depth: usize) -> Result<Node, ReadError> {
        self.values += 1;
        if depth > MAX_DEPTH {
            return Err(ReadError::new(place, format!("values are nested more than {MAX_DEPTH} deep")));
        }
        if self.values > MAX_VALUES {
            return Err(ReadError::new(place, format!("the file has more than {MAX_VALUES} values")));
        }
        let value = match value {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(integer) => {
                let number = i64::from_str_radix(integer.as_str(), integer.radix())
                    .map_err(|_| ReadError::new(place, "an integer of TOML has 64 bits at most"))?;
                Value::Number(number.to_string())
            }
            DeValue::Float(float) => number(float.as_str()),
            DeValue::Boolean(truth) => Value::Bool(*truth),
            DeValue::Datetime(date) => Value::Text(date.to_string()),
            DeValue::Array(array) => {
                let mut members = Vec::with_capacity(array.len());
                for member in array.iter() {
                    let place = self.spots.at(member.span().start);
                    members.push(self.node(member.get_ref(), place, depth + 1)?);
                }
                Value::List(members)
            }
            DeValue::Table(table) => Value::Map(self.entries(table, depth)?),
        };
        Ok(Node { place, value })
    }
}

/// A float as JSON writes it. What JSON has no word for stays text, so that a field of numbers refuses it.
fn number(literal: &str) -> Value {
    match literal.parse::<f64>() {
        Ok(number) if number.is_finite() => Value::Number(number.to_string()),
        _ => Value::Text(literal.to_owned()),
    }
}
