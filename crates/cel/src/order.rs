//! Which values are equal, and which comes first.

use std::cmp::Ordering;

use crate::evaluate::{Evaluated, Steps, Stop, fail};
use crate::operator;
use crate::value::{Map, Value};

/// How deep values are compared.
const MAX_DEPTH: u32 = 512;

/// Whether two values are equal. Numbers are by what they are, whatever their types; what is of other types is not.
pub(crate) fn equal(one: &Value, other: &Value, steps: &mut Steps) -> Result<bool, Stop> {
    equal_within(one, other, steps, MAX_DEPTH)
}

fn equal_within(one: &Value, other: &Value, steps: &mut Steps, depth: u32) -> Result<bool, Stop> {
    steps.take(1)?;
    let depth = depth.checked_sub(1).ok_or(Stop::TooMuchWork)?;
    let (one, other) = (steps.open(one.clone())?, steps.open(other.clone())?);
    Ok(match (&one, &other) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(one), Value::Bool(other)) => one == other,
        (Value::String(one), Value::String(other)) => {
            steps.take_bytes(one.len().min(other.len()))?;
            one == other
        }
        (Value::Bytes(one), Value::Bytes(other)) => {
            steps.take_bytes(one.len().min(other.len()))?;
            one == other
        }
        (Value::Timestamp(one, _), Value::Timestamp(other, _)) => one == other,
        (Value::Duration(one), Value::Duration(other)) => one == other,
        (Value::Type(one), Value::Type(other)) => one == other,
        (Value::List(one), Value::List(other)) => {
            if one.len() != other.len() {
                return Ok(false);
            }
            for (one, other) in one.iter().zip(&**other) {
                if !equal_within(one, other, steps, depth)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Map(one), Value::Map(other)) => {
            if one.len() != other.len() {
                return Ok(false);
            }
            for (key, value) in one.entries() {
                match operator::look_up(other, &key, steps)? {
                    Some(found) if equal_within(&value, &found, steps, depth)? => {}
                    _ => return Ok(false),
                }
            }
            true
        }
        (one, other) => numbers(one, other) == Some(Some(Ordering::Equal)),
    })
}

/// How two numbers compare, if both are; not at all where one is no number (NaN).
fn numbers(one: &Value, other: &Value) -> Option<Option<Ordering>> {
    Some(match (one, other) {
        (Value::Int(one), Value::Int(other)) => Some(one.cmp(other)),
        (Value::Uint(one), Value::Uint(other)) => Some(one.cmp(other)),
        (Value::Double(one), Value::Double(other)) => one.partial_cmp(other),
        (Value::Int(one), Value::Uint(other)) => Some(i128::from(*one).cmp(&i128::from(*other))),
        (Value::Uint(one), Value::Int(other)) => Some(i128::from(*one).cmp(&i128::from(*other))),
        (Value::Double(one), Value::Int(other)) => to_whole(*one, i128::from(*other)),
        (Value::Double(one), Value::Uint(other)) => to_whole(*one, i128::from(*other)),
        (Value::Int(one), Value::Double(other)) => to_whole(*other, i128::from(*one)).map(Ordering::reverse),
        (Value::Uint(one), Value::Double(other)) => to_whole(*other, i128::from(*one)).map(Ordering::reverse),
        _ => return None,
    })
}

/// A double beside a whole number, which is rounded to one.
fn to_whole(double: f64, whole: i128) -> Option<Ordering> {
    double.partial_cmp(&(whole as f64))
}

/// `<` and its like.
pub(crate) fn compared(symbol: &str, one: &Value, other: &Value, steps: &mut Steps) -> Evaluated {
    let order = match (one, other) {
        (Value::Bool(one), Value::Bool(other)) => one.cmp(other),
        (Value::String(one), Value::String(other)) => {
            steps.take_bytes(one.len().min(other.len()))?;
            one.cmp(other)
        }
        (Value::Bytes(one), Value::Bytes(other)) => {
            steps.take_bytes(one.len().min(other.len()))?;
            one.cmp(other)
        }
        (Value::Timestamp(one, _), Value::Timestamp(other, _)) => one.cmp(other),
        (Value::Duration(one), Value::Duration(other)) => one.cmp(other),
        (one, other) => match numbers(one, other) {
            Some(Some(order)) => order,
            Some(None) => return fail("NaN values cannot be ordered"),
            None => return Err(Stop::OVERLOAD),
        },
    };
    Ok(Value::Bool(match symbol {
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        _ => order.is_ge(),
    }))
}

impl Map {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Entries(entries) => entries.len(),
            Self::Members(members) => members.len(),
        }
    }

    fn entries(&self) -> Box<dyn Iterator<Item = (Value, Value)> + '_> {
        match self {
            Self::Entries(entries) => Box::new(entries.iter().cloned()),
            Self::Members(members) => {
                Box::new(members.iter().map(|(name, value)| (Value::String(name.clone()), value.clone())))
            }
        }
    }
}
