//! What a proxy counts, as it exports it for Prometheus under Envoy's names.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use crate::harness::Client;

/// What Backstay exports, of which a test of its own sees to it that nothing is missing.
const GUIDE: &str = include_str!("../../docs/metrics.md");
const CLUSTER: &str = "envoy_cluster_";
const CACHE: &str = "envoy_dns_cache_";
/// Names a cluster.
const OF_CLUSTER: &str = "envoy_cluster_name";

pub type Labels = BTreeMap<String, String>;

/// One number.
#[derive(Debug, Clone)]
pub struct Series {
    pub name: String,
    pub labels: Labels,
    pub value: String,
}

/// All of it at one moment.
#[derive(Debug)]
pub struct Export {
    pub text: String,
}

/// Reads it.
pub async fn export(admin: SocketAddr) -> Export {
    let answer = Client::new().get(admin, &admin.to_string(), "/stats/prometheus").await.unwrap();
    Export { text: answer.text() }
}

impl Export {
    pub fn series(&self) -> impl Iterator<Item = Series> {
        self.text.lines().filter(|line| line.starts_with("envoy_")).map(read)
    }

    /// Types of series by name.
    pub fn types(&self) -> BTreeMap<&str, &str> {
        self.text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect()
    }

    /// How much is counted for a cluster or its DNS cache under this name; what is not there yet is 0.
    pub fn count(&self, cluster: &str, name: &str) -> u64 {
        self.of(cluster)
            .filter(|(known, _)| known == name)
            .map(|(_, series)| series.value.parse::<u64>().unwrap())
            .sum()
    }

    /// What is counted for a cluster and its DNS cache under names that both have. In braces is a class of statuses.
    pub fn counts(&self, cluster: &str) -> String {
        let known = guide();
        let line = |(name, series): (String, Series)| {
            let is_known =
                [format!("{CLUSTER}{name}"), format!("{CACHE}NAME_{name}")].iter().any(|name| known.contains(&**name));
            let class = series.labels.get("envoy_response_code_class").map(|class| format!("{{{class}}}"));
            let tells = is_known && series.value != "0" && !name.contains("remaining");
            tells.then(|| format!("{name}{} {}", class.unwrap_or_default(), series.value))
        };
        self.of(cluster).filter_map(line).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
    }

    /// The series of a cluster and of its DNS cache, each with its name, without what says whose it is.
    fn of(&self, cluster: &str) -> impl Iterator<Item = (String, Series)> {
        let cache = format!("{CACHE}{}_", cluster.replace('-', "_"));
        self.series().filter_map(move |series| {
            let of_cluster = || {
                series
                    .name
                    .strip_prefix(CLUSTER)
                    .filter(|_| series.labels.get(OF_CLUSTER).is_some_and(|name| name == cluster))
            };
            let name = series.name.strip_prefix(&cache).or_else(of_cluster)?.to_owned();
            Some((name, series))
        })
    }
}

/// Envoy's names in the guide.
pub fn guide() -> BTreeSet<&'static str> {
    GUIDE.split('`').filter(|word| word.starts_with("envoy_")).collect()
}

fn read(line: &str) -> Series {
    let (series, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = series.trim_end_matches('}').split_once('{').unwrap_or((series, ""));
    // No label here has a comma or a quote within.
    let pairs = labels.split(',').filter_map(|pair| pair.split_once('='));
    let labels = pairs.map(|(label, value)| (label.to_owned(), value.trim_matches('"').to_owned())).collect();
    Series { name: name.to_owned(), labels, value: value.to_owned() }
}
