//! Keywords whose values are no schemas.

use super::{Draft, Made, refuse, type_of};
use crate::canonical;
use crate::decimal::Decimal;
use crate::schema::{Numbers, Type};
use crate::value::{Value, member};

/// The members of a schema, and what leads to it.
pub(super) struct Keywords<'a, 's> {
    pub(super) members: &'s [(Box<str>, Value)],
    pub(super) path: &'a [String],
}

impl<'s> Keywords<'_, 's> {
    fn get(&self, name: &str) -> Option<&'s Value> {
        member(self.members, name)
    }

    fn refuse<T>(&self, name: &str, problem: impl Into<String>) -> Made<T> {
        let path: Vec<_> = self.path.iter().cloned().chain([name.to_owned()]).collect();
        refuse(&path, problem)
    }

    pub(super) fn text(&self, name: &str) -> Made<Option<&'s str>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => self.refuse(name, format!("{name} must be of a string")),
        }
    }

    pub(super) fn truth(&self, name: &str) -> Made<bool> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(truth)) => Ok(*truth),
            Some(_) => self.refuse(name, format!("{name} must be of a boolean")),
        }
    }

    /// A whole number that is not negative, written as one.
    pub(super) fn count(&self, name: &str) -> Made<Option<u64>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let count = match value {
            Value::Number(literal) => literal.parse::<i64>().ok(),
            _ => None,
        };
        match count.map(u64::try_from) {
            None => self.refuse(name, format!("{name} must be of an integer")),
            Some(Err(_)) => self.refuse(name, format!("{name} must be greater than or equal to 0")),
            Some(Ok(count)) => Ok(Some(count)),
        }
    }

    pub(super) fn ordered(&self, low: &str, high: &str, least: Option<u64>, most: Option<u64>) -> Made<()> {
        match (least, most) {
            (Some(least), Some(most)) if least > most => {
                self.refuse(low, format!("{low} cannot be greater than {high}"))
            }
            _ => Ok(()),
        }
    }

    /// Texts, of which none is there twice.
    pub(super) fn names(&self, name: &str) -> Made<Vec<Box<str>>> {
        let texts = self.texts(name)?;
        for (at, text) in texts.iter().enumerate() {
            if texts.iter().take(at).any(|before| before == text) {
                return self.refuse(name, format!("{name} items must be unique"));
            }
        }
        Ok(texts)
    }

    pub(super) fn texts(&self, name: &str) -> Made<Vec<Box<str>>> {
        let elements = match self.get(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(elements)) => elements,
            Some(_) => return self.refuse(name, format!("{name} must be of an array")),
        };
        let texts = elements.iter().map(|element| element.text().map(Box::from)).collect::<Option<Vec<_>>>();
        texts.map_or_else(|| self.refuse(name, format!("{name} items must be string")), Ok)
    }

    pub(super) fn types(&self) -> Made<Vec<Type>> {
        let names = match self.get("type") {
            Some(Value::String(name)) => vec![name.clone()],
            _ => self.texts("type")?,
        };
        let mut types = Vec::new();
        for name in &names {
            match type_of(name) {
                None => return self.refuse("type", format!("there is no type {name:?}")),
                Some(known) if types.contains(&known) => {
                    return self.refuse("type", format!("{} is there twice", known.name()));
                }
                Some(known) => types.push(known),
            }
        }
        Ok(types)
    }

    /// The values of `enum`, as texts that are compared.
    pub(super) fn allowed(&self) -> Made<Vec<Box<str>>> {
        let elements = match self.get("enum") {
            None => return Ok(Vec::new()),
            Some(Value::Array(elements)) => elements,
            Some(_) => return self.refuse("enum", "enum must be of an array"),
        };
        let texts: Vec<Box<str>> = elements.iter().map(|element| canonical::text(element).into()).collect();
        let mut sorted: Vec<_> = texts.iter().collect();
        sorted.sort_unstable();
        if sorted.is_sorted_by(|one, other| one < other) {
            return Ok(texts);
        }
        self.refuse("enum", "enum items must be unique")
    }

    fn number(&self, name: &str) -> Made<Option<Decimal>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Number(literal)) => Ok(Some(Decimal::of(literal))),
            Some(_) => self.refuse(name, format!("{name} must be of a number")),
        }
    }

    pub(super) fn numbers(&self, draft: Draft) -> Made<Numbers> {
        let multiple_of = match self.number("multipleOf")? {
            None => None,
            Some(of) if !of.is_positive() => {
                return self.refuse("multipleOf", "multipleOf must be strictly greater than 0");
            }
            Some(of) => match of.mantissa() {
                Some(mantissa) => Some((of, mantissa)),
                None => return self.refuse("multipleOf", "multipleOf has more digits than 64 bits hold"),
            },
        };
        let (minimum, exclusive_minimum) = self.bound("minimum", "exclusiveMinimum", draft)?;
        let (maximum, exclusive_maximum) = self.bound("maximum", "exclusiveMaximum", draft)?;
        Ok(Numbers { multiple_of, minimum, exclusive_minimum, maximum, exclusive_maximum })
    }

    /// A bound, and one that is excluded itself: of draft 4 by a truth, of later ones by a number.
    fn bound(&self, name: &str, exclusive: &str, draft: Draft) -> Made<(Option<Decimal>, Option<Decimal>)> {
        let bound = self.number(name)?;
        match self.get(exclusive) {
            None => Ok((bound, None)),
            Some(Value::Bool(is_exclusive)) if matches!(draft, Draft::Four | Draft::Any) => match bound {
                None => self.refuse(exclusive, format!("{exclusive} cannot be used without {name}")),
                Some(bound) if *is_exclusive => Ok((None, Some(bound))),
                bound => Ok((bound, None)),
            },
            Some(Value::Number(literal)) if draft != Draft::Four => Ok((bound, Some(Decimal::of(literal)))),
            Some(_) => {
                let wanted = match draft {
                    Draft::Four => "boolean",
                    Draft::Any => "boolean or number",
                    Draft::Six | Draft::Seven => "number",
                };
                self.refuse(exclusive, format!("{exclusive} must be of a {wanted}"))
            }
        }
    }
}
