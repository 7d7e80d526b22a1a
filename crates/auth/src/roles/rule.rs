//! What one rule of a role allows.

use serde::{Deserialize, Serialize};

use crate::attributes::Attributes;

/// Stands for all of a list.
pub(crate) const ALL: &str = "*";

/// A rule: these verbs, on these resources or on these paths.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// `get`, `list` and so on; `*` is all.
    #[serde(default)]
    pub verbs: Vec<String>,
    /// API groups, the core group empty; `*` is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub api_groups: Vec<String>,
    /// `RESOURCE`, `RESOURCE/SUBRESOURCE`, `*/SUBRESOURCE`, or `*`: all, subresources included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// Names of the only objects that it is about. Empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource_names: Vec<String>,
    /// Paths that are no resource; a `*` at the end is whatever follows, alone it is all.
    #[serde(default, rename = "nonResourceURLs", skip_serializing_if = "Vec::is_empty")]
    pub non_resource_urls: Vec<String>,
}

impl Rule {
    /// Verbs on resources of a group.
    pub(crate) fn on(group: &str, resources: &[String], verbs: &[&str]) -> Self {
        let verbs = verbs.iter().map(|&verb| verb.to_owned()).collect();
        Self { verbs, api_groups: vec![group.to_owned()], resources: resources.to_vec(), ..Self::default() }
    }

    /// Verbs on paths.
    pub(crate) fn at(paths: &[&str], verbs: &[&str]) -> Self {
        let text = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        Self { verbs: text(verbs), non_resource_urls: text(paths), ..Self::default() }
    }

    /// What is wrong with it, if anything is: its field, and why.
    pub(crate) fn fault(&self, in_namespace: bool) -> Option<(&'static str, &'static str)> {
        if self.verbs.is_empty() {
            return Some(("verbs", "it must name one verb at least"));
        }
        if self.non_resource_urls.is_empty() {
            if self.api_groups.is_empty() {
                return Some(("apiGroups", "it must name one group at least; the core group is \"\""));
            }
            if self.resources.is_empty() {
                return Some(("resources", "it must name one resource at least"));
            }
            return None;
        }
        if in_namespace {
            return Some(("nonResourceURLs", "they belong to no namespace, so that a ClusterRole must have them"));
        }
        if !self.api_groups.is_empty() || !self.resources.is_empty() || !self.resource_names.is_empty() {
            return Some(("nonResourceURLs", "a rule is about resources or about paths, not about both"));
        }
        let is_path =
            |path: &String| path == ALL || (path.starts_with('/') && !path.trim_end_matches('*').contains('*'));
        if !self.non_resource_urls.iter().all(is_path) {
            return Some(("nonResourceURLs", "they must begin with / and may have * at their end alone"));
        }
        None
    }

    /// Whether it allows that, as far as its verb and what it is about go.
    #[must_use]
    pub fn allows(&self, asked: &Attributes<'_>) -> bool {
        if !has(&self.verbs, &asked.verb) {
            return false;
        }
        if !asked.is_resource() {
            return self.non_resource_urls.iter().any(|known| is_at(known, &asked.path));
        }
        self.is_about(asked)
            && (self.resource_names.is_empty() || self.resource_names.iter().any(|name| *name == asked.name))
    }

    /// The same, of some object or other: names are not looked at.
    pub(crate) fn allows_some(&self, asked: &Attributes<'_>) -> bool {
        has(&self.verbs, &asked.verb) && asked.is_resource() && self.is_about(asked)
    }

    fn is_about(&self, asked: &Attributes<'_>) -> bool {
        has(&self.api_groups, &asked.group) && self.resources.iter().any(|known| is_resource(known, asked))
    }
}

fn has(list: &[String], wanted: &str) -> bool {
    list.iter().any(|known| known == ALL || known == wanted)
}

fn is_resource(known: &str, asked: &Attributes<'_>) -> bool {
    if known == ALL {
        return true;
    }
    match known.split_once('/') {
        None => known == asked.resource && asked.subresource.is_empty(),
        Some((resource, subresource)) => {
            !asked.subresource.is_empty()
                && (resource == ALL || resource == asked.resource)
                && subresource == asked.subresource
        }
    }
}

fn is_at(known: &str, path: &str) -> bool {
    known == path || known.strip_suffix('*').is_some_and(|start| path.starts_with(start))
}
