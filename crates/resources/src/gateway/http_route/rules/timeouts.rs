use serde_json::Value;

use crate::GoDuration;
use crate::field::{FieldPath, Findings};
use crate::object::Object;
use crate::table;

const UNITS: [&str; 4] = ["ms", "h", "m", "s"];
/// How many numbers with a unit a duration may have.
const MAX_PARTS: usize = 4;
/// How many digits a number may have.
const MAX_DIGITS: usize = 5;

/// Checks the times of all rules. They are read as they are written, since Gateway API allows only some of the ways
/// in which Go writes a duration (GEP-2257).
pub(super) fn check(route: &Object, findings: &mut Findings) {
    let rules = FieldPath::new("spec").child("rules");
    for (index, rule) in table::list_at(route, "/spec/rules").iter().enumerate() {
        let mut read = |section: &str, name: &str| {
            let text = rule.get(section)?.get(name).and_then(Value::as_str)?;
            if is_gateway_duration(text) {
                return text.parse::<GoDuration>().ok();
            }
            let detail = "must be whole numbers with the units h, m, s and ms, of up to 5 digits each (e.g. '1m30s')";
            findings.invalid(&rules.index(index).child(section).child(name), text, detail);
            None
        };
        read("retry", "backoff");
        read("sessionPersistence", "absoluteTimeout");
        read("sessionPersistence", "idleTimeout");
        let (request, backend) = (read("timeouts", "request"), read("timeouts", "backendRequest"));
        if let (Some(request), Some(backend)) = (request, backend)
            && !request.0.is_zero()
            && backend > request
        {
            let detail = "cannot be longer than the request timeout";
            findings.invalid(
                &rules.index(index).child("timeouts").child("backendRequest"),
                &backend.to_string(),
                detail,
            );
        }
    }
}

fn is_gateway_duration(text: &str) -> bool {
    let mut rest = text;
    for _ in 0..MAX_PARTS {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let after = rest.get(digits..).unwrap_or_default();
        let Some(unit) = UNITS.iter().find(|unit| after.starts_with(**unit)) else { return false };
        if !(1..=MAX_DIGITS).contains(&digits) {
            return false;
        }
        rest = after.get(unit.len()..).unwrap_or_default();
        if rest.is_empty() {
            return true;
        }
    }
    false
}
