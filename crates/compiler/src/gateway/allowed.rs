//! Which routes may attach to a listener.

use std::collections::BTreeMap;

use backstay_resources::Kind;
use backstay_resources::gateway::{
    APOXY_HTTP_ROUTE, FromNamespaces, HTTP_ROUTE, LabelSelector, Listener, RouteGroupKind,
};

use super::selector::selects;
use crate::change::ObjectKey;

/// Which routes may attach to a listener.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Allowed {
    /// API groups whose HTTPRoutes may attach.
    groups: Vec<&'static str>,
    /// Kinds of other front ends that may, if the Gateway's own namespace may.
    guests: Vec<&'static Kind>,
    namespaces: Namespaces,
}

#[derive(Debug, Clone, PartialEq)]
enum Namespaces {
    All,
    /// The Gateway's own.
    Own,
    Selected(LabelSelector),
    None,
}

/// Reads `allowedRoutes`. Also returns the kinds for the status, and what is wrong with the kinds. `guests` are kinds of other front
/// ends.
pub(super) fn allowed(
    gateway: &ObjectKey,
    listener: &Listener,
    guests: &[&'static Kind],
) -> (Allowed, Vec<RouteGroupKind>, Option<String>) {
    let wanted = listener.allowed_routes.as_ref();
    let own = RouteGroupKind { group: Some(gateway.kind.group.to_owned()), kind: HTTP_ROUTE.kind.to_owned() };
    let mut supported = Vec::new();
    let mut unknown = Vec::new();
    let mut groups = Vec::new();
    let mut invited: Vec<&'static Kind> = Vec::new();
    for kind in wanted.map(|wanted| wanted.kinds.as_slice()).unwrap_or_default() {
        let group = kind.group.as_deref().unwrap_or(gateway.kind.group);
        let known = [&HTTP_ROUTE, &APOXY_HTTP_ROUTE].into_iter().find(|it| it.group == group && it.kind == kind.kind);
        if let Some(guest) = guests.iter().find(|it| it.group == group && it.kind == kind.kind) {
            if !invited.contains(guest) {
                invited.push(guest);
                supported.push(RouteGroupKind { group: Some(group.to_owned()), kind: kind.kind.clone() });
            }
            continue;
        }
        let Some(known) = known else {
            unknown.push(format!("{} of group {group:?}", kind.kind));
            continue;
        };
        if !groups.contains(&known.group) {
            groups.push(known.group);
            supported.push(RouteGroupKind { group: Some(group.to_owned()), kind: kind.kind.clone() });
        }
    }
    if wanted.is_none_or(|wanted| wanted.kinds.is_empty()) {
        // Routes of the other group may attach too; the status names the one that clients of the Gateway API expect.
        supported.push(own);
        groups.extend([HTTP_ROUTE.group, APOXY_HTTP_ROUTE.group]);
        invited.extend(guests);
    }
    let fault = (!unknown.is_empty())
        .then(|| format!("allowedRoutes.kinds has {}; only HTTPRoute is supported", unknown.join(", ")));
    (Allowed { groups, guests: invited, namespaces: namespaces(gateway, listener) }, supported, fault)
}

fn namespaces(gateway: &ObjectKey, listener: &Listener) -> Namespaces {
    let wanted = listener.allowed_routes.as_ref().and_then(|allowed| allowed.namespaces.as_ref());
    match wanted.and_then(|wanted| wanted.from).unwrap_or(FromNamespaces::Same) {
        // A Gateway without a namespace has no own one to restrict routes to.
        FromNamespaces::Same if !gateway.kind.is_namespaced() => Namespaces::All,
        FromNamespaces::Same => Namespaces::Own,
        FromNamespaces::All => Namespaces::All,
        FromNamespaces::None => Namespaces::None,
        FromNamespaces::Selector => match wanted.and_then(|wanted| wanted.selector.clone()) {
            Some(selector) => Namespaces::Selected(selector),
            None => Namespaces::None,
        },
    }
}

impl Allowed {
    /// Whether labels of namespaces matter.
    pub(crate) fn has_selector(&self) -> bool {
        matches!(self.namespaces, Namespaces::Selected(_))
    }

    /// The kinds of other front ends whose objects may attach. They have no namespace, and are taken to be of that of the Gateway that
    /// they name, whose labels are `labels`.
    pub(crate) fn guests(&self, gateway: &ObjectKey, labels: Option<&BTreeMap<String, String>>) -> &[&'static Kind] {
        let may = match &self.namespaces {
            Namespaces::All | Namespaces::Own => true,
            Namespaces::None => false,
            Namespaces::Selected(selector) => selects(selector, &gateway.namespace, labels.unwrap_or(&BTreeMap::new())),
        };
        if may { &self.guests } else { &[] }
    }

    /// Whether `route` may attach. `labels` are those of the route's namespace. A route without a namespace, of
    /// `gateway.apoxy.dev`, may attach where all namespaces may.
    pub(crate) fn permits(
        &self,
        gateway: &ObjectKey,
        route: &ObjectKey,
        labels: Option<&BTreeMap<String, String>>,
    ) -> bool {
        let from_namespace = match &self.namespaces {
            Namespaces::All => true,
            Namespaces::Own => route.namespace == gateway.namespace,
            Namespaces::None => false,
            Namespaces::Selected(_) if !route.kind.is_namespaced() => false,
            Namespaces::Selected(selector) => selects(selector, &route.namespace, labels.unwrap_or(&BTreeMap::new())),
        };
        from_namespace && self.groups.contains(&route.kind.group)
    }
}
