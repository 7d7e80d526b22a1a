use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::body;
use crate::object::Object;

/// Merges `stringData` into `data`, where it wins, and takes line breaks out of base64 as every Kubernetes server does.
pub(super) fn fill(object: &mut Object) {
    let body = &mut object.body;
    body::drop_empty(body, "type");
    body::default(body, "type", "Opaque");
    if let Some(Value::Object(texts)) = body.remove("stringData")
        && !texts.is_empty()
        && let Some(data) = body::make(body, "data")
    {
        for (key, text) in texts {
            if let Value::String(text) = text {
                data.insert(key, STANDARD.encode(text).into());
            }
        }
    }
    for value in body::object(body, "data").into_iter().flat_map(serde_json::Map::values_mut) {
        if let Value::String(encoded) = value
            && encoded.contains(['\n', '\r'])
        {
            encoded.retain(|c| c != '\n' && c != '\r');
        }
    }
}
