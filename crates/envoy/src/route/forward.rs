//! Requests that go to backends.

use std::sync::Arc;
use std::time::Duration;

use backstay_model::{
    Backend, Discovery, Filters, Forward, HashKind, HashPolicy, HostRewrite, Mirror, Target, WeightedTarget,
};
use envoy_types::pb::envoy::config::route::v3 as pb;
use pb::route::Action;
use pb::route_action::hash_policy::{ConnectionProperties, Cookie, Header, PolicySpecifier, QueryParameter};
use pb::route_action::{self, ClusterSpecifier, HostRewriteSpecifier, RequestMirrorPolicy};

use super::answer::{instead, respond};
use super::edits::{NewPath, edits, literal, new_path};
use super::matching::header;
use super::rule::Matched;
use super::{Draws, Routing, retry};
use crate::dynamic;
use crate::names::ClusterKey;
use crate::omission::Omissions;
use crate::wire::{duration, expression, of_a_million, substitution};

/// All of a whole, in the parts that shares are counted in.
const MILLION: u64 = 1_000_000;

/// What the cluster of a backend is called that goes where requests say; `None` of another.
fn cache_key(name: &str, backend: &Backend) -> Option<Arc<str>> {
    match &backend.discovery {
        Discovery::Dynamic(found) => Some(dynamic::cache_name(name, &found.settings)),
        Discovery::Static(_) => None,
    }
}

