use std::collections::BTreeSet;
use std::num::NonZeroU16;
use std::sync::Arc;

use backstay_proto::config::Route;

use super::fault::{Checked, Fault, Within};
use super::matches::matcher;
use super::resource::{Kind, kind_of};
use super::rule::{Backends, rule};
use crate::config::{Action, Backend, HostPattern, Rule, Target};
use crate::route::Matcher;

/// A route, joined with the backends there are.
#[derive(Debug)]
pub(crate) struct RoutePlan {
    /// Listeners that serve it, each with the host names it serves there, never empty.
    pub(crate) attachments: Vec<(Arc<str>, Vec<HostPattern>)>,
    pub(crate) order_key: Arc<str>,
    pub(crate) rules: Vec<RulePlan>,
    /// Backends it names, there or not.
    pub(crate) backends: BTreeSet<Arc<str>>,
}

impl RoutePlan {
    /// Lowest port that requests to `backend` go to.
    pub(crate) fn port_of(&self, backend: &Arc<Backend>) -> Option<NonZeroU16> {
        let targets = self.rules.iter().flat_map(|plan| match &plan.rule.action {
            Action::Forward(forward) => forward.targets.all(),
            _ => &[],
        });
        let ports = targets.filter_map(|target| match &target.target {
            Target::Backend { backend: there, port } if there.id() == backend.id() => *port,
            _ => None,
        });
        ports.min()
    }
}

#[derive(Debug)]
pub(crate) struct RulePlan {
    pub(crate) rule: Arc<Rule>,
    /// Each with its precedence.
    pub(crate) matches: Vec<(u64, Matcher)>,
}

/// Checks the route called `name`. What refers to a backend that is not there answers 500 until it is.
pub(crate) fn route(name: &Arc<str>, route: &Route, find: &dyn Fn(&str) -> Option<Arc<Backend>>) -> Checked<RoutePlan> {
    let mut attachments = Vec::with_capacity(route.attachments.len());
    for (index, attachment) in route.attachments.iter().enumerate() {
        if kind_of(&attachment.listener) != Some(Kind::Listener) {
            let fault = Fault::new("listener", format!("{:?} is not the name of a listener", attachment.listener));
            return Err(fault).within_element("attachments", index);
        }
        let hosts = attachment.hostnames.iter().enumerate().map(|(index, host)| {
            HostPattern::parse(host).map_err(|error| Fault::new(format!("hostnames[{index}]"), error.to_string()))
        });
        let mut hosts = hosts.collect::<Checked<Vec<_>>>().within_element("attachments", index)?;
        if hosts.is_empty() {
            hosts.push(HostPattern::Any);
        }
        attachments.push((attachment.listener.as_str().into(), hosts));
    }
    let mut backends = Backends { find, named: BTreeSet::new() };
    let mut rules = Vec::with_capacity(route.rules.len());
    for (index, message) in route.rules.iter().enumerate() {
        let matches = message.matches.iter().enumerate();
        let matches = matches
            .map(|(index, message)| Ok((message.precedence, matcher(message).within_element("matches", index)?)));
        let matches = matches.collect::<Checked<Vec<_>>>().within_element("rules", index)?;
        if matches.is_empty() {
            return Err(Fault::new(format!("rules[{index}].matches"), "must hold at least one match"));
        }
        let rule = rule(name, message, &mut backends).within_element("rules", index)?;
        rules.push(RulePlan { rule: Arc::new(rule), matches });
    }
    Ok(RoutePlan { attachments, order_key: route.order_key.as_str().into(), rules, backends: backends.named })
}
