//! What a request is about, whichever dialect it speaks.

use std::borrow::Cow;

use backstay_auth::Attributes;
use backstay_resources::Registry;
use http::{Method, Uri};

/// Which dialect a request speaks, and so in whose words it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// gRPC.
    Grpc,
    /// Fastly's.
    Fastly,
    /// Kubernetes', and whatever has no dialect.
    Kube,
}

/// What paths of gRPC services begin with.
const SERVICES: [&str; 2] = ["/backstay.admin.v1.", "/backstay.live.v1."];
/// What is told of proxies in the words of xDS.
const CLIENT_STATUS: &str = "/envoy.service.status.v3.ClientStatusDiscoveryService/";
/// Where join tokens are made.
const JOIN_TOKENS: &str = "/join-tokens";
/// API group of what is no object.
const ADMIN_GROUP: &str = "backstay.dev";

/// Services that ask again once they have read which object a request is about: to them gets who may do what is asked with some object
/// in some namespace. To all others gets who may do it everywhere.
const ASK_AGAIN: &[&str] = &[
    "BackendPolicyService",
    "BackendService",
    "GatewayClassService",
    "GatewayService",
    "HTTPRouteService",
    "LiveService",
    "ProxyService",
    "ResourceService",
    "SecretService",
];

/// A request: its dialect, what it is about, and whether whoever answers asks again.
#[derive(Debug)]
pub(super) struct About<'a> {
    pub(super) dialect: Dialect,
    pub(super) asked: Attributes<'a>,
    /// What must be allowed besides, if anything must.
    pub(super) besides: Option<Attributes<'a>>,
    pub(super) asks_again: bool,
}

/// Reads the head of a request.
pub(super) fn of<'a>(registry: &Registry, method: &Method, uri: &'a Uri) -> About<'a> {
    if let Some(name) = SERVICES.iter().find_map(|package| uri.path().strip_prefix(package)) {
        return of_call(registry, name, uri.path());
    }
    if uri.path().starts_with(CLIENT_STATUS) {
        let asked = Attributes {
            subresource: "status".into(),
            path: uri.path().into(),
            ..Attributes::resource("list", ADMIN_GROUP, "fleets")
        };
        return About { dialect: Dialect::Grpc, asked, besides: None, asks_again: false };
    }
    // A join token is access to a fleet, private keys included: it is made by those alone who may make everything, or whom a rule names.
    if method == Method::POST && uri.path() == JOIN_TOKENS {
        let asked = Attributes { path: uri.path().into(), ..Attributes::resource("create", ADMIN_GROUP, "jointokens") };
        return About { dialect: Dialect::Kube, asked, besides: None, asks_again: false };
    }
    if let Some(id) = uri.path().strip_prefix("/join-tokens/").filter(|_| method == Method::DELETE) {
        let (name, path) = (id.into(), uri.path().into());
        let asked = Attributes { name, path, ..Attributes::resource("delete", ADMIN_GROUP, "jointokens") };
        return About { dialect: Dialect::Kube, asked, besides: None, asks_again: false };
    }
    let (dialect, asked) = match backstay_fastly::api::attributes(method, uri) {
        Some(asked) => (Dialect::Fastly, asked),
        None => (Dialect::Kube, backstay_kube::attributes(method, uri)),
    };
    About { dialect, asked, besides: None, asks_again: false }
}

/// A call is about the kind that its method names: `GetBackend`, `ListBackends`, `DeleteBackendCollection`. Applying may create. What is
/// called otherwise is about everything, which only those may who may do it with everything.
fn of_call<'a>(registry: &Registry, name: &'a str, path: &'a str) -> About<'a> {
    let (service, method) = name.split_once('/').unwrap_or((name, ""));
    let verbs = [
        ("Get", "get"),
        ("List", "list"),
        ("Watch", "watch"),
        ("Create", "create"),
        ("Update", "update"),
        ("Apply", "patch"),
        ("Patch", "patch"),
        ("Delete", "delete"),
    ];
    let found = verbs.into_iter().find_map(|(word, verb)| Some((word, verb, method.strip_prefix(word)?)));
    let (word, verb, what) = found.unwrap_or(("", "update", method));
    let (verb, what) = match (verb, what.strip_suffix("Collection")) {
        ("delete", Some(what)) => ("deletecollection", what),
        _ => (verb, what),
    };
    let (group, resource, subresource) = resource_of(registry, what);
    let about = |verb: &'static str| Attributes {
        subresource: Cow::Borrowed(subresource),
        path: Cow::Borrowed(path),
        ..Attributes::resource(verb, group, resource)
    };
    let besides = (word == "Apply").then(|| about("create"));
    About { dialect: Dialect::Grpc, asked: about(verb), besides, asks_again: ASK_AGAIN.contains(&service) }
}

fn resource_of(registry: &Registry, what: &str) -> (&'static str, &'static str, &'static str) {
    let named = |kind: &&&'static backstay_resources::Kind| kind.kind == what || kind.plural.eq_ignore_ascii_case(what);
    let kinds: Vec<&'static backstay_resources::Kind> = registry.iter().collect();
    match (what, kinds.iter().find(named)) {
        ("Status", _) => (ADMIN_GROUP, "fleets", "status"),
        ("Tap" | "Top", _) => (ADMIN_GROUP, "proxies", "tap"),
        ("Fleet" | "Fleets" | "ConnectedProxies" | "ConnectedProxy" | "ProxyResources", _) => {
            (ADMIN_GROUP, "fleets", "")
        }
        (_, Some(kind)) => (kind.group, kind.plural, ""),
        _ => ("*", "*", ""),
    }
}

#[cfg(test)]
mod tests;
