//! Which listeners serve a route.

use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_resources::gateway::{APOXY_GATEWAY, CONTROLLER_NAME, GATEWAY, ParentRef};

use crate::change::ObjectKey;
use crate::gateway::{GatewayStatus, ListenerView};
use crate::hostname::served;
use crate::output::{ACCEPTED, Condition};
use crate::secret::DEFAULT_NAMESPACE;

/// What routes see of a Gateway.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GatewayView {
    /// The controller that its class names.
    pub(crate) controller_name: &'static str,
    pub(crate) status: GatewayStatus,
    pub(crate) listeners: Vec<ListenerView>,
}

/// What becomes of one parent of a route.
#[derive(Debug, PartialEq)]
pub(crate) enum Parent {
    /// Another controller's: nothing is said about it.
    Foreign,
    /// The route does not attach; the finding says why.
    Refused(&'static str, Condition),
    /// The route attaches to at least one listener.
    Attached(&'static str, Vec<Attachment>),
}

/// A listener that a route attaches to.
#[derive(Debug, PartialEq)]
pub(crate) struct Attachment {
    /// Its name.
    pub(crate) listener: String,
    /// Its resources; none when it is not served.
    pub(crate) resources: Vec<Arc<str>>,
    /// The route's names of which the listener serves any host. Empty for all that the listener serves.
    pub(crate) hostnames: Vec<String>,
}

/// The Gateway that a parent names.
///
/// # Errors
/// A sentence, when the parent is not a Gateway.
pub(crate) fn parent_key(route: &ObjectKey, parent: &ParentRef) -> Result<ObjectKey, String> {
    let group = parent.group.as_deref().unwrap_or(route.kind.group);
    let kind = parent.kind.as_deref().unwrap_or(GATEWAY.kind);
    let known = [&GATEWAY, &APOXY_GATEWAY].into_iter().find(|known| known.kind == kind && known.group == group);
    let Some(known) = known else {
        return Err(format!("the parent is a {kind} of group {group:?}; only a Gateway can be one"));
    };
    let own = if route.kind.is_namespaced() { &*route.namespace } else { DEFAULT_NAMESPACE };
    let namespace = match known.is_namespaced() {
        true => parent.namespace.as_deref().filter(|namespace| !namespace.is_empty()).unwrap_or(own),
        false => "",
    };
    Ok(ObjectKey::new(known, namespace, &parent.name))
}

/// Attaches `route` to the listeners of one parent. `labels` are those of the route's namespace.
pub(crate) fn attach(
    route: &ObjectKey,
    hostnames: &[String],
    parent: &ParentRef,
    gateway: Option<&GatewayView>,
    labels: Option<&BTreeMap<String, String>>,
) -> Parent {
    let refuse = |reason, message: String| Parent::Refused(CONTROLLER_NAME, Condition::no(ACCEPTED, reason, message));
    let key = match parent_key(route, parent) {
        Ok(key) => key,
        Err(message) => return refuse("NoMatchingParent", message),
    };
    let Some(gateway) = gateway else { return refuse("NoMatchingParent", format!("{key} does not exist")) };
    match &gateway.status {
        GatewayStatus::Foreign => Parent::Foreign,
        GatewayStatus::Pending(message) => {
            let message = format!("{key} waits: {message}");
            Parent::Refused(gateway.controller_name, Condition::unknown(ACCEPTED, "Pending", message))
        }
        GatewayStatus::Refused { message, .. } => {
            let message = format!("{key} is not accepted: {message}");
            Parent::Refused(gateway.controller_name, Condition::no(ACCEPTED, "Pending", message))
        }
        GatewayStatus::Served(_) => match listeners(route, hostnames, parent, &key, &gateway.listeners, labels) {
            Ok(attachments) => Parent::Attached(gateway.controller_name, attachments),
            Err((reason, message)) => {
                Parent::Refused(gateway.controller_name, Condition::no(ACCEPTED, reason, message))
            }
        },
    }
}

fn listeners(
    route: &ObjectKey,
    hostnames: &[String],
    parent: &ParentRef,
    gateway: &ObjectKey,
    listeners: &[ListenerView],
    labels: Option<&BTreeMap<String, String>>,
) -> Result<Vec<Attachment>, (&'static str, String)> {
    let section = parent.section_name.as_deref().filter(|section| !section.is_empty());
    let named: Vec<_> = (listeners.iter())
        .filter(|listener| section.is_none_or(|section| section == listener.name))
        .filter(|listener| parent.port.is_none_or(|port| port == listener.port))
        .collect();
    if named.is_empty() {
        let wanted = match (section, parent.port) {
            (Some(section), Some(port)) => format!(" {section} on port {port}"),
            (Some(section), None) => format!(" {section}"),
            (None, Some(port)) => format!(" on port {port}"),
            (None, None) => String::new(),
        };
        return Err(("NoMatchingParent", format!("{gateway} has no listener{wanted}")));
    }
    let permitted: Vec<_> =
        named.into_iter().filter(|listener| listener.allowed.permits(gateway, route, labels)).collect();
    if permitted.is_empty() {
        return Err(("NotAllowedByListeners", format!("allowedRoutes of {gateway} does not allow {route}")));
    }
    let attachments: Vec<_> = (permitted.into_iter())
        .filter_map(|listener| {
            let hostnames = served(listener.hostname.as_deref(), hostnames)?;
            Some(Attachment { listener: listener.name.clone(), resources: listener.resources.clone(), hostnames })
        })
        .collect();
    if attachments.is_empty() {
        let message = format!("no listener of {gateway} serves any of the hostnames {}", hostnames.join(", "));
        return Err(("NoMatchingListenerHostname", message));
    }
    Ok(attachments)
}
