use serde_json::{Value, json};

use super::{refused, section_accepted, section_refused, with};
use crate::backstay::RETRY_ON;

#[test]
fn timeouts() {
    for name in ["connect", "firstByte", "betweenBytes", "idle", "total"] {
        let zero = format!(".{name}: Invalid value: \"0s\": must be greater than 0");
        section_refused("timeouts", json!({name: "0s"}), &zero);
        section_refused(
            "timeouts",
            json!({name: "soon"}),
            &format!(".{name}: Invalid value: \"soon\": must be a duration"),
        );
        section_accepted("timeouts", json!({name: "1ms"}));
    }
}

#[test]
fn limits() {
    for name in ["connections", "requests", "connectionsPerEndpoint"] {
        section_refused("limits", json!({name: 0}), &format!(".{name}: Invalid value: 0"));
        section_accepted("limits", json!({name: 1}));
    }
    section_accepted("limits", json!({"pendingRequests": 0, "retries": 0}));
    section_accepted("limits", json!({"retryBudget": {"percent": 12.5, "minimum": 0}}));
    section_refused("limits", json!({"retryBudget": {"percent": 100.5}}), ".retryBudget.percent: Invalid value: 100.5");
    section_refused("limits", json!({"retryBudget": {}, "retries": 1}), ".retries: Forbidden");
}

#[test]
fn retries() {
    let bad = |more: Value, start: &str| {
        let mut content = json!({"retryOn": ["5xx"]});
        content.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        section_refused("retries", content, start);
    };
    for name in RETRY_ON.iter().filter(|name| !matches!(**name, "retriable-status-codes" | "retriable-headers")) {
        section_accepted("retries", json!({"retryOn": [name]}));
    }
    section_refused("retries", json!({}), ".retryOn: Required value");
    bad(
        json!({"retryOn": ["5xx", "bad-luck"]}),
        ".retryOn[1]: Unsupported value: \"bad-luck\": supported values: \"5xx\"",
    );
    bad(json!({"retryOn": ["5xx", "5xx"]}), ".retryOn[1]: Duplicate value");
    bad(json!({"attempts": 0}), ".attempts: Invalid value: 0");
    bad(json!({"attempts": 101}), ".attempts: Invalid value: 101");
    for name in ["perTryTimeout", "perTryIdleTimeout", "maxRetryAfter"] {
        bad(json!({name: "0s"}), &format!(".{name}: Invalid value"));
    }
    bad(json!({"backOff": {"base": "0s"}}), ".backOff.base: Invalid value");
    let crossed = json!({"backOff": {"base": "2s", "max": "1s"}});
    bad(crossed, ".backOff.max: Invalid value: \"1s\": must not be shorter than base, 2s");
    bad(
        json!({"backOff": {"max": "24ms"}}),
        ".backOff.max: Invalid value: \"24ms\": must not be shorter than base, 25ms",
    );
    bad(json!({"retriableStatuses": [503]}), ".retriableStatuses: Forbidden");
    bad(json!({"retriableHeaders": ["a"]}), ".retriableHeaders: Forbidden");
    bad(json!({"retryOn": ["retriable-status-codes"]}), ".retriableStatuses: Required value");
    bad(json!({"retryOn": ["retriable-headers"]}), ".retriableHeaders: Required value");
    let status = json!({"retryOn": ["retriable-status-codes"], "retriableStatuses": [99]});
    bad(status, ".retriableStatuses[0]: Invalid value: 99");
    let header = json!({"retryOn": ["retriable-headers"], "retriableHeaders": ["a b"]});
    bad(header, ".retriableHeaders[0]: Invalid value");
}

#[test]
fn an_attempt_fits_into_the_whole() {
    let spec = |name: &str, span: &str| {
        with(json!({"timeouts": {"total": "2s"}, "retries": {"retryOn": ["5xx"], name: span}}))
    };
    for name in ["perTryTimeout", "perTryIdleTimeout"] {
        let start = format!("spec.retries.{name}: Invalid value: \"3s\": must not be longer than timeouts.total, 2s");
        refused(spec(name, "3s"), &start);
    }
}

#[test]
fn connections() {
    let bad = |content: Value, start: &str| section_refused("connections", content, start);
    bad(json!({"maxRequests": 0}), ".maxRequests: Invalid value: 0");
    bad(json!({"maxLifetime": "0s"}), ".maxLifetime: Invalid value");
    bad(json!({"preconnectPercent": 301}), ".preconnectPercent: Invalid value: 301: must be between 100 and 300");
    bad(json!({"maxConcurrentStreams": 0}), ".maxConcurrentStreams: Invalid value: 0");
    bad(json!({"maxConcurrentStreams": 2_147_483_648_u32}), ".maxConcurrentStreams: Invalid value");
    bad(json!({"tcpKeepalive": {"probes": 128}}), ".tcpKeepalive.probes: Invalid value: 128");
    for name in ["idle", "interval"] {
        for (span, why) in [("0s", "must be between 1s"), ("32768s", "must be between 1s"), ("1500ms", "must be whole")]
        {
            let shown = span.parse::<crate::GoDuration>().unwrap();
            let start = format!(".tcpKeepalive.{name}: Invalid value: \"{shown}\": {why}");
            bad(json!({"tcpKeepalive": {name: span}}), &start);
        }
    }
    section_accepted("connections", json!({"tcpKeepalive": {}}));
    section_accepted("connections", json!({"tcpKeepalive": {"disabled": true}}));
    bad(json!({"tcpKeepalive": {"disabled": true, "idle": "1s"}}), ".tcpKeepalive.disabled: Forbidden");
    section_refused("timeouts", json!({"endOnSilence": true}), ".endOnSilence: Forbidden");
    section_accepted("timeouts", json!({"betweenBytes": "1s", "endOnSilence": true}));
    section_accepted("connections", json!({"tcpKeepalive": {"probes": 1, "idle": "1s", "interval": "32767s"}}));
}

#[test]
fn hosts() {
    section_accepted("host", json!({"literal": "a.example:8443"}));
    section_accepted("host", json!({"automatic": true}));
    section_refused("host", json!({}), ": Required value: one of literal and automatic");
    section_refused("host", json!({"automatic": false}), ": Required value");
    section_refused("host", json!({"literal": "a", "automatic": true}), ".automatic: Forbidden");
    section_refused("host", json!({"literal": "a/b"}), ".literal: Invalid value: \"a/b\"");
}
