//! What `/stats/prometheus` exports: Envoy's names and labels, for each count that means what Envoy's of that name does, so
//! that dashboards and alerts made for Envoy go on. A backend is a cluster, and its DNS cache has its name.
//!
//! Histograms are left out: Envoy's are of other moments than this proxy's.

mod caches;
mod clusters;
mod process;

use backstay_model::ResourceName;

use super::family::write;
use super::{BackendSnapshot, CacheSnapshot, Exposition, Process};

/// Names a cluster.
const CLUSTER: &str = "envoy_cluster_name";

/// The text for one moment. Backends that were never used are left out, as Envoy can leave out what was not.
pub(crate) fn envoy(process: &Process, backends: &[BackendSnapshot]) -> String {
    let mut text = Exposition::default();
    write(&mut text, process::FAMILIES, "", &[("", process)]);
    let used = backends.iter().filter(|backend| backend.was_used());
    let used: Vec<_> = used.map(|backend| (cluster(&backend.name), backend)).collect();
    write(&mut text, clusters::FAMILIES, CLUSTER, &used);
    let mut caches: Vec<Cache<'_>> = backends.iter().filter_map(Cache::of).collect();
    // Names that differ only in what no metric's name can say make one family, whose series the label tells apart.
    caches.sort_by(|a, b| (&a.prefix, a.cluster).cmp(&(&b.prefix, b.cluster)));
    for caches in caches.chunk_by(|a, b| a.prefix == b.prefix) {
        write_caches(&mut text, caches);
    }
    text.finish()
}

/// The DNS cache of a backend, which Envoy names within the names of its metrics.
struct Cache<'a> {
    prefix: String,
    cluster: &'a str,
    counts: &'a CacheSnapshot,
}

impl<'a> Cache<'a> {
    fn of(backend: &'a BackendSnapshot) -> Option<Self> {
        let cluster = cluster(&backend.name);
        let name = cluster.replace(|character: char| !character.is_ascii_alphanumeric(), "_");
        Some(Self { prefix: format!("envoy_dns_cache_{name}_"), cluster, counts: backend.cache.as_ref()? })
    }
}

fn write_caches(text: &mut Exposition, caches: &[Cache<'_>]) {
    let Some(prefix) = caches.first().map(|cache| &cache.prefix) else { return };
    for family in caches::FAMILIES {
        let name = format!("{prefix}{}", family.name);
        text.family(&name, family.kind(), family.help);
        for cache in caches {
            family.write_samples(text, &name, &[(CLUSTER, cache.cluster)], cache.counts);
        }
    }
}

/// The backend's own name: Envoy's names know no kinds of resources.
fn cluster(resource: &str) -> &str {
    ResourceName::backend(resource).unwrap_or(resource)
}
