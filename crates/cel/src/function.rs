//! Functions that are no operators and no conversions.

use regex::RegexBuilder;

use crate::evaluate::{Evaluated, Steps, Stop, fail};
use crate::time::{self, Civil};
use crate::value::Value;

/// How long a pattern may be that is made while an expression is evaluated.
const MAX_PATTERN: usize = 256;

/// How much such a pattern may take when it is compiled, in bytes.
const MAX_PATTERN_BYTES: usize = 32 << 10;

/// What it takes to compile one, in steps.
const PATTERN_STEPS: usize = 5_000;

pub(crate) fn call(name: &str, arguments: &[Value], steps: &mut Steps) -> Evaluated {
    match (name, arguments) {
        ("size", [operand]) => size(operand, steps),
        ("contains" | "startsWith" | "endsWith" | "matches", [Value::String(text), Value::String(argument)]) => {
            of_texts(name, text, argument, steps)
        }
        (_, [Value::Timestamp(nanos, zone)]) => of_time(name, *nanos, *zone),
        (_, [Value::Timestamp(nanos, _), Value::String(zone)]) => match time::offset_of_zone(zone) {
            Some(offset) => of_time(name, *nanos, offset),
            None => fail("time zones are served by their offset"),
        },
        (_, [Value::Duration(nanos)]) => {
            let per = match name {
                "getHours" => 3_600_000_000_000,
                "getMinutes" => 60_000_000_000,
                "getSeconds" => 1_000_000_000,
                "getMilliseconds" => 1_000_000,
                _ => return Err(Stop::OVERLOAD),
            };
            Ok(Value::Int(nanos / per))
        }
        _ => Err(Stop::OVERLOAD),
    }
}

fn size(operand: &Value, steps: &mut Steps) -> Evaluated {
    let size = match operand {
        Value::String(text) => {
            steps.take_bytes(text.len())?;
            text.chars().count()
        }
        Value::Bytes(bytes) => bytes.len(),
        Value::List(elements) => elements.len(),
        Value::Map(map) => map.len(),
        _ => return Err(Stop::OVERLOAD),
    };
    Ok(Value::Int(size as i64))
}

fn of_texts(name: &str, text: &str, argument: &str, steps: &mut Steps) -> Evaluated {
    steps.take_bytes(text.len() + argument.len())?;
    Ok(Value::Bool(match name {
        "contains" => text.contains(argument),
        "startsWith" => text.starts_with(argument),
        "endsWith" => text.ends_with(argument),
        _ => {
            if argument.len() > MAX_PATTERN {
                return fail("the pattern is too long");
            }
            steps.take(PATTERN_STEPS)?;
            steps.take_bytes(text.len() * 4)?;
            let mut builder = RegexBuilder::new(argument);
            match builder.size_limit(MAX_PATTERN_BYTES).dfa_size_limit(MAX_PATTERN_BYTES).build() {
                Ok(pattern) => pattern.is_match(text),
                Err(_) => return fail("the pattern is no valid regular expression"),
            }
        }
    }))
}

fn of_time(name: &str, nanos: i128, zone: i32) -> Evaluated {
    let Civil { year, month, day, day_of_year, weekday, seconds, nanos } = Civil::of(nanos, zone);
    Ok(Value::Int(match name {
        "getFullYear" => year,
        "getMonth" => month - 1,
        "getDayOfYear" => day_of_year,
        "getDayOfMonth" => day - 1,
        "getDate" => day,
        "getDayOfWeek" => weekday,
        "getHours" => seconds / 3600,
        "getMinutes" => seconds / 60 % 60,
        "getSeconds" => seconds % 60,
        "getMilliseconds" => nanos / 1_000_000,
        _ => return Err(Stop::OVERLOAD),
    }))
}
