//! What is served, as clients discover it: in one document of the newer form, or group by group.
//!
//! Source: Kubernetes, `meta/v1` discovery types and `apidiscovery.k8s.io/v2`.

use std::collections::BTreeMap;

use backstay_resources::{Kind, Verb};
use bytes::Bytes;
use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_128;

use crate::accept::Aggregated;

/// A version and its kinds.
type Version<'a> = (&'a str, Vec<&'static Kind>);
/// A group and its versions.
type Group<'a> = (&'a str, Vec<Version<'a>>);

/// A document that rarely changes.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) json: Bytes,
    /// Quoted, as the header has it.
    pub(crate) etag: String,
}

impl Document {
    pub(crate) fn new(value: &Value) -> Self {
        let json = Bytes::from(value.to_string());
        let etag = format!("\"{:032X}\"", xxh3_128(&json));
        Self { json, etag }
    }
}

/// All discovery documents.
#[derive(Debug)]
pub(crate) struct Discovery {
    paths: Document,
    core: Document,
    groups: Document,
    group: BTreeMap<String, Document>,
    /// By group and version.
    versions: BTreeMap<(String, String), Document>,
    /// The core group and the others, in the newer and the older version of the format.
    aggregated: [[Document; 2]; 2],
}

/// Which of the two roots of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Root {
    /// `/api`
    Core,
    /// `/apis`
    Groups,
}

impl Discovery {
    pub(crate) fn new(kinds: impl Iterator<Item = &'static Kind>) -> Self {
        // In the order that kinds are listed: the first version of a group is the preferred one.
        let mut versions: Vec<Group<'_>> = Vec::new();
        for kind in kinds {
            let group = at(&mut versions, kind.group);
            at(group, kind.version).push(kind);
        }
        let (core, others): (Vec<_>, Vec<_>) = versions.iter().partition(|(group, _)| group.is_empty());
        let core_versions: Vec<&str> = core.iter().flat_map(|(_, versions)| versions).map(|(name, _)| *name).collect();
        let legacy: Vec<Value> = others.iter().map(|(name, versions)| api_group(name, versions)).collect();
        let aggregated = |groups: &[&Group<'_>]| {
            let items: Vec<Value> = groups.iter().map(|(name, versions)| aggregated_group(name, versions)).collect();
            ["v2", "v2beta1"].map(|version| {
                Document::new(&json!({
                    "kind": "APIGroupDiscoveryList", "apiVersion": format!("apidiscovery.k8s.io/{version}"),
                    "metadata": {}, "items": items,
                }))
            })
        };
        let mut paths = vec!["/api".to_owned()];
        paths.extend(core_versions.iter().map(|version| format!("/api/{version}")));
        paths.push("/apis".to_owned());
        for (name, versions) in &others {
            paths.push(format!("/apis/{name}"));
            paths.extend(versions.iter().map(|(version, _)| format!("/apis/{name}/{version}")));
        }
        paths.extend(
            ["/healthz", "/livez", "/metrics", "/openapi/v2", "/openapi/v3", "/readyz", "/version"].map(str::to_owned),
        );
        Self {
            paths: Document::new(&json!({ "paths": paths })),
            core: Document::new(&json!({
                "kind": "APIVersions", "versions": core_versions, "serverAddressByClientCIDRs": [],
            })),
            groups: Document::new(&json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": legacy})),
            group: legacy
                .iter()
                .map(|group| (group["name"].as_str().unwrap_or_default().to_owned(), Document::new(&titled(group))))
                .collect(),
            versions: versions
                .iter()
                .flat_map(|(group, versions)| {
                    versions.iter().map(|(version, kinds)| {
                        (((*group).to_owned(), (*version).to_owned()), Document::new(&resources(group, version, kinds)))
                    })
                })
                .collect(),
            aggregated: [aggregated(&core), aggregated(&others)],
        }
    }

    /// `/api` or `/apis`.
    pub(crate) fn root(&self, root: Root, aggregated: Option<Aggregated>) -> &Document {
        match (aggregated, root) {
            (None, Root::Core) => &self.core,
            (None, Root::Groups) => &self.groups,
            (Some(version), root) => &self.aggregated[root as usize][version as usize],
        }
    }

    /// `/`
    pub(crate) fn paths(&self) -> &Document {
        &self.paths
    }

    /// `/apis/GROUP`
    pub(crate) fn group(&self, name: &str) -> Option<&Document> {
        self.group.get(name)
    }

    /// `/apis/GROUP/VERSION`
    pub(crate) fn version(&self, group: &str, version: &str) -> Option<&Document> {
        self.versions.get(&(group.to_owned(), version.to_owned()))
    }
}

fn at<'a, 'k, T: Default>(list: &'a mut Vec<(&'k str, T)>, name: &'k str) -> &'a mut T {
    let index = list.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
        list.push((name, T::default()));
        list.len() - 1
    });
    &mut list[index].1
}

