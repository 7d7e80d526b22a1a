//! OpenMetrics, for whoever asks for it.
//!
//! Source: OpenMetrics 1.0: counters' families go without the suffix of their samples, there are no blank lines, and the text has an end.

use std::collections::HashSet;

/// The type of the exposition format of Prometheus.
pub const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";
/// The type of OpenMetrics.
pub const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Whether `accept` asks for OpenMetrics before Prometheus' own format. Where it gives both the same weight, the former is meant:
/// Prometheus itself says so only to those that it would rather have it of.
#[must_use]
pub fn is_wanted(accept: &str) -> bool {
    let mut best = (0.0, false);
    for part in accept.split(',') {
        let mut parameters = part.split(';').map(str::trim);
        let is_open = match parameters.next() {
            Some("application/openmetrics-text") => true,
            Some("text/plain" | "text/*" | "*/*") => false,
            _ => continue,
        };
        let mut weight = 1.0;
        let mut is_known = true;
        for parameter in parameters {
            match parameter.split_once('=') {
                Some(("q", text)) => weight = text.parse::<f64>().unwrap_or(0.0),
                Some(("version", version)) if is_open => is_known = matches!(version, "1.0.0" | "0.0.1"),
                _ => {}
            }
        }
        if is_known && weight > 0.0 && (weight > best.0 || (weight == best.0 && is_open)) {
            best = (weight, is_open);
        }
    }
    best.1
}

/// `text`, which is in Prometheus' format, as OpenMetrics. A counter whose name does not say that it is one is of an unknown type there.
#[must_use]
pub fn convert(text: &str) -> String {
    // Which families are counters stands behind what they are for.
    let typed = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter"));
    let counters: HashSet<&str> = typed.collect();
    let mut converted = String::with_capacity(text.len() + 64);
    for line in text.lines().filter(|line| !line.is_empty()) {
        let comment = line.strip_prefix("# ").and_then(|rest| {
            let (word, rest) = rest.split_once(' ')?;
            let (name, rest) = rest.split_once(' ')?;
            matches!(word, "HELP" | "TYPE").then_some((word, name, rest))
        });
        match comment {
            Some((word, name, rest)) if counters.contains(name) => match name.strip_suffix("_total") {
                Some(family) => converted.push_str(&format!("# {word} {family} {rest}")),
                None if word == "TYPE" => converted.push_str(&format!("# TYPE {name} unknown")),
                None => converted.push_str(line),
            },
            _ => converted.push_str(line),
        }
        converted.push('\n');
    }
    converted.push_str("# EOF\n");
    converted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_it_gets_it() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
        assert!(is_wanted(prometheus) && is_wanted("application/openmetrics-text"));
        assert!(!is_wanted("") && !is_wanted("*/*") && !is_wanted("text/plain, application/openmetrics-text;q=0.2"));
        assert!(
            !is_wanted("application/openmetrics-text;version=2.0.0") && !is_wanted("application/openmetrics-text;q=0")
        );
    }

    #[test]
    fn families_lose_what_their_samples_have() {
        let text = "# HELP a_total It counts.\n# TYPE a_total counter\na_total{b=\"c\"} 1\n\n# HELP d It is.\n# TYPE d gauge\nd 2\n# TYPE e counter\ne 3\n";
        let expected = "# HELP a It counts.\n# TYPE a counter\na_total{b=\"c\"} 1\n# HELP d It is.\n# TYPE d gauge\nd 2\n# TYPE e unknown\ne 3\n# EOF\n";
        assert_eq!(convert(text), expected);
    }
}
