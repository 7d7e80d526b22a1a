//! Conversions: functions that are called as types are.

use crate::evaluate::{Evaluated, Steps, fail};
use crate::value::Value;
use crate::{number, time};

pub(crate) fn is_conversion(name: &str) -> bool {
    matches!(name, "int" | "uint" | "double" | "bool" | "string" | "bytes" | "timestamp" | "duration" | "type" | "dyn")
}

pub(crate) fn convert(to: &str, value: &Value, steps: &mut Steps) -> Evaluated {
    if let Value::String(text) = value {
        steps.take_bytes(text.len())?;
    }
    let converted = match to {
        "dyn" => Some(value.clone()),
        "type" => Some(Value::Type(value.type_name().into())),
        "int" => int(value)?.map(Value::Int),
        "uint" => uint(value)?.map(Value::Uint),
        "double" => double(value).map(Value::Double),
        "bool" => match value {
            Value::Bool(_) => Some(value.clone()),
            Value::String(text) => truth(text).map(Value::Bool),
            _ => None,
        },
        "string" => string(value)?,
        "bytes" => match value {
            Value::Bytes(_) => Some(value.clone()),
            Value::String(text) => Some(Value::Bytes(text.as_bytes().into())),
            _ => None,
        },
        "timestamp" => match value {
            Value::Timestamp(..) => Some(value.clone()),
            Value::String(text) => time::parse(text).map(|(nanos, zone)| Value::Timestamp(nanos, zone)),
            Value::Int(seconds) => Some(i128::from(*seconds) * time::SECOND).map(|nanos| Value::Timestamp(nanos, 0)),
            _ => None,
        },
        "duration" => match value {
            Value::Duration(_) => Some(value.clone()),
            Value::String(text) => time::parse_duration(text).map(Value::Duration),
            _ => None,
        },
        _ => None,
    };
    match converted {
        Some(Value::Timestamp(nanos, _)) if !time::is_in_range(nanos) => fail("timestamp overflow"),
        Some(converted) => Ok(converted),
        None => fail(format!("type conversion error from '{}' to '{to}'", value.type_name())),
    }
}

type Converted<T> = Result<Option<T>, crate::evaluate::Stop>;

fn int(value: &Value) -> Converted<i64> {
    Ok(match value {
        Value::Int(number) => Some(*number),
        Value::Uint(number) => match i64::try_from(*number) {
            Ok(number) => Some(number),
            Err(_) => return fail("integer overflow"),
        },
        // Both ends are left out, since one of them is rounded.
        Value::Double(number) if number.abs() < 9_223_372_036_854_775_808.0 => Some(*number as i64),
        Value::Double(_) => return fail("integer overflow"),
        Value::String(text) => text.parse().ok(),
        Value::Timestamp(nanos, _) => i64::try_from(nanos.div_euclid(time::SECOND)).ok(),
        Value::Duration(nanos) => Some(*nanos),
        _ => None,
    })
}

fn uint(value: &Value) -> Converted<u64> {
    Ok(match value {
        Value::Uint(number) => Some(*number),
        Value::Int(number) => match u64::try_from(*number) {
            Ok(number) => Some(number),
            Err(_) => return fail("unsigned integer overflow"),
        },
        Value::Double(number) if (0.0..18_446_744_073_709_551_616.0).contains(number) => Some(*number as u64),
        Value::Double(_) => return fail("unsigned integer overflow"),
        Value::String(text) if !text.starts_with('+') => text.parse().ok(),
        _ => None,
    })
}

fn double(value: &Value) -> Option<f64> {
    match value {
        Value::Double(number) => Some(*number),
        Value::Int(number) => Some(*number as f64),
        Value::Uint(number) => Some(*number as f64),
        Value::String(text) => {
            let number = text.parse::<f64>().ok()?;
            // A text that says so may be infinite, digits that are too large may not.
            (number.is_finite() || !text.bytes().any(|byte| byte.is_ascii_digit())).then_some(number)
        }
        _ => None,
    }
}

fn truth(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

fn string(value: &Value) -> Converted<Value> {
    let text = match value {
        Value::String(_) => return Ok(Some(value.clone())),
        Value::Null => "null".to_owned(),
        Value::Type(name) => name.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Uint(number) => number.to_string(),
        Value::Double(number) => number::general(*number),
        Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => return fail("invalid UTF-8 in bytes, cannot convert to string"),
        },
        Value::Timestamp(nanos, zone) => time::print(*nanos, *zone),
        Value::Duration(nanos) => format!("{}s", *nanos as f64 / 1e9),
        _ => return Ok(None),
    };
    Ok(Some(Value::text(text)))
}
