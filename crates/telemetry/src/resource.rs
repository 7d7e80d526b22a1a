//! Of whom something is told: a process.

use backstay_proto::otlp::common::v1::{InstrumentationScope, KeyValue};
use backstay_proto::otlp::resource::v1::Resource;

use crate::Environment;
use crate::attribute::text;

/// The process, as the semantic conventions have it. What the environment says of it wins over what is `given`.
#[must_use]
pub fn resource(service: &str, instance: &str, given: &[(&str, &str)], environment: &Environment) -> Resource {
    let mut attributes: Vec<KeyValue> = vec![
        text("service.name", service),
        text("service.instance.id", instance),
        text("service.version", env!("CARGO_PKG_VERSION")),
        text("telemetry.sdk.name", "backstay"),
        text("telemetry.sdk.language", "rust"),
        text("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
    ];
    attributes.extend(given.iter().map(|(key, value)| text(key, *value)));
    for (key, value) in environment.resource_attributes() {
        attributes.retain(|known| known.key != key);
        attributes.push(text(&key, value));
    }
    Resource { attributes }
}

/// Who says so.
pub(crate) fn scope() -> InstrumentationScope {
    InstrumentationScope { name: "backstay".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
}
