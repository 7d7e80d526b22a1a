//! Looking for what serves a request, in what the compiler made.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_compiler::{Condition, ObjectStatus, Output};
use backstay_model::route::{Action, Candidate, Element, Matcher, PathMatch, Route, Rule, Table, TableBuilder, Target};
use backstay_model::{HostPattern, Listener, Resource};
use backstay_resources::{ConditionStatus, Kind, Object};
use http::{HeaderMap, Method};

use super::endpoints;

/// How deep the lines are that say where a request goes.
pub(super) const DESTINATION: usize = 3;

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) is_tls: bool,
    /// Lower case, without port, brackets or a dot at its end.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
}

/// A line of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// How deep it is.
    pub(super) indent: usize,
    /// What is said.
    pub(super) text: String,
    /// Whether it is on the way of the request; false where the way ends without a backend.
    pub(super) good: Option<bool>,
}

impl Finding {
    fn note(indent: usize, text: impl Into<String>) -> Self {
        Self { indent, text: text.into(), good: None }
    }

    fn way(indent: usize, text: impl Into<String>) -> Self {
        Self { indent, text: text.into(), good: Some(true) }
    }

    fn end(indent: usize, text: impl Into<String>) -> Self {
        Self { indent, text: text.into(), good: Some(false) }
    }
}

/// What a fleet's proxies are sent.
#[derive(Debug, Default)]
struct Fleet {
    listeners: BTreeMap<Arc<str>, Listener>,
    routes: BTreeMap<Arc<str>, Route>,
}

/// What the compiler made of objects.
pub(super) struct Search {
    fleets: BTreeMap<Arc<str>, Fleet>,
    statuses: Vec<Arc<ObjectStatus>>,
    backends: BTreeMap<String, String>,
}

/// What stands for a rule in a table: its route, and its position there.
type Place = (Arc<str>, usize);

