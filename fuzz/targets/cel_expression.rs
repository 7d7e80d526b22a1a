//! An expression of a configuration. Whatever it is, it is refused or evaluated to an end.

#![no_main]

use backstay_cel::{Declaration, Program, Steps, Type, Value};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let texts = Type::map(Type::String, Type::list(Type::String));
    let declared = [Declaration { name: "a", kind: Type::Dyn }, Declaration { name: "b", kind: texts }];
    match Program::new(text, &declared) {
        Err(error) => assert!(error.at <= text.len(), "what is wrong is within the text"),
        Ok(program) => {
            let value = || Value::members([("x".into(), Value::texts(["1", "two"]))]);
            let _ = program.evaluate(&|_| Some(value()), &mut Steps(20_000));
        }
    }
});