fn api_group(name: &str, versions: &[Version<'_>]) -> Value {
    let versions: Vec<Value> = versions
        .iter()
        .map(|(version, _)| json!({"groupVersion": format!("{name}/{version}"), "version": version}))
        .collect();
    json!({"name": name, "versions": versions, "preferredVersion": versions.first()})
}

fn titled(group: &Value) -> Value {
    let mut titled = json!({"kind": "APIGroup", "apiVersion": "v1"});
    if let (Some(titled), Some(group)) = (titled.as_object_mut(), group.as_object()) {
        titled.extend(group.clone());
    }
    titled
}

/// What can be done with objects of a kind, as discovery tells it.
fn verbs(kind: &Kind) -> Vec<&'static str> {
    kind.verbs.iter().map(|verb| verb.name()).collect()
}

/// What can be done with the statuses of a kind: what can be done with the whole, as far as it makes sense.
fn status_verbs(kind: &Kind) -> Vec<&'static str> {
    [Verb::Get, Verb::Patch, Verb::Update]
        .iter()
        .filter(|verb| kind.verbs.contains(verb))
        .map(|verb| verb.name())
        .collect()
}

fn resources(group: &str, version: &str, kinds: &[&'static Kind]) -> Value {
    let mut resources = Vec::new();
    for kind in kinds {
        resources.push(json!({
            "name": kind.plural, "singularName": kind.singular, "namespaced": kind.is_namespaced(), "kind": kind.kind,
            "verbs": verbs(kind), "shortNames": kind.short_names, "categories": kind.categories,
        }));
        if kind.has_status {
            resources.push(json!({
                "name": format!("{}/status", kind.plural), "singularName": "", "namespaced": kind.is_namespaced(),
                "kind": kind.kind, "verbs": status_verbs(kind),
            }));
        }
    }
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources})
}

fn aggregated_group(name: &str, versions: &[Version<'_>]) -> Value {
    let versions: Vec<Value> = versions
        .iter()
        .map(|(version, kinds)| {
            let resources: Vec<Value> = kinds.iter().map(|kind| aggregated_resource(kind)).collect();
            json!({"version": version, "resources": resources, "freshness": "Current"})
        })
        .collect();
    json!({"metadata": {"name": name, "creationTimestamp": null}, "versions": versions})
}

fn aggregated_resource(kind: &Kind) -> Value {
    let response = json!({"group": kind.group, "version": kind.version, "kind": kind.kind});
    let mut resource = json!({
        "resource": kind.plural, "responseKind": response, "singularResource": kind.singular,
        "scope": if kind.is_namespaced() { "Namespaced" } else { "Cluster" },
        "verbs": verbs(kind), "shortNames": kind.short_names, "categories": kind.categories,
    });
    if kind.has_status {
        resource["subresources"] =
            json!([{"subresource": "status", "responseKind": response, "verbs": status_verbs(kind)}]);
    }
    resource
}