impl Search {
    /// Reads what proxies would read.
    pub(super) fn new(output: Output, objects: Vec<(&'static Kind, Object)>) -> Self {
        let mut fleets: BTreeMap<Arc<str>, Fleet> = BTreeMap::new();
        for (fleet, resources) in output.fleets {
            let fleet = fleets.entry(fleet).or_default();
            for (name, body) in resources {
                match body.map(|body| Resource::decode(&name, body)) {
                    Some(Ok(Resource::Listener(listener))) => drop(fleet.listeners.insert(name, listener)),
                    Some(Ok(Resource::Route(route))) => drop(fleet.routes.insert(name, route)),
                    _ => {}
                }
            }
        }
        let backends = objects.iter().filter(|(kind, _)| kind.kind == "Backend");
        let backends = backends.map(|(_, backend)| (backend.metadata.name.clone(), endpoints(backend))).collect();
        Self { fleets, statuses: output.statuses, backends }
    }

    pub(super) fn fleets(&self) -> impl Iterator<Item = &str> {
        self.fleets.keys().map(|name| &**name)
    }

    /// What is not well, whatever is asked for: it may be why.
    pub(super) fn faults(&self) -> Vec<String> {
        let is_bad = |condition: &&Condition| match condition.kind {
            "Conflicted" | "PartiallyInvalid" => condition.status == ConditionStatus::True,
            "Accepted" | "ResolvedRefs" => condition.status != ConditionStatus::True,
            _ => false,
        };
        let mut faults = Vec::new();
        for status in &self.statuses {
            for condition in status.report.all_conditions().filter(is_bad) {
                let line = format!("{}: {} ({}): {}", status.key, condition.kind, condition.reason, condition.message);
                if !faults.contains(&line) {
                    faults.push(line);
                }
            }
        }
        faults
    }

    /// How a fleet would serve a request, from listener to backend, and why it is not served otherwise.
    pub(super) fn explain(&self, fleet: &str, asked: &Asked) -> Vec<Finding> {
        let Some(fleet) = self.fleets.get(fleet) else { return Vec::new() };
        let mut findings = Vec::new();
        let on_port =
            |listener: &Listener| listener.port.get() == asked.port && listener.secrets.is_some() == asked.is_tls;
        let here: Vec<_> = fleet.listeners.iter().filter(|(_, listener)| on_port(listener)).collect();
        for (name, listener) in fleet.listeners.iter().filter(|(_, listener)| !on_port(listener)) {
            let speaks = if listener.secrets.is_some() { "https" } else { "http" };
            findings.push(Finding::note(1, format!("{name}: {speaks} on port {}", listener.port)));
        }
        if here.is_empty() {
            let scheme = if asked.is_tls { "https" } else { "http" };
            findings.push(Finding::end(
                1,
                format!("no listener has {scheme} on port {}: the connection is refused", asked.port),
            ));
            return findings;
        }
        let mut table: TableBuilder<Place, ()> = Table::builder();
        for (name, listener) in &here {
            table.listener(listener.hosts.clone());
            for (route, it) in &fleet.routes {
                it.candidates(name, &listener.hosts, |rule| Some((Arc::clone(route), rule))).for_each(|candidate| {
                    table.candidate(candidate);
                });
            }
        }
        let table = table.build();
        let owner = owner(&here, &asked.host);
        for (name, listener) in &here {
            let hosts = shown(&listener.hosts);
            match owner {
                Some(owner) if owner == &***name => {
                    findings.push(Finding::way(1, format!("{name}: takes it, for {hosts}")));
                }
                _ if listener.hosts.matches(&asked.host) => {
                    findings.push(Finding::note(
                        1,
                        format!("{name}: is for {hosts}; another listener's host is more specific"),
                    ));
                }
                _ => findings.push(Finding::note(1, format!("{name}: is for {hosts}, not for {}", asked.host))),
            }
        }
        let found = table.find(&asked.host, &asked.method, &asked.path, asked.query.as_deref(), &asked.headers);
        let winner = found.map(|matched| matched.rule.clone());
        for (name, listener) in here.iter().filter(|(name, _)| owner == Some(&***name)) {
            for (route, it) in &fleet.routes {
                self.routes(name, listener, (route, it), asked, winner.as_ref(), &mut findings);
            }
        }
        if winner.is_none() {
            findings.push(Finding::end(1, "no route has a match for it: the proxy answers 404"));
        }
        findings
    }

    /// What a route has to say of a request at the listener that takes it.
    fn routes(
        &self,
        name: &str,
        listener: &Listener,
        (route, it): (&Arc<str>, &Route),
        asked: &Asked,
        winner: Option<&Place>,
        findings: &mut Vec<Finding>,
    ) {
        let Some(attached) = it.attachments.iter().find(|attachment| *attachment.listener == *name) else { return };
        if !attached.hosts.iter().any(|host| host.matches(&asked.host)) {
            let hosts: Vec<_> = attached.hosts.iter().map(shown).collect();
            findings.push(Finding::note(2, format!("{route}: is for {}, not for {}", hosts.join(", "), asked.host)));
            return;
        }
        for (index, rule) in it.rules.iter().enumerate() {
            let label = if rule.name.is_empty() {
                format!("{route} rule {index}")
            } else {
                format!("{route} rule {index} ({})", rule.name)
            };
            let serves = winner.is_some_and(|(winner, position)| winner == route && *position == index);
            if serves {
                findings.push(Finding::way(2, format!("{label}: serves it")));
                self.action(rule, findings);
                continue;
            }
            let misses: Vec<_> = rule.matches.iter().map(|found| miss(&found.matcher, listener, asked)).collect();
            let why = match misses.iter().any(Option::is_none) {
                true => "matches as well; a more specific or earlier match comes first".to_owned(),
                false => misses.into_iter().flatten().collect::<Vec<_>>().join("; "),
            };
            findings.push(Finding::note(2, format!("{label}: {why}")));
        }
    }

    /// Where a rule sends requests.
    fn action(&self, rule: &Rule, findings: &mut Vec<Finding>) {
        match &rule.action {
            Action::Forward(forward) => {
                for target in forward.targets.all() {
                    let weight = target.weight;
                    match &target.target {
                        Target::Backend { backend, port } => {
                            let name = backend.strip_prefix("backend/").unwrap_or(backend);
                            let port = port.map_or_else(String::new, |port| format!(", port {port}"));
                            let endpoints = self.backends.get(name).map_or("unknown here", String::as_str);
                            findings.push(Finding::way(3, format!("{backend}, weight {weight}{port}: {endpoints}")));
                        }
                        Target::Respond(respond) => {
                            findings.push(Finding::end(
                                3,
                                format!("weight {weight}: the proxy answers {}", respond.status.as_u16()),
                            ));
                        }
                    }
                }
            }
            Action::Redirect(_) => findings.push(Finding::way(3, "a redirect")),
            Action::Respond(respond) => {
                findings.push(Finding::end(3, format!("the proxy answers {}", respond.status.as_u16())));
            }
            Action::Sequence(_) => findings.push(Finding::way(3, "a sequence of steps decides")),
            Action::Compose(composition) => {
                for call in &composition.calls {
                    for target in call.targets.all() {
                        let backend = target.backend.as_deref().unwrap_or("no backend");
                        findings
                            .push(Finding::way(3, format!("call {}: {backend}, weight {}", call.name, target.weight)));
                    }
                }
            }
            Action::Echo(_) => findings.push(Finding::way(3, "the request itself")),
        }
    }
}

/// The listener whose host names are the most specific that a request fits.
fn owner<'a>(here: &[(&'a Arc<str>, &'a Listener)], host: &str) -> Option<&'a str> {
    let fitting = here.iter().filter(|(_, listener)| listener.hosts.matches(host));
    let rank = |hosts: &HostPattern| match hosts {
        HostPattern::Any => (0, 0),
        HostPattern::Wildcard(suffix) => (1, suffix.len()),
        HostPattern::Exact(name) => (2, name.len()),
    };
    fitting.max_by_key(|(_, listener)| rank(&listener.hosts)).map(|(name, _)| &***name)
}

/// Which condition of a match does not hold. `None` when all do.
fn miss(matcher: &Matcher, listener: &Listener, asked: &Asked) -> Option<String> {
    let holds = |matcher: Matcher| {
        let mut table: TableBuilder<(), ()> = Table::builder();
        let order = backstay_model::route::Order {
            precedence: std::cmp::Reverse(0),
            route: Arc::from(""),
            rule: 0,
            position: 0,
        };
        let (listener, host) = (listener.hosts.clone(), HostPattern::Any);
        table.candidate(Candidate { listener, host, order, matcher, rule: () });
        let table = table.build();
        table.find(&asked.host, &asked.method, &asked.path, asked.query.as_deref(), &asked.headers).is_some()
    };
    let path_only = Matcher::path(matcher.path.clone());
    if !holds(path_only.clone()) {
        return Some(format!("the path is not {}", path(&matcher.path)));
    }
    if let Some(method) = matcher.method.as_ref().filter(|method| **method != asked.method) {
        return Some(format!("the method is not {method}"));
    }
    for header in &matcher.headers {
        if !holds(Matcher { headers: Box::new([header.clone()]), ..path_only.clone() }) {
            return Some(format!("the header {} is not as it says", header.name));
        }
    }
    for parameter in &matcher.query {
        if !holds(Matcher { query: Box::new([parameter.clone()]), ..path_only.clone() }) {
            return Some(format!("the query parameter {} is not as it says", parameter.name));
        }
    }
    None
}

fn path(path: &PathMatch) -> String {
    match path {
        PathMatch::Exact(path) => format!("{path} exactly"),
        PathMatch::Prefix(path) => format!("{path} or below"),
        PathMatch::Regex(pattern) => format!("one of {pattern}"),
        PathMatch::Template(template) => {
            let element = |element: &Element| match &element.variable {
                Some(variable) => format!("/{}{{{variable}}}", element.literal),
                None => format!("/{}", element.literal),
            };
            template.elements.iter().map(element).collect()
        }
    }
}

fn shown(hosts: &HostPattern) -> String {
    match hosts {
        HostPattern::Any => "any host".to_owned(),
        hosts => hosts.to_string(),
    }
}
