//! Components of `extra_config`: what becomes of each, and what its options do not say.

use super::{Options, UnknownExtraConfig, cors, limits, options, secrets, validator};
use crate::config::{Extra, Extras, Service};
use crate::namespace::{Effect, Level, State};
use crate::place::Path;
use crate::problem::{Cause, Report, Severity};
use crate::quote::quoted;

/// Why queues are not read.
const NO_AGENTS: &str = "async agents are not served: they read messages from a queue, which is no HTTP; let a consumer of yours call the \
                         backend, or keep a KrakenD that does only this";
/// Why plugins are not loaded.
const NO_PLUGINS: &str = "plugins are Go code that only KrakenD loads: none is loaded from there";

/// Checks the components of the whole configuration.
pub(super) fn check(service: &Service<'_>, options: Options, report: &Report) {
    let root = Path::ROOT;
    let walk = Walk { options, report };
    walk.all(&service.extras, Level::Service, &root);
    if let Some(extra) = service.extras.get("auth/validator") {
        validator::of_service(extra, &root, report);
    }
    if let Some(plugin) = service.plugin {
        report.add(Severity::Note, Cause::NotServed, (plugin.place, &root.key("plugin")), NO_PLUGINS);
    }
    service_encoding(service, report);
    let endpoints = root.key("endpoints");
    for (index, endpoint) in service.endpoints.iter().enumerate() {
        let path = endpoints.index(index);
        walk.all(&endpoint.extras, Level::Endpoint, &path);
        if let Some(extra) = endpoint.extras.get("auth/validator") {
            validator::of_endpoint(extra, endpoint, &path, report);
        }
        let backends = path.key("backend");
        for (index, backend) in endpoint.backends.iter().enumerate() {
            walk.all(&backend.extras, Level::Backend, &backends.index(index));
        }
    }
    let agents = root.key("async_agent");
    for (index, agent) in service.agents.iter().enumerate() {
        let path = agents.index(index);
        report.add(Severity::Error, Cause::NotServed, (agent.place, &path), NO_AGENTS);
        walk.all(&agent.extras, Level::Agent, &path);
        let backends = path.key("backend");
        for (index, backend) in agent.backends.iter().enumerate() {
            walk.all(&backend.extras, Level::Backend, &backends.index(index));
        }
    }
}

/// An encoding of the service that there is not, told here once and not for each endpoint that has it.
fn service_encoding(service: &Service<'_>, report: &Report) {
    const KNOWN: [&str; 7] = ["json", "json-collection", "xml", "yaml", "negotiate", "string", "no-op"];
    if let Some(written) = service.output_encoding.as_ref().filter(|written| !KNOWN.contains(&written.value.as_str())) {
        let message =
            format!("{} is no encoding that it knows, so answers are written as JSON", quoted(&written.value));
        report.dropped(written.place, &Path::ROOT.key("output_encoding"), message);
    }
}

struct Walk<'a> {
    options: Options,
    report: &'a Report,
}

impl Walk<'_> {
    fn all(&self, extras: &Extras<'_>, level: Level, above: &Path<'_>) {
        let above = above.key("extra_config");
        for extra in &extras.list {
            let path = above.key(extra.key);
            // What validators share is set in the service, where nothing is validated.
            if extra.namespace.levels.contains(&level) {
                self.state(extra, &path);
            }
            options::check(extra, &path, self.report);
            secrets::check(extra.node, &path, self.report);
            match (extra.namespace.name, level) {
                ("qos/ratelimit/router", _) => limits::router(extra, &path, self.report),
                ("qos/ratelimit/proxy", _) => limits::proxy(extra, &path, self.report),
                ("qos/circuit-breaker", _) => limits::breaker(extra, &path, self.report),
                ("security/cors", _) => cors::check(extra, &path, self.report),
                _ => {}
            }
        }
    }

    /// What becomes of a component.
    fn state(&self, extra: &Extra<'_>, path: &Path<'_>) {
        let severity = match self.options.unknown_extra_config {
            UnknownExtraConfig::Error => Severity::Error,
            UnknownExtraConfig::Warn => Severity::Warning,
        };
        let at = (extra.place, path);
        let without = |effect: Effect| match effect {
            Effect::Guards => "what it keeps out would come in",
            Effect::Changes => "requests or answers would not be what it makes of them",
        };
        let name = quoted(extra.namespace.name);
        match extra.namespace.state {
            State::Planned | State::Served(_) => {}
            State::NotServed(effect) => {
                let message = format!("{name} is not served by this version, and without it {}", without(effect));
                self.report.add(severity, Cause::NotServed, at, message);
            }
            State::Enterprise(effect) => {
                let message = format!(
                    "{name} is part of KrakenD's Enterprise edition and not served; without it {}, as with the Community edition, which \
                     ignores it",
                    without(effect)
                );
                self.report.add(severity, Cause::NotServed, at, message);
            }
            State::Noted(instead) => {
                self.report.add(Severity::Note, Cause::NotServed, at, format!("{name} is accepted: {instead}"));
            }
            State::Refused(instead) => {
                self.report.add(severity, Cause::NotServed, at, format!("{name} will not be served: {instead}"));
            }
        }
    }
}
