//! A route as it is configured.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::num::NonZeroU16;
use std::sync::Arc;

use backstay_destination::HostPattern;
use backstay_proto::config;

use super::guards::{self, Guards, TokenValidation};
use super::reference::Reference;
use super::{
    Action, Candidate, ClientAddress, Edits, Manners, Matcher, Order, Unmatched, client_address, filter, matches, rule,
    unmatched,
};
use crate::fault::{Checked, Faults, Together, Within, all, refuse};
use crate::name::{Kind, reference};

/// A route, checked by itself: the listeners and backends it names may not be there yet.
#[derive(Clone, Debug)]
pub struct Route {
    /// Listeners that serve it.
    pub attachments: Vec<Attachment>,
    /// Decides between equally specific matches of different routes: the smaller wins.
    pub order_key: Arc<str>,
    /// Its rules.
    pub rules: Vec<Rule>,
    /// Whom its requests are from, where others say so; `None`: the peer of their connection.
    pub client_address: Option<Arc<ClientAddress>>,
    /// What requests have to pass that no rule matches, on hosts that no other route serves. Those of the rules are in
    /// [`Rule::guards`].
    pub guards: Option<Arc<Guards>>,
    /// How requests are answered that no rule matches, on hosts that no other route serves; `None`: 404.
    pub manners: Option<Arc<Manners>>,
}

/// A listener that serves a route.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attachment {
    /// Name of the listener.
    pub listener: Arc<str>,
    /// Its host names there, never empty. Of their hosts it serves those that the listener has.
    pub hosts: Vec<HostPattern>,
}

/// One rule of a route.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The rule's own name; may be empty.
    pub name: Box<str>,
    /// Requests that it is for: those of any of these. Never empty.
    pub matches: Vec<RuleMatch>,
    /// What requests have to pass before the action: the rule's own, and those of its route.
    pub guards: Option<Arc<Guards>>,
    /// Changes on the way.
    pub filters: Edits,
    /// What is done with a request that matches.
    pub action: Action,
}

/// One of the matches of a rule.
#[derive(Clone, Debug)]
pub struct RuleMatch {
    /// How specific it is, as the control plane says: the larger wins.
    pub precedence: u64,
    /// Its conditions.
    pub matcher: Matcher,
}

impl Route {
    /// The backends that it names.
    #[must_use]
    pub fn backends(&self) -> BTreeSet<Arc<str>> {
        self.rules.iter().flat_map(Rule::references).map(|(backend, _)| Arc::clone(backend)).collect()
    }

    /// The tables that it looks things up in.
    #[must_use]
    pub fn tables(&self) -> BTreeSet<Arc<str>> {
        let sequences = self.rules.iter().filter_map(|rule| rule.action.sequence());
        sequences.flat_map(|sequence| &sequence.tables).map(|table| Arc::clone(&table.name)).collect()
    }

    /// The address sets that it looks addresses up in.
    #[must_use]
    pub fn address_sets(&self) -> BTreeSet<Arc<str>> {
        let sequences = self.rules.iter().filter_map(|rule| rule.action.sequence());
        sequences.flat_map(|sequence| &sequence.address_sets).map(|set| Arc::clone(&set.name)).collect()
    }

    /// The sets of revocations that tokens are looked up in.
    #[must_use]
    pub fn revocations(&self) -> BTreeSet<Arc<str>> {
        let tokens = self.rules.iter().filter_map(Rule::token);
        tokens.filter_map(|token| Some(Arc::clone(&token.revocation.as_ref()?.set))).collect()
    }

    /// Lowest port that its requests to `backend` go to.
    #[must_use]
    pub fn port_of(&self, backend: &str) -> Option<NonZeroU16> {
        let references = self.rules.iter().flat_map(|rule| rule.action.references());
        references.filter(|(named, _)| ***named == *backend).filter_map(|(_, port)| port).min()
    }

