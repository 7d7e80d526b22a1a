//! The components of `extra_config`: one table of their namespaces, each with what becomes of it.

mod enterprise;
mod options;
mod table;

#[cfg(test)]
mod tests;

use std::fmt;

pub(crate) use self::options::STRATEGIES;
pub use self::options::Shape;
pub use self::table::NAMESPACES;
use crate::hint;

/// Where an `extra_config` stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// At the root.
    Service,
    /// In an endpoint.
    Endpoint,
    /// In a backend of an endpoint or of an agent.
    Backend,
    /// In a member of `async_agent`.
    Agent,
}

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Service => "the service",
            Self::Endpoint => "an endpoint",
            Self::Backend => "a backend",
            Self::Agent => "an async agent",
        })
    }
}

/// What a component does to traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It keeps requests out.
    Guards,
    /// It changes requests or answers, or where they come from.
    Changes,
}

/// What becomes of a namespace in this version of Backstay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// It is checked in full, and what it asks for has a type in the plan.
    Planned,
    /// It is checked, kept in the plan as it is written, and compiled from there.
    Served(Effect),
    /// It is checked, and kept in the plan as it is written; nothing serves it yet.
    NotServed(Effect),
    /// It is part of KrakenD's Enterprise edition; the Community edition ignores it.
    Enterprise(Effect),
    /// It changes no traffic: what serves in its place.
    Noted(&'static str),
    /// It will not be served: what to do instead.
    Refused(&'static str),
}

/// A component of `extra_config`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Namespace {
    /// Its name since KrakenD 2.
    pub name: &'static str,
    /// Its names before, which KrakenD still takes.
    pub legacy: &'static [&'static str],
    /// Names that KrakenD once took and now ignores.
    pub former: &'static [&'static str],
    /// Where it has an effect.
    pub levels: &'static [Level],
    /// What becomes of it.
    pub state: State,
    /// Its options. None where they are not checked.
    pub options: &'static [NamespaceOption],
}

/// An option of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NamespaceOption {
    /// Its name, whose case counts.
    pub name: &'static str,
    /// What it must be.
    pub shape: Shape,
}

/// What a key of `extra_config` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// A component, by a name that KrakenD takes.
    Known(&'static Namespace),
    /// A component, by a name that KrakenD took once.
    Former(&'static Namespace),
    /// `github_com` where it must be `github.com`, or the reverse: the right spelling.
    Swapped(&'static Namespace, &'static str),
    /// No component.
    Unknown,
}

/// Looks a key of `extra_config` up. Its case counts.
pub(crate) fn look_up(key: &str) -> Lookup {
    let find = |wanted: &dyn Fn(&Namespace) -> bool| NAMESPACES.iter().find(|namespace| wanted(namespace));
    if let Some(known) = find(&|namespace| namespace.name == key || namespace.legacy.contains(&key)) {
        return Lookup::Known(known);
    }
    if let Some(former) = find(&|namespace| namespace.former.contains(&key)) {
        return Lookup::Former(former);
    }
    let swapped = match (key.strip_prefix("github.com/"), key.strip_prefix("github_com/")) {
        (Some(rest), _) => Some(format!("github_com/{rest}")),
        (_, Some(rest)) => Some(format!("github.com/{rest}")),
        _ => None,
    };
    if let Some(swapped) = swapped {
        for namespace in NAMESPACES {
            if let Some(right) = namespace.legacy.iter().find(|legacy| **legacy == swapped) {
                return Lookup::Swapped(namespace, right);
            }
            if namespace.former.contains(&swapped.as_str()) {
                return Lookup::Former(namespace);
            }
        }
    }
    Lookup::Unknown
}

/// The component that is spelt nearly like `key`.
pub(crate) fn close_to(key: &str) -> Option<&'static Namespace> {
    named(hint::closest(key, NAMESPACES.iter().map(|namespace| namespace.name))?)
}

/// The component `name`, by its name since KrakenD 2.
#[must_use]
pub fn named(name: &str) -> Option<&'static Namespace> {
    NAMESPACES.iter().find(|namespace| namespace.name == name)
}
