//! What the benchmarks share: processes and their CPU time, a small HTTP client, statistics.

#![allow(dead_code, reason = "each benchmark is a program of its own and uses a part")]

pub mod http;
pub mod manifests;
pub mod process;
pub mod upstream;

use std::time::Duration;

/// The middle value.
pub fn median(values: &[f64]) -> f64 {
    percentile(values, 50.0)
}

/// The value that `percent` of all values do not exceed.
pub fn percentile(values: &[f64], percent: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let index = ((sorted.len() - 1) as f64 * percent / 100.0).round() as usize;
    sorted[index]
}

/// Milliseconds, with a fraction.
pub fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// The value of `--NAME VALUE` on the command line.
pub fn argument<T: std::str::FromStr>(name: &str, default: T) -> T {
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|argument| argument == name);
    at.and_then(|at| arguments.get(at + 1)).and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// A JSON Backend with one address.
pub fn backend(name: &str, ip: &str) -> String {
    format!(
        r#"{{"apiVersion":"core.apoxy.dev/v1alpha2","kind":"Backend","metadata":{{"name":"{name}"}},"spec":{{"endpoints":[{{"ip":"{ip}"}}]}}}}"#
    )
}
