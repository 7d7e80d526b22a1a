//! Whether a Gateway is served, and by whom.

use std::net::IpAddr;
use std::sync::Arc;

use backstay_model::FleetName;
use backstay_resources::apoxy::PROXY;
use backstay_resources::gateway::{
    APOXY_CONTROLLER_NAME, CONTROLLER_NAME, Effect, GatewayAddress, GatewayClassSpec, GatewaySpec,
};

use crate::output::{ACCEPTED, AddressSource, Condition, UNSUPPORTED_VALUE};

/// Whether a Gateway is served.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum GatewayStatus {
    /// Its class is another controller's: nothing is said about it.
    Foreign,
    /// Its class does not exist; the text says which.
    Pending(String),
    /// It cannot be served.
    Refused {
        /// Reason of its condition `Accepted`.
        reason: &'static str,
        /// Says what to do.
        message: String,
    },
    /// It is served.
    Served(Arc<Placement>),
}

/// Who serves a Gateway, and where.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Placement {
    /// The proxies that serve it.
    pub(crate) fleet: Arc<str>,
    /// Addresses to bind, at least one. Empty text stands for all of the proxy's.
    pub(crate) addresses: Vec<String>,
    /// Where they come from.
    pub(crate) source: AddressSource,
}

/// The controller that a class names, when that is us.
pub(crate) fn controller(class: &GatewayClassSpec) -> Option<&'static str> {
    [CONTROLLER_NAME, APOXY_CONTROLLER_NAME].into_iter().find(|name| *name == class.controller_name)
}

/// Decides on a Gateway. `class` is the one it names, `has_proxy` knows the Proxy objects.
pub(crate) fn gateway_status(
    spec: &GatewaySpec,
    class: Option<&GatewayClassSpec>,
    has_proxy: impl Fn(&str) -> bool,
) -> GatewayStatus {
    let Some(class) = class else {
        return GatewayStatus::Pending(format!("GatewayClass {} does not exist", spec.gateway_class_name));
    };
    if controller(class).is_none() {
        return GatewayStatus::Foreign;
    }
    if class.parameters_ref.is_some() {
        let message = format!("GatewayClass {} is not accepted: it has parameters", spec.gateway_class_name);
        return GatewayStatus::Refused { reason: "InvalidParameters", message };
    }
    // Also where an earlier version was served: without what is asked for now, more would be let in.
    let withheld = fields(spec, Effect::Withheld);
    if !withheld.is_empty() {
        let message = format!("{withheld} is not supported, and the Gateway is not served without it");
        return GatewayStatus::Refused { reason: UNSUPPORTED_VALUE, message };
    }
    let fleet = match fleet(spec, has_proxy) {
        Ok(fleet) => fleet,
        Err(message) => return GatewayStatus::Refused { reason: "InvalidParameters", message },
    };
    match addresses(&spec.addresses) {
        Ok((addresses, source)) => GatewayStatus::Served(Arc::new(Placement { fleet, addresses, source })),
        Err(message) => GatewayStatus::Refused { reason: "UnsupportedAddress", message },
    }
}

/// What is said of fields without which a Gateway is served.
pub(crate) fn left(spec: &GatewaySpec) -> Option<Condition> {
    let left = fields(spec, Effect::Left);
    let message = format!("{left} is not supported; everything else of the Gateway is in force");
    (!left.is_empty()).then(|| Condition::no(ACCEPTED, UNSUPPORTED_VALUE, message))
}

fn fields(spec: &GatewaySpec, effect: Effect) -> String {
    let fields = spec.unhonoured().into_iter().filter(|it| it.effect == effect).map(|it| it.field);
    fields.collect::<Vec<_>>().join(", ")
}

fn fleet(spec: &GatewaySpec, has_proxy: impl Fn(&str) -> bool) -> Result<Arc<str>, String> {
    let Some(parameters) = spec.infrastructure.as_ref().and_then(|it| it.parameters_ref.as_ref()) else {
        return Ok(FleetName::default().into());
    };
    if parameters.kind != PROXY.kind || !(parameters.group.is_empty() || parameters.group == PROXY.group) {
        return Err(format!(
            "spec.infrastructure.parametersRef names a {} of group {:?}; only a Proxy of {} is known",
            parameters.kind, parameters.group, PROXY.group
        ));
    }
    if parameters.name != FleetName::DEFAULT && !has_proxy(&parameters.name) {
        return Err(format!("Proxy {} does not exist; create it, or drop spec.infrastructure", parameters.name));
    }
    Ok(parameters.name.as_str().into())
}

/// The addresses to bind, each once. One without a value is to be assigned, for which the proxies' own are all there is.
fn addresses(wanted: &[GatewayAddress]) -> Result<(Vec<String>, AddressSource), String> {
    let mut addresses = Vec::new();
    let mut without = None;
    for (index, address) in wanted.iter().enumerate() {
        let kind = address.kind.as_deref().unwrap_or("IPAddress");
        if kind != "IPAddress" {
            return Err(format!("spec.addresses[{index}]: type {kind} is not supported, only IPAddress"));
        }
        if address.value.is_empty() {
            without.get_or_insert(index);
            continue;
        }
        let ip: IpAddr = (address.value.parse())
            .map_err(|_| format!("spec.addresses[{index}]: {:?} is not an IP address", address.value))?;
        let text = ip.to_string();
        if !addresses.contains(&text) {
            addresses.push(text);
        }
    }
    let source = match (without, addresses.is_empty()) {
        (None, true) => AddressSource::Proxies,
        (None, false) => AddressSource::Spec,
        (Some(_), true) => AddressSource::Assigned,
        (Some(index), false) => AddressSource::Unassignable(index),
    };
    if addresses.is_empty() {
        addresses.push(String::new());
    }
    Ok((addresses, source))
}
