use std::collections::BTreeSet;
use std::num::NonZeroU16;
use std::sync::Arc;

use backstay_proto::config::{
    BackendRef, Forward as ForwardMessage, Redirect as RedirectMessage, Respond as RespondMessage, Rule as RuleMessage,
    WeightedBackend, rule, weighted_backend,
};
use http::StatusCode;

use super::fault::{Checked, Fault, Within};
use super::filter::{filters, path_edit};
use super::resource::{Kind, kind_of};
use super::time::limit;
use crate::config::{
    Action, Backend, Discovery, Forward, HostPattern, Redirect, Respond, Rule, Target, WeightedTarget, WeightedTargets,
};

/// Finds backends by name, and remembers who was asked for.
pub(super) struct Backends<'a> {
    pub(super) find: &'a dyn Fn(&str) -> Option<Arc<Backend>>,
    pub(super) named: BTreeSet<Arc<str>>,
}

/// Where a reference leads now.
pub(super) enum Reached {
    Backend(Arc<Backend>, Option<NonZeroU16>),
    /// The backend is not there (yet), or needs a port that the reference does not give.
    Nowhere,
}

impl Backends<'_> {
    pub(super) fn reach(&mut self, reference: &BackendRef) -> Checked<Reached> {
        if kind_of(&reference.backend) != Some(Kind::Backend) {
            return Err(Fault::new("backend", format!("{:?} is not the name of a backend", reference.backend)));
        }
        let port = port(reference.port)?;
        self.named.insert(reference.backend.as_str().into());
        Ok(match (self.find)(&reference.backend) {
            Some(backend) if port.is_some() || matches!(backend.discovery, Discovery::Dynamic(_)) => {
                Reached::Backend(backend, port)
            }
            _ => Reached::Nowhere,
        })
    }
}

pub(super) fn rule(route: &Arc<str>, message: &RuleMessage, backends: &mut Backends<'_>) -> Checked<Rule> {
    let filters = filters(&message.filters, backends)?;
    let action = match &message.action {
        None => return Err(Fault::unknown("action")),
        Some(rule::Action::Forward(message)) => Action::Forward(forward(message, backends).within("forward")?),
        Some(rule::Action::Redirect(message)) => Action::Redirect(redirect(message).within("redirect")?),
        Some(rule::Action::Respond(message)) => Action::Respond(respond(message).within("respond")?),
    };
    Ok(Rule { route: Arc::clone(route), name: message.name.as_str().into(), filters, action })
}

fn forward(message: &ForwardMessage, backends: &mut Backends<'_>) -> Checked<Forward> {
    let mut targets = Vec::with_capacity(message.backends.len());
    for (index, weighted) in message.backends.iter().enumerate() {
        targets.push(target(weighted, backends).within_element("backends", index)?);
    }
    Ok(Forward {
        targets: WeightedTargets::new(targets),
        request_timeout: limit("request_timeout", message.request_timeout)?,
        backend_request_timeout: limit("backend_request_timeout", message.backend_request_timeout)?,
    })
}

fn target(message: &WeightedBackend, backends: &mut Backends<'_>) -> Checked<WeightedTarget> {
    let filters = filters(&message.filters, backends)?;
    let target = match &message.target {
        None => return Err(Fault::unknown("target")),
        Some(weighted_backend::Target::Respond(message)) => Target::Respond(respond(message).within("respond")?),
        Some(weighted_backend::Target::Backend(reference)) => match backends.reach(reference).within("backend")? {
            Reached::Backend(backend, port) => Target::Backend { backend, port },
            Reached::Nowhere => Target::Respond(Respond::text(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the route's backend is not known to this proxy",
            )),
        },
    };
    Ok(WeightedTarget { weight: message.weight, target, filters })
}

fn redirect(message: &RedirectMessage) -> Checked<Redirect> {
    let scheme = match message.scheme.as_str() {
        "" => None,
        scheme @ ("http" | "https") => Some(scheme.into()),
        other => return Err(Fault::new("scheme", format!("must be http or https, not {other:?}"))),
    };
    let hostname = match HostPattern::parse(&message.hostname) {
        Ok(HostPattern::Any) if message.hostname.is_empty() => None,
        Ok(HostPattern::Exact(name)) => Some(name),
        _ => return Err(Fault::new("hostname", format!("{:?} is not a host name", message.hostname))),
    };
    let status = match message.status {
        301 | 302 | 303 | 307 | 308 => status(message.status)?,
        _ => return Err(Fault::new("status", "must be 301, 302, 303, 307 or 308")),
    };
    let path = message.path.as_ref().map(path_edit).transpose().within("path")?;
    Ok(Redirect { scheme, hostname, path, port: port(message.port)?, status })
}

fn respond(message: &RespondMessage) -> Checked<Respond> {
    if !(200..=599).contains(&message.status) {
        return Err(Fault::new("status", "must be from 200 to 599"));
    }
    Ok(Respond::text(status(message.status)?, message.body.clone()))
}

fn status(code: u32) -> Checked<StatusCode> {
    let code = u16::try_from(code).ok().and_then(|code| StatusCode::from_u16(code).ok());
    code.ok_or_else(|| Fault::new("status", "is not an HTTP status"))
}

fn port(port: u32) -> Checked<Option<NonZeroU16>> {
    let port = u16::try_from(port).map_err(|_| Fault::new("port", "must not be more than 65535"))?;
    Ok(NonZeroU16::new(port))
}
