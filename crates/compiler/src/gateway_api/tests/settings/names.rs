use backstay_proto::config::backend::Discovery;
use serde_json::json;

use super::{compiled, fixed, span};

#[test]
fn how_long_the_addresses_of_names_outlive_their_names() {
    for (sections, stale, absent) in [
        (json!({}), None, None),
        (json!({"discovery": {"maxStale": "10m"}}), span(600_000), None),
        (json!({"discovery": {"maxAbsent": "2s", "srv": {"service": "http"}}}), None, span(2_000)),
        (json!({"discovery": {"maxStale": "0s", "maxAbsent": "0s"}}), span(0), span(0)),
    ] {
        let Some(Discovery::Static(list)) = compiled(fixed(), sections.clone()).discovery else { panic!("{sections}") };
        assert_eq!((list.max_stale, list.max_absent), (stale, absent), "{sections}");
    }
}
