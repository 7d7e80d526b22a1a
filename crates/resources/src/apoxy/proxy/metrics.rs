//! How often a collector is told of metrics, and what times are counted by.

use std::ops::RangeInclusive;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::GoDuration;
use crate::field::{FieldPath, Findings};

const INTERVALS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);
const MAX_BOUNDS: usize = 40;
const MAX_BOUND: Duration = Duration::from_secs(86_400);

/// How often a collector is told of metrics, and what times are counted by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Metrics {
    /// How often the collector is told, 1s to 1h. Default: it is not, unless a proxy's variables name a collector, or say how often.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<GoDuration>,
    /// Upper bounds of the buckets of histograms of times, such as 5ms, each greater than the one before; at most 40, up to 24h. Default:
    /// 1ms, 2.5ms, 5ms, 10ms, 25ms, 50ms, 100ms, 250ms, 500ms, 1s, 5s. A change has histograms begin anew.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub bounds: Vec<GoDuration>,
}

impl Metrics {
    /// Finds what of it cannot be honoured.
    pub(crate) fn check(&self, path: &FieldPath, findings: &mut Findings) {
        if let Some(interval) = self.interval.filter(|interval| !INTERVALS.contains(&interval.0)) {
            findings.invalid(&path.child("interval"), &interval.to_string(), "must be from 1s to 1h");
        }
        let bounds = path.child("bounds");
        if findings.most(&bounds, self.bounds.len(), MAX_BOUNDS) {
            let mut before = Duration::ZERO;
            for (index, bound) in self.bounds.iter().enumerate() {
                if bound.0 <= before || bound.0 > MAX_BOUND {
                    let detail = "must be greater than 0s and than the bound before, and at most 24h";
                    findings.invalid(&bounds.index(index), &bound.to_string(), detail);
                }
                before = before.max(bound.0);
            }
        }
    }
}
