//! Operations: what is refused, and what they cost. What they do is in tests/recorded.

use bytes::Bytes;

use super::*;
use crate::decode::{Collection, Decoder};
use crate::document::Uncovered;
use crate::limits::Limits;
use crate::pipeline::{Change, Pipeline};

#[test]
fn there_is_at_least_one() {
    assert_eq!(Operations::new(Vec::new()), Err(OperationsError::None));
}

#[test]
fn many_elements_are_moved_and_appended() {
    const MANY: usize = 100_000;
    let elements = vec![r#"{"a":{"b":1}}"#; MANY].join(",");
    let body = Bytes::from(format!("{{\"x\":[{elements}],\"y\":[{elements}]}}"));
    let operations = Operations::new(vec![
        Operation::Move(Path::new("x.*.a.b"), Path::new("x.*.b")),
        Operation::Append(Path::new("y"), Path::new("x")),
    ]);
    let pipeline = Pipeline::default().with_change(Change::Operate(operations.expect("operations")));
    let decoder = Decoder::Json(Collection::No);
    let data = pipeline.run(decoder, body, Uncovered::No, &Limits::default()).expect("it is JSON").expect("an object");
    let Some(Value::Array(all)) = data.get(b"x").map(Value::open) else { panic!("an array") };
    assert_eq!(all.len(), 2 * MANY);
}
