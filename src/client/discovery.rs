//! Which kinds the control plane serves.
//!
//! Source: Kubernetes, aggregated discovery (`apidiscovery.k8s.io/v2`).

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{Client, Error, Segment};

/// Media type of aggregated discovery.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// The kinds that the control plane serves, preferred groups and versions first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Discovery {
    types: Vec<ResourceType>,
}

/// A kind, and where its objects are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResourceType {
    /// `None` for the core group.
    group: Option<Segment>,
    version: Segment,
    plural: Segment,
    singular: String,
    kind: String,
    /// Whether objects live in namespaces.
    pub(crate) namespaced: bool,
    short_names: Vec<String>,
    categories: Vec<String>,
}

impl ResourceType {
    /// `GROUP/VERSION`, or `VERSION` for the core group.
    pub(crate) fn api_version(&self) -> String {
        match &self.group {
            None => self.version.to_string(),
            Some(group) => format!("{group}/{}", self.version),
        }
    }

    /// Such as `Backend`.
    pub(crate) fn kind(&self) -> &str {
        &self.kind
    }

    /// What messages call it: `backend.core.apoxy.dev`, or `secret` for the core group.
    pub(crate) fn label(&self) -> String {
        let singular = if self.singular.is_empty() { self.kind.to_lowercase() } else { self.singular.clone() };
        match &self.group {
            None => singular,
            Some(group) => format!("{singular}.{group}"),
        }
    }

    /// Path of the list of objects: of one namespace, or of all where that is `None`.
    pub(crate) fn collection(&self, namespace: Option<&Segment>) -> String {
        let root = self.group.as_ref().map_or_else(|| "/api".to_owned(), |group| format!("/apis/{}", group.escaped()));
        let scope = match namespace {
            Some(namespace) if self.namespaced => format!("/namespaces/{}", namespace.escaped()),
            _ => String::new(),
        };
        format!("{root}/{}{scope}/{}", self.version.escaped(), self.plural.escaped())
    }

    /// Path of one object. `namespace` does not matter for a cluster-scoped kind.
    pub(crate) fn object(&self, namespace: &Segment, name: &Segment) -> String {
        format!("{}/{}", self.collection(Some(namespace)), name.escaped())
    }

    fn is_called(&self, word: &str) -> bool {
        let (name, group) = word.split_once('.').unwrap_or((word, ""));
        let named = [self.plural.as_str(), &self.singular, &self.kind];
        let named = named.into_iter().chain(self.short_names.iter().map(String::as_str));
        let own = self.group.as_ref().map_or("", Segment::as_str);
        let group_fits = group.is_empty() || group == own || group == format!("{}.{own}", self.version);
        !name.is_empty() && group_fits && named.into_iter().any(|own| own.eq_ignore_ascii_case(name))
    }
}

impl Discovery {
    /// Asks the control plane.
    ///
    /// # Errors
    /// When it cannot be reached, or is no server with aggregated discovery.
    pub(crate) async fn load(client: &Client) -> Result<Self, Error> {
        let mut types = Vec::new();
        for path in ["/apis", "/api"] {
            let document = client.get(path, AGGREGATED).await?;
            let groups = GroupList::deserialize(&document).map_err(|source| client.malformed(path, &source))?;
            types.extend(groups.items.into_iter().flat_map(Group::types));
        }
        Ok(Self { types })
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &ResourceType> {
        self.types.iter()
    }

    /// The kind that a manifest names.
    pub(crate) fn of(&self, api_version: &str, kind: &str) -> Option<&ResourceType> {
        self.types.iter().find(|known| known.kind == kind && known.api_version() == api_version)
    }

    /// The kinds that a word on the command line means: a name of a kind, in any case, with or without `.GROUP`; or a
    /// category. Where several groups have such a kind, the first is meant.
    pub(crate) fn called(&self, word: &str) -> Vec<&ResourceType> {
        match self.types.iter().find(|known| known.is_called(word)) {
            Some(found) => vec![found],
            None => {
                // Of several versions of a kind, the preferred one.
                let mut found: Vec<&ResourceType> = Vec::new();
                for known in self.types.iter().filter(|known| known.categories.iter().any(|category| category == word))
                {
                    if !found.iter().any(|other| other.label() == known.label()) {
                        found.push(known);
                    }
                }
                found
            }
        }
    }

    /// Every kind's plural with its group, for messages.
    pub(crate) fn names(&self) -> Vec<String> {
        let name = |known: &ResourceType| match &known.group {
            None => known.plural.to_string(),
            Some(group) => format!("{}.{group}", known.plural),
        };
        let mut names: Vec<String> = self.types.iter().map(name).collect();
        // Versions of a kind come one after the other in their group, and not always beside each other.
        let mut seen = std::collections::BTreeSet::new();
        names.retain(|name| seen.insert(name.clone()));
        names
    }
}

#[derive(Deserialize)]
struct GroupList {
    items: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    metadata: Metadata,
    versions: Vec<Version>,
}

#[derive(Deserialize, Default)]
struct Metadata {
    #[serde(default, deserialize_with = "group")]
    name: Option<Segment>,
}

/// The name of the core group is empty, or not there.
fn group<'a, D: Deserializer<'a>>(deserializer: D) -> Result<Option<Segment>, D::Error> {
    let name = String::deserialize(deserializer)?;
    if name.is_empty() { Ok(None) } else { name.parse().map(Some).map_err(D::Error::custom) }
}

#[derive(Deserialize)]
struct Version {
    version: Segment,
    #[serde(default)]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    resource: Segment,
    #[serde(default)]
    response_kind: Value,
    scope: String,
    #[serde(default)]
    singular_resource: String,
    #[serde(default)]
    short_names: Vec<String>,
    #[serde(default)]
    categories: Vec<String>,
}

impl Group {
    fn types(self) -> Vec<ResourceType> {
        let group = self.metadata.name;
        let of_version = |version: Version| {
            let group = group.clone();
            version.resources.into_iter().map(move |resource| ResourceType {
                group: group.clone(),
                version: version.version.clone(),
                kind: resource.response_kind.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned(),
                plural: resource.resource,
                singular: resource.singular_resource,
                namespaced: resource.scope == "Namespaced",
                short_names: resource.short_names,
                categories: resource.categories,
            })
        };
        self.versions.into_iter().flat_map(of_version).collect()
    }
}

#[cfg(test)]
mod tests;