    /// What a table needs to know of requests that no rule matches, on the listener called `listener`, which serves `hosts`: `value`
    /// is what stands for them.
    pub fn unmatched<'a, U: Clone + 'a>(
        &'a self,
        listener: &'a str,
        hosts: &'a HostPattern,
        value: U,
    ) -> impl Iterator<Item = Unmatched<U>> + 'a {
        let attached = self.attachments.iter().filter(move |attachment| *attachment.listener == *listener);
        attached.flat_map(|attachment| &attachment.hosts).map(move |host| Unmatched {
            listener: hosts.clone(),
            host: host.clone(),
            route: Arc::clone(&self.order_key),
            value: value.clone(),
        })
    }

    /// What a table needs to know to serve this route on the listener called `listener`, which serves `hosts`. `rule` gives what
    /// stands for the rule at a position.
    pub fn candidates<'a, R>(
        &'a self,
        listener: &'a str,
        hosts: &'a HostPattern,
        rule: impl Fn(usize) -> Option<R> + Copy + 'a,
    ) -> impl Iterator<Item = Candidate<R>> + 'a {
        let attached = self.attachments.iter().filter(move |attachment| *attachment.listener == *listener);
        let served = attached.flat_map(|attachment| &attachment.hosts);
        served.flat_map(move |host| {
            self.rules.iter().enumerate().flat_map(move |(index, of)| {
                (0..).zip(&of.matches).filter_map(move |(position, matched)| {
                    let order = Order {
                        precedence: Reverse(matched.precedence),
                        route: Arc::clone(&self.order_key),
                        rule: u32::try_from(index).unwrap_or(u32::MAX),
                        position,
                    };
                    Some(Candidate {
                        listener: hosts.clone(),
                        host: host.clone(),
                        order,
                        matcher: matched.matcher.clone(),
                        rule: rule(index)?,
                    })
                })
            })
        })
    }
}

impl Rule {
    /// The same rule in a route that has these guards.
    fn behind(self, route: Option<&Arc<Guards>>) -> Self {
        Self { guards: guards::joined(route, self.guards), ..self }
    }

    /// What it wants of tokens.
    #[must_use]
    pub fn token(&self) -> Option<&TokenValidation> {
        self.guards.as_ref()?.token.as_deref()
    }

    /// The backends that it names, copies included.
    fn references(&self) -> impl Iterator<Item = Reference<'_>> {
        let copies = self.action.targets().iter().flat_map(|target| target.filters.references());
        let keys = self.token().and_then(|token| token.reference());
        self.filters.references().chain(copies).chain(self.action.references()).chain(keys)
    }
}

impl TryFrom<&config::Route> for Route {
    type Error = Faults;

    fn try_from(message: &config::Route) -> Checked<Self> {
        let attachments = message.attachments.iter().enumerate();
        let attachments = attachments.map(|(index, one)| attachment(one).within_element("attachments", index));
        let rules = message.rules.iter().enumerate();
        let rules = rules.map(|(index, message)| one_rule(message).within_element("rules", index));
        let guards = guards::of_route(message.guards.as_ref()).within("guards");
        let client_address = message.client_address.as_ref().map(client_address::client_address).transpose();
        let manners = message.unmatched.as_ref().map(unmatched::manners).transpose();
        let (attachments, rules, guards, client_address, manners): (_, Vec<Rule>, _, _, _) = (
            all(attachments),
            all(rules),
            guards,
            client_address.within("client_address"),
            manners.within("unmatched"),
        )
            .together()?;
        let rules = rules.into_iter().map(|rule| rule.behind(guards.as_ref())).collect();
        Ok(Self {
            attachments,
            order_key: message.order_key.as_str().into(),
            rules,
            guards,
            client_address: client_address.map(Arc::new),
            manners: manners.map(Arc::new),
        })
    }
}

fn attachment(message: &config::Attachment) -> Checked<Attachment> {
    let hosts = message.hostnames.iter().enumerate().map(|(index, host)| {
        HostPattern::parse(host).or_else(|error| refuse(format!("hostnames[{index}]"), error.to_string()))
    });
    let (listener, mut hosts): (_, Vec<_>) =
        (reference(Kind::Listener, "listener", &message.listener), all(hosts)).together()?;
    if hosts.is_empty() {
        hosts.push(HostPattern::Any);
    }
    Ok(Attachment { listener, hosts })
}

fn one_rule(message: &config::Rule) -> Checked<Rule> {
    let one_match = |(index, message): (usize, &config::Match)| {
        let matcher = matches::matcher(message).within_element("matches", index)?;
        Ok(RuleMatch { precedence: message.precedence, matcher })
    };
    let matches = match message.matches.as_slice() {
        [] => refuse("matches", "must hold at least one match"),
        some => all(some.iter().enumerate().map(one_match)),
    };
    let guards = guards::guards(message.guards.as_ref()).within("guards");
    let (matches, filters, action, guards) =
        (matches, filter::filters(&message.filters), rule::action(message.action.as_ref()), guards).together()?;
    let changes_requests = !filters.request_headers.is_empty()
        || filters.rewrite_host.is_some()
        || filters.rewrite_path.is_some()
        || !filters.mirrors.is_empty();
    if changes_requests && matches!(action, Action::Compose(_) | Action::Echo(_)) {
        return refuse("filters", "beside a composition or an echo, only changes of response headers can stand");
    }
    Ok(Rule { name: message.name.as_str().into(), matches, guards, filters: filters.into(), action })
}
