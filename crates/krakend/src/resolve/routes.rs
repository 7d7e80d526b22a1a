//! Route conflicts, by the rules of KrakenD's router, which finds them when it starts and ends with a panic.

use std::collections::HashMap;
use std::rc::Rc;

use crate::config::{self, Service};
use crate::place::{Path, Place};
use crate::plan::{Method, Router};
use crate::problem::Report;
use crate::quote::cut;

/// The routes of one method, segment by segment: paths are as long as their owners like, and none is kept whole for each of its
/// parts.
struct Tree {
    /// The first is the root.
    nodes: Vec<Node>,
}

/// What may follow a part of a path.
#[derive(Default)]
struct Node {
    /// By the whole text of the next segment.
    children: HashMap<String, usize>,
    /// By what stands before a variable in the next segment: its name, as `:name`, and a path that has it.
    variables: HashMap<String, (String, Rc<str>)>,
    /// Where the path that ends here is written.
    end: Option<Origin>,
}

/// Where a route comes from.
#[derive(Debug, Clone, Copy)]
enum Origin {
    /// KrakenD's own.
    Own,
    /// An endpoint.
    Endpoint(Place),
}

/// The routes that have been added.
pub(super) struct Routes {
    trees: HashMap<&'static str, Tree>,
    has_options: bool,
}

/// Why a route cannot be added.
enum Conflict {
    /// There is one already, and where.
    Registered(Origin),
    /// A sentence of the router's.
    Refused(String),
}

impl Routes {
    /// What is there before any endpoint.
    pub(super) fn new(service: &Service<'_>, router: &Router) -> Self {
        let mut routes = Self { trees: HashMap::new(), has_options: router.auto_options };
        let mut own: Vec<&str> = router.health_path.as_deref().into_iter().collect();
        // Their catch-alls take nothing that an endpoint may have.
        if service.debug_endpoint {
            own.push("/__debug/");
        }
        if service.echo_endpoint {
            own.push("/__echo/");
        }
        for path in own {
            // A health path that conflicts with itself cannot be: it is the first.
            let _ = routes.trees.entry("GET").or_default().add(path, Origin::Own);
        }
        routes
    }

    /// Adds the route of an endpoint. False where it conflicts with one before it, which is told.
    pub(super) fn add(
        &mut self,
        (method, pattern): (Method, &str),
        config: &config::Endpoint<'_>,
        path: &Path<'_>,
        report: &Report,
    ) -> bool {
        let place = config.endpoint.as_ref().map_or(config.place, |written| written.place);
        let path = path.key("endpoint");
        let method = method.as_str();
        let tell = |conflict: Conflict, method: &str| {
            let pattern = cut(pattern);
            let message = match conflict {
                Conflict::Registered(Origin::Endpoint(first)) => {
                    format!(
                        "handlers are already registered for path '{pattern}': {method} of it is at line {} too",
                        first.line
                    )
                }
                Conflict::Registered(Origin::Own) => {
                    format!("handlers are already registered for path '{pattern}': KrakenD tells of its health there")
                }
                Conflict::Refused(sentence) => sentence,
            };
            report.refused(place, &path, message);
        };
        if let Err(conflict) = self.trees.entry(method).or_default().add(pattern, Origin::Endpoint(place)) {
            tell(conflict, method);
            return false;
        }
        // With auto_options every path is a route of OPTIONS as well, which all methods share.
        if self.has_options
            && let Err(Conflict::Refused(sentence)) =
                self.trees.entry("OPTIONS").or_default().add(pattern, Origin::Endpoint(place))
        {
            tell(
                Conflict::Refused(format!("{sentence}; auto_options has all methods share one set of routes")),
                "OPTIONS",
            );
            return false;
        }
        true
    }
}

impl Default for Tree {
    fn default() -> Self {
        Self { nodes: vec![Node::default()] }
    }
}

impl Tree {
    /// Adds a path, with the conflicts that the router has: two names for a variable in one place, and a path that is there.
    fn add(&mut self, path: &str, origin: Origin) -> Result<(), Conflict> {
        self.check(path)?;
        let whole: Rc<str> = Rc::from(path);
        let mut at = 0;
        for segment in path.split('/') {
            let next = self.nodes.len();
            let Some(node) = self.nodes.get_mut(at) else { return Ok(()) };
            if let Some((before, name)) = variable(segment) {
                node.variables.entry(before.to_owned()).or_insert_with(|| (name.to_owned(), Rc::clone(&whole)));
            }
            at = *node.children.entry(segment.to_owned()).or_insert(next);
            if at == next {
                self.nodes.push(Node::default());
            }
        }
        if let Some(node) = self.nodes.get_mut(at) {
            node.end = Some(origin);
        }
        Ok(())
    }

    fn check(&self, path: &str) -> Result<(), Conflict> {
        let mut node = self.nodes.first();
        let mut start = 0;
        for segment in path.split('/') {
            if let Some((before, name)) = variable(segment) {
                if let Some((there, with)) = node.and_then(|node| node.variables.get(before))
                    && there != name
                {
                    let prefix = cut(path.get(..start + before.len()).unwrap_or_default());
                    return Err(Conflict::Refused(format!(
                        "'{}' in new path '{}' conflicts with existing wildcard '{}' in existing prefix '{prefix}{}' (of {}): a \
                         variable has one name wherever the paths are the same before it",
                        cut(name),
                        cut(path),
                        cut(there),
                        cut(there),
                        cut(with)
                    )));
                }
                named(name, path)?;
            }
            node = node.and_then(|node| self.nodes.get(*node.children.get(segment)?));
            start += segment.len() + 1;
        }
        match node.and_then(|node| node.end) {
            Some(origin) => Err(Conflict::Registered(origin)),
            None => Ok(()),
        }
    }
}

/// What stands before the variable of a segment, and the variable with its mark.
fn variable(segment: &str) -> Option<(&str, &str)> {
    segment.find([':', '*']).map(|offset| segment.split_at(offset))
}

/// A variable has a name, and no second one in it.
fn named(name: &str, path: &str) -> Result<(), Conflict> {
    let (path, name) = (cut(path), name);
    if name.len() < 2 {
        let hint = if name.starts_with('*') { ": KrakenD's Community edition has no wildcards" } else { "" };
        return Err(Conflict::Refused(format!("wildcards must be named with a non-empty name in path '{path}'{hint}")));
    }
    if name.get(1..).is_some_and(|rest| rest.contains([':', '*'])) {
        let name = cut(name);
        return Err(Conflict::Refused(format!(
            "only one wildcard per path segment is allowed, has: '{name}' in path '{path}'"
        )));
    }
    Ok(())
}
