//! A schema and, behind a zero, a body that is checked against it. Whatever both are, the check ends.

#![no_main]

use backstay_json_schema::{Schema, Value};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let zero = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (schema, body) = (&bytes[..zero], bytes.get(zero + 1..).unwrap_or_default());
    let Ok(schema) = Value::read(schema) else { return };
    let Ok(schema) = Schema::new(&schema) else { return };
    let Ok(body) = Value::read(body) else { return };
    let _ = schema.validate(&body, 100_000);
});