impl Routing<'_> {
    /// One route or more for each target that takes a share, each of all that those before have left.
    pub(super) fn forward(
        &mut self,
        matched: &Matched<'_>,
        forward: &Forward,
        omissions: &mut Omissions<'_>,
    ) -> Vec<pb::Route> {
        let targets: Vec<_> = forward.targets.all().iter().filter(|target| target.weight > 0).collect();
        let total: u64 = targets.iter().map(|target| u64::from(target.weight)).sum();
        if targets.is_empty() {
            return vec![instead(matched.condition.clone(), 500, "")];
        }
        let mut routes = Vec::new();
        let mut taken = 0;
        for target in targets {
            let before = taken;
            taken += u64::from(target.weight);
            let mut condition = matched.condition.clone();
            if taken < total {
                let (part, whole) = match self.draws {
                    Draws::Once => (taken, total),
                    Draws::Each => (taken - before, total - before),
                };
                let share = u32::try_from(part * MILLION / whole).unwrap_or(u32::MAX);
                condition.runtime_fraction = Some(of_a_million(share));
            }
            routes.extend(self.target(matched, condition, forward, target, omissions));
        }
        routes
    }

    fn target(
        &mut self,
        matched: &Matched<'_>,
        condition: pb::RouteMatch,
        forward: &Forward,
        target: &WeightedTarget,
        omissions: &mut Omissions<'_>,
    ) -> Vec<pb::Route> {
        let filters = [&*matched.rule.filters, &*target.filters];
        let request = edits(filters.iter().flat_map(|filters| filters.request_headers.iter()));
        let response = edits(filters.iter().flat_map(|filters| filters.response_headers.iter()));
        let (Some(request), Some(response)) = (request, response) else {
            return vec![pb::Route { r#match: Some(condition), ..matched.uneditable(omissions) }];
        };
        let mut route = pb::Route {
            name: matched.name.clone(),
            r#match: Some(condition.clone()),
            request_headers_to_add: request.add,
            request_headers_to_remove: request.remove,
            response_headers_to_add: response.add,
            response_headers_to_remove: response.remove,
            ..Default::default()
        };
        let (name, port) = match &target.target {
            Target::Backend { backend, port } => (backend, *port),
            Target::Respond(answer) => {
                self.longest_body = self.longest_body.max(answer.body.len());
                let Some((action, headers)) = respond(answer) else { return vec![matched.uneditable(omissions)] };
                route.request_headers_to_add.clear();
                route.request_headers_to_remove.clear();
                route.response_headers_to_add.splice(0..0, headers);
                route.action = Some(action);
                return vec![route];
            }
        };
        self.named.insert(Arc::clone(name));
        let Some(backend) = self.backends.get(name) else {
            return vec![instead(condition, 500, "the route's backend is not known to this proxy")];
        };
        if let Some(why) = (self.obstacle)(backend, port) {
            omissions.left_out(format!("rules[{}]", matched.index), format!("goes to {name:?}, which {why}"));
            return vec![pb::Route { r#match: Some(condition), ..matched.not_given() }];
        }
        self.counts_attempts |= backend.spec.policy.retries.as_ref().is_some_and(|retries| retries.count_attempts);
        let key = ClusterKey { backend: Arc::clone(name), port, cache: cache_key(name, backend) };
        let mut action = self.action(matched, forward, filters, &key, backend);
        let host = filters[1].rewrite_host.as_ref().or(filters[0].rewrite_host.as_ref());
        let host = host.and_then(|host| host.to_str().ok());
        self.clusters.insert(key.clone());
        let Discovery::Dynamic(found) = &backend.discovery else {
            if action.host_rewrite_specifier.is_none()
                && let Some(host) = host
            {
                action.host_rewrite_specifier = Some(HostRewriteSpecifier::HostRewriteLiteral(host.to_owned()));
            }
            action.append_x_forwarded_host = action.host_rewrite_specifier.is_some();
            route.action = Some(Action::Route(action));
            return vec![route];
        };
        // The filter looks for the host before the router would rewrite it.
        action.append_x_forwarded_host = host.is_some();
        route.typed_per_filter_config.insert(key.to_string(), dynamic::turned_on(host));
        route.action = Some(Action::Route(action));
        let Some(names) = dynamic::allowed(&found.allowed) else { return vec![route] };
        let refused = || instead(condition.clone(), 403, "host not allowed");
        if let Some(host) = host {
            let name = host.rsplit_once(':').map_or(host, |(name, _)| name).to_ascii_lowercase();
            return vec![if found.allowed.permits(&name) { route } else { refused() }];
        }
        let mut permitted = condition.clone();
        permitted.headers.push(header(":authority", expression(&names)));
        route.r#match = Some(permitted);
        vec![route, refused()]
    }

    fn action(
        &mut self,
        matched: &Matched<'_>,
        forward: &Forward,
        filters: [&Filters; 2],
        key: &ClusterKey,
        backend: &Backend,
    ) -> pb::RouteAction {
        let [of_rule, of_target] = filters;
        let policy = &backend.spec.policy;
        let mut whole: Vec<Duration> = forward.request_timeout.into_iter().chain(backend.spec.timeouts.total).collect();
        let retry_policy = match &policy.retries {
            Some(retries) => retry::policy(retries, forward.backend_request_timeout),
            None => {
                whole.extend(forward.backend_request_timeout);
                retry::usual()
            }
        };
        let host = match &policy.host {
            HostRewrite::Keep => None,
            HostRewrite::Literal(host) => {
                host.to_str().ok().map(|host| HostRewriteSpecifier::HostRewriteLiteral(host.to_owned()))
            }
            HostRewrite::Automatic => {
                Some(HostRewriteSpecifier::AutoHostRewrite(envoy_types::pb::google::protobuf::BoolValue {
                    value: true,
                }))
            }
        };
        let mut action = pb::RouteAction {
            cluster_specifier: Some(ClusterSpecifier::Cluster(key.to_string())),
            // Unset it would be Envoy's 15 s.
            timeout: duration(whole.into_iter().min().unwrap_or_default()),
            retry_policy: Some(retry_policy),
            request_mirror_policies: self.mirrors(of_rule.mirrors.iter().chain(&of_target.mirrors)),
            hash_policy: policy.hash.iter().map(hash_policy).collect(),
            host_rewrite_specifier: host,
            ..Default::default()
        };
        let path = of_target.rewrite_path.as_ref().or(of_rule.rewrite_path.as_ref());
        match path.and_then(|edit| new_path(edit, matched.prefix)) {
            Some(NewPath::Prefix(prefix)) => action.prefix_rewrite = prefix,
            Some(NewPath::Regex(regex)) => action.regex_rewrite = Some(regex),
            Some(NewPath::Whole(path)) => action.regex_rewrite = substitution("^.*$", &literal(&path)),
            None => {}
        }
        action
    }

    /// Copies to backends that there are. One that has nowhere to go is no reason to refuse the original.
    fn mirrors<'m>(&mut self, mirrors: impl Iterator<Item = &'m Mirror>) -> Vec<RequestMirrorPolicy> {
        let mut policies = Vec::new();
        for Mirror { backend: name, port, numerator, denominator } in mirrors {
            self.named.insert(Arc::clone(name));
            let Some(backend) = self.backends.get(name).filter(|backend| (self.obstacle)(backend, *port).is_none())
            else {
                continue;
            };
            let key = ClusterKey { backend: Arc::clone(name), port: *port, cache: cache_key(name, backend) };
            let share = u64::from(*numerator) * MILLION / u64::from(denominator.get());
            policies.push(RequestMirrorPolicy {
                cluster: key.to_string(),
                runtime_fraction: Some(of_a_million(u32::try_from(share).unwrap_or(u32::MAX))),
                disable_shadow_host_suffix_append: true,
                ..Default::default()
            });
            self.clusters.insert(key);
        }
        policies
    }
}

fn hash_policy(policy: &HashPolicy) -> route_action::HashPolicy {
    let specifier = match &policy.kind {
        HashKind::Header(name) => {
            PolicySpecifier::Header(Header { header_name: name.as_str().to_owned(), ..Default::default() })
        }
        HashKind::Cookie(cookie) => PolicySpecifier::Cookie(Cookie {
            name: cookie.name.to_string(),
            ttl: cookie.ttl.and_then(duration),
            path: cookie.path.to_string(),
            ..Default::default()
        }),
        HashKind::SourceIp => PolicySpecifier::ConnectionProperties(ConnectionProperties { source_ip: true }),
        HashKind::Query(name) => PolicySpecifier::QueryParameter(QueryParameter { name: name.to_string() }),
    };
    route_action::HashPolicy { terminal: policy.terminal, policy_specifier: Some(specifier) }
}
