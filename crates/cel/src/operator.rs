//! Operators.

use std::sync::Arc;

use crate::evaluate::{Evaluated, Steps, Stop, fail};
use crate::order;
use crate::time;
use crate::value::{Map, Value};

pub(crate) fn unary(symbol: &str, operand: &Value) -> Evaluated {
    match (symbol, operand) {
        ("!_", Value::Bool(truth)) => Ok(Value::Bool(!truth)),
        ("-_", Value::Int(number)) => {
            number.checked_neg().map_or_else(|| fail("integer overflow"), |number| Ok(Value::Int(number)))
        }
        ("-_", Value::Double(number)) => Ok(Value::Double(-number)),
        _ => Err(Stop::OVERLOAD),
    }
}

/// What comes of two whole numbers of one type.
macro_rules! whole {
    ($symbol:expr, $one:expr, $other:expr, $value:path, $overflow:literal) => {{
        if *$other == 0 && matches!($symbol, "/" | "%") {
            return fail(if $symbol == "/" { "divide by zero" } else { "modulus by zero" });
        }
        let result = match $symbol {
            "+" => $one.checked_add(*$other),
            "-" => $one.checked_sub(*$other),
            "*" => $one.checked_mul(*$other),
            "/" => $one.checked_div(*$other),
            _ => $one.checked_rem(*$other),
        };
        result.map_or_else(|| fail($overflow), |number| Ok($value(number)))
    }};
}

pub(crate) fn binary(symbol: &str, one: &Value, other: &Value, steps: &mut Steps) -> Evaluated {
    match (one, other) {
        (Value::Int(one), Value::Int(other)) => whole!(symbol, one, other, Value::Int, "integer overflow"),
        (Value::Uint(one), Value::Uint(other)) => whole!(symbol, one, other, Value::Uint, "unsigned integer overflow"),
        (Value::Double(one), Value::Double(other)) => Ok(Value::Double(match symbol {
            "+" => one + other,
            "-" => one - other,
            "*" => one * other,
            "/" => one / other,
            _ => return Err(Stop::OVERLOAD),
        })),
        (Value::String(one), Value::String(other)) if symbol == "+" => {
            steps.take_bytes(one.len() + other.len())?;
            Ok(Value::text(format!("{one}{other}")))
        }
        (Value::Bytes(one), Value::Bytes(other)) if symbol == "+" => {
            steps.take_bytes(one.len() + other.len())?;
            Ok(Value::Bytes([&**one, &**other].concat().into()))
        }
        (Value::List(one), Value::List(other)) if symbol == "+" => {
            steps.take(one.len() + other.len())?;
            Ok(Value::List(Arc::new(one.iter().chain(&**other).cloned().collect())))
        }
        _ => of_times(symbol, one, other),
    }
}

fn of_times(symbol: &str, one: &Value, other: &Value) -> Evaluated {
    let timestamp = |nanos: i128, zone: i32| {
        if time::is_in_range(nanos) { Ok(Value::Timestamp(nanos, zone)) } else { fail("timestamp overflow") }
    };
    let duration =
        |nanos: Option<i64>| nanos.map_or_else(|| fail("integer overflow"), |nanos| Ok(Value::Duration(nanos)));
    match (symbol, one, other) {
        ("+", Value::Timestamp(at, zone), Value::Duration(span))
        | ("+", Value::Duration(span), Value::Timestamp(at, zone)) => timestamp(at + i128::from(*span), *zone),
        ("-", Value::Timestamp(at, zone), Value::Duration(span)) => timestamp(at - i128::from(*span), *zone),
        ("-", Value::Timestamp(at, _), Value::Timestamp(before, _)) => duration(i64::try_from(at - before).ok()),
        ("+", Value::Duration(one), Value::Duration(other)) => duration(one.checked_add(*other)),
        ("-", Value::Duration(one), Value::Duration(other)) => duration(one.checked_sub(*other)),
        _ => Err(Stop::OVERLOAD),
    }
}

/// The value under a key.
pub(crate) fn look_up(map: &Map, key: &Value, steps: &mut Steps) -> Result<Option<Value>, Stop> {
    match map {
        Map::Members(members) => {
            steps.take(1)?;
            let Value::String(key) = key else { return Ok(None) };
            let at = members.binary_search_by(|(known, _)| known.cmp(key)).ok();
            Ok(at.and_then(|at| members.get(at)).map(|(_, value)| value.clone()))
        }
        Map::Entries(entries) => {
            for (known, value) in entries {
                if order::equal(known, key, steps)? {
                    return Ok(Some(value.clone()));
                }
            }
            Ok(None)
        }
    }
}

pub(crate) fn index(operand: &Value, index: &Value, steps: &mut Steps) -> Evaluated {
    match operand {
        Value::List(elements) => {
            let at = match index {
                Value::Int(at) => usize::try_from(*at).ok(),
                Value::Uint(at) => usize::try_from(*at).ok(),
                Value::Double(at) if at.fract() == 0.0 && (0.0..9e15).contains(at) => Some(*at as usize),
                _ => return fail("unsupported index type in list"),
            };
            match at.and_then(|at| elements.get(at)) {
                Some(element) => Ok(element.clone()),
                None => fail("index out of bounds"),
            }
        }
        Value::Map(map) => look_up(map, index, steps)?.map_or_else(|| fail("no such key"), Ok),
        _ => Err(Stop::OVERLOAD),
    }
}

pub(crate) fn is_in(element: &Value, operand: &Value, steps: &mut Steps) -> Evaluated {
    match operand {
        Value::List(elements) => {
            for known in &**elements {
                if order::equal(element, known, steps)? {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }
        Value::Map(map) => Ok(Value::Bool(look_up(map, element, steps)?.is_some())),
        _ => Err(Stop::OVERLOAD),
    }
}
