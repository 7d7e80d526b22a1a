//! Components where they are written.

use xxhash_rust::xxh3::xxh3_128;

use super::Scope;
use crate::document::{Entry, Node};
use crate::place::{Path, Place};
use crate::plan::{Endpoint, Extension};
use crate::problem::Report;
use crate::write;

/// A component where it is written.
#[derive(Clone, Copy)]
pub(crate) struct Component<'a> {
    pub(crate) extension: &'a Extension,
    pub(crate) site: Site<'a>,
    pub(crate) scope: &'a Scope<'a>,
}

/// What has the component.
#[derive(Clone, Copy)]
pub(crate) enum Site<'a> {
    /// The service.
    Service,
    /// An endpoint.
    Endpoint(&'a Endpoint),
    /// A backend, at its position among those of its endpoint.
    Backend(&'a Endpoint, usize),
}

impl<'a> Component<'a> {
    /// Its options: an object.
    pub(crate) fn settings(&self) -> &'a Node {
        &self.extension.settings
    }

    /// An option, unless it is null. Names are compared as they are written.
    pub(crate) fn option(&self, name: &str) -> Option<&'a Entry> {
        self.settings().get(name)
    }

    /// Where problems are told.
    pub(crate) fn report(&self) -> &'a Report {
        self.scope.report
    }

    /// What leads to the component; [`Path::key`] leads on.
    pub(crate) fn path(&self) -> Path<'a> {
        Path::written(&self.extension.path)
    }

    /// Where its name is written.
    pub(crate) fn place(&self) -> Place {
        self.extension.place
    }

    /// The component `name` of the service, whose settings may be shared.
    pub(crate) fn of_service(&self, name: &str) -> Option<&'a Extension> {
        self.scope.plan.extensions.iter().find(|extension| extension.namespace == name)
    }

    /// What its state is kept by: the same as long as its settings, its endpoint and its position there are.
    pub(crate) fn identity(&self) -> String {
        let at = match self.site {
            Site::Service => String::new(),
            Site::Endpoint(endpoint) => format!("{} {}", endpoint.method.as_str(), endpoint.path.pattern),
            Site::Backend(endpoint, index) => {
                format!("{} {} {index}", endpoint.method.as_str(), endpoint.path.pattern)
            }
        };
        let content = format!("{}\n{at}\n{}", self.extension.namespace, write::compact(self.settings()));
        format!("krakend:{}:{:032x}", self.scope.config, xxh3_128(content.as_bytes()))
    }
}
