//! Kinds, and where objects are.

use serde_json::Value;

use super::{Api, ApiError, JSON, escape};

/// A kind that the API serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kind {
    /// Empty for the core group.
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) plural: String,
    pub(crate) kind: String,
    pub(crate) namespaced: bool,
    pub(crate) verbs: Vec<String>,
}

/// An object, by where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) kind: Kind,
    /// Empty where its kind is in none.
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// What a path of the console has for the core group, and for no namespace.
const CORE: &str = "core";
const NONE: &str = "-";

impl Kind {
    /// Where its objects are: in a namespace, or in all if it is empty.
    pub(crate) fn path(&self, namespace: &str) -> String {
        let root = match self.group.as_str() {
            "" => format!("/api/{}", self.version),
            group => format!("/apis/{}/{}", escape_group(group), self.version),
        };
        match namespace {
            "" => format!("{root}/{}", self.plural),
            namespace => format!("{root}/namespaces/{}/{}", escape(namespace), self.plural),
        }
    }

    /// Its page.
    pub(crate) fn page(&self) -> String {
        let group = if self.group.is_empty() { CORE } else { &self.group };
        format!("/objects/{}/{}/{}", escape_group(group), escape(&self.version), escape(&self.plural))
    }

    /// The page of one of its objects.
    pub(crate) fn object_page(&self, namespace: &str, name: &str) -> String {
        let namespace = if namespace.is_empty() { NONE } else { namespace };
        format!("{}/{}/{}", self.page(), escape_group(namespace), escape_group(name))
    }

    /// `core.apoxy.dev/v1alpha2`, as objects say it.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `backends.core.apoxy.dev`.
    pub(crate) fn label(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// Whether whoever asks may be allowed to do it: whether the API has it at all.
    pub(crate) fn has(&self, verb: &str) -> bool {
        self.verbs.iter().any(|known| known == verb)
    }
}

/// Names of objects and groups, in which a dot and a hyphen are as they are.
fn escape_group(text: &str) -> String {
    escape(text).replace("%2E", ".").replace("%2D", "-")
}

impl Object {
    pub(crate) fn path(&self) -> String {
        format!("{}/{}", self.kind.path(&self.namespace), escape(&self.name))
    }

    pub(crate) fn page(&self) -> String {
        self.kind.object_page(&self.namespace, &self.name)
    }
}

impl Api {
    /// All kinds, each in one version of its group.
    pub(crate) async fn kinds(&self) -> Result<Vec<Kind>, ApiError> {
        let mut kinds = kinds_of("", "v1", &self.get("/api/v1", JSON).await?);
        let groups = self.get("/apis", JSON).await?;
        for group in groups["groups"].as_array().into_iter().flatten() {
            let (Some(name), Some(version)) = (group["name"].as_str(), group["preferredVersion"]["version"].as_str())
            else {
                continue;
            };
            let list = self.get(&format!("/apis/{}/{}", escape_group(name), escape(version)), JSON).await?;
            kinds.extend(kinds_of(name, version, &list));
        }
        // Questions about access are no objects.
        kinds.retain(|kind| kind.has("list"));
        kinds.sort_by(|one, other| (rank(one), &one.kind).cmp(&(rank(other), &other.kind)));
        Ok(kinds)
    }

    /// The kind at a path of the console.
    pub(crate) async fn kind(&self, group: &str, version: &str, plural: &str) -> Result<Kind, ApiError> {
        let group = if group == CORE { "" } else { group };
        let path = match group {
            "" => format!("/api/{}", escape(version)),
            _ => format!("/apis/{}/{}", escape_group(group), escape(version)),
        };
        let list = self.get(&path, JSON).await?;
        kinds_of(group, version, &list).into_iter().find(|kind| kind.plural == plural).ok_or_else(|| ApiError {
            status: Some(http::StatusCode::NOT_FOUND),
            message: format!("there is no kind {plural:?} in {group}/{version}"),
        })
    }
}

/// The namespace at a path of the console.
pub(crate) fn namespace(segment: &str) -> &str {
    if segment == NONE { "" } else { segment }
}

fn kinds_of(group: &str, version: &str, list: &Value) -> Vec<Kind> {
    let kind = |resource: &Value| {
        let text = |name: &str| resource[name].as_str().map(str::to_owned);
        let plural = text("name").filter(|name| !name.contains('/'))?;
        let verbs = resource["verbs"].as_array().into_iter().flatten();
        Some(Kind {
            group: group.to_owned(),
            version: version.to_owned(),
            plural,
            kind: text("kind")?,
            namespaced: resource["namespaced"].as_bool().unwrap_or_default(),
            verbs: verbs.filter_map(|verb| verb.as_str().map(str::to_owned)).collect(),
        })
    };
    list["resources"].as_array().into_iter().flatten().filter_map(kind).collect()
}

/// What people look for most comes first.
fn rank(kind: &Kind) -> usize {
    const FIRST: [&str; 9] = [
        "Backend",
        "BackendPolicy",
        "Gateway",
        "HTTPRoute",
        "Proxy",
        "KrakendConfig",
        "FastlyService",
        "FastlyVersion",
        "Secret",
    ];
    FIRST.iter().position(|first| *first == kind.kind).unwrap_or(FIRST.len())
}
