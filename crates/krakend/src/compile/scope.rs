//! What compiling has at hand.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use backstay_proto::config::resource::Kind as Resource;
use bytes::Bytes;

use super::{File, Files};
use crate::place::{Path, Place};
use crate::plan::Plan;
use crate::problem::Report;
use crate::quote::quoted;

/// What a configuration is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigName {
    /// Its namespace.
    pub namespace: String,
    /// Its name there.
    pub name: String,
}

impl fmt::Display for ConfigName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.namespace, self.name)
    }
}

/// What compiling a configuration has at hand, and where it puts what proxies need beside its route.
pub(crate) struct Scope<'a> {
    pub(crate) config: &'a ConfigName,
    pub(crate) plan: &'a Plan,
    pub(crate) report: &'a Report,
    pub(crate) files: &'a Files,
    resources: RefCell<BTreeMap<Arc<str>, Resource>>,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(config: &'a ConfigName, plan: &'a Plan, files: &'a Files, report: &'a Report) -> Self {
        Self { config, plan, report, files, resources: RefCell::default() }
    }

    /// Has proxies get a resource beside the route. Of one name the last counts.
    pub(crate) fn offer(&self, name: &Arc<str>, resource: Resource) {
        self.resources.borrow_mut().insert(name.clone(), resource);
    }

    /// Whether there is a resource of this name already.
    pub(super) fn offers(&self, name: &Arc<str>) -> bool {
        self.resources.borrow().contains_key(name)
    }

    /// What proxies need beside the route, by name.
    pub(crate) fn into_resources(self) -> BTreeMap<Arc<str>, Resource> {
        self.resources.into_inner()
    }

    /// The content of a file that the configuration names. That it is missing is told, if the files are known at all.
    pub(crate) fn file(&self, name: &str, place: Place, path: &Path<'_>) -> Option<Bytes> {
        let file = match self.files {
            Files::Unknown => return None,
            Files::Given(_) => self.files.get(name),
        };
        let missing = match file {
            Some(file) if file.content().is_some() => return file.content().cloned(),
            Some(File::Secret { name: secret, key, .. }) => {
                format!(
                    "spec.files has {} from key {} of Secret {secret}, which is not there",
                    quoted(name),
                    quoted(key)
                )
            }
            _ => format!("the file {} is not in spec.files", quoted(name)),
        };
        self.report.not_served(place, path, missing);
        None
    }
}
