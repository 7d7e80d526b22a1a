//! A schema, and a body that is checked against it. Whatever both are, the check ends.

#![no_main]

use backstay_json_schema::{Schema, Value};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|both: (&[u8], &[u8])| {
    let (schema, body) = both;
    let Ok(schema) = Value::read(schema) else { return };
    let Ok(schema) = Schema::new(&schema) else { return };
    let Ok(body) = Value::read(body) else { return };
    let _ = schema.validate(&body, 100_000);
});
