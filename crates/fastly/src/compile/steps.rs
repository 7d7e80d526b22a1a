//! The steps of a version, in the order in which Fastly's generated VCL does the same: first the default and what has no
//! condition, then what each condition asks for, by priority; the last selection counts.

use std::collections::BTreeMap;

use backstay_proto::config;
use backstay_proto::config::comparison::Operator;
use backstay_proto::config::expression::Kind as Expression;
use backstay_proto::config::operation::Kind;
use backstay_proto::config::variable::{Kind as Variable, Part};

use super::conditions::{Conditions, When};
use super::header;
use super::verdict::{Named, Verdict};
use super::{name, request_settings};
use crate::condition::Scope;
use crate::object::{ConditionType, Header, HeaderType, RequestSettings, ResponseObject, VersionSpec};

/// What is done under one condition.
#[derive(Debug, Default)]
struct Block {
    /// Whether requests without TLS are redirected.
    force_tls: bool,
    /// Before the others: what depends on more than the condition.
    conditional: Vec<(config::Expression, config::Operation)>,
    operations: Vec<config::Operation>,
    /// After the others: it ends the sequence.
    respond: Option<config::Operation>,
}

/// What steps are made from.
pub(super) struct Source<'a> {
    pub(super) version: &'a VersionSpec,
    pub(super) scope: &'a Scope,
    pub(super) conditions: &'a Conditions<'a>,
}

impl<'a> Source<'a> {
    /// All steps. `default` is selected first.
    pub(super) fn steps(&self, default: Option<String>, verdict: &mut Verdict) -> Vec<config::Step> {
        let mut blocks: BTreeMap<When<'a>, Block> = BTreeMap::new();
        let mut steps = Vec::new();
        let select = default.map(|name| operation(Kind::Select(name)));
        blocks.entry(When::Always).or_default().operations.extend(select);
        for settings in &self.version.request_settings {
            self.settings(settings, &mut blocks, verdict);
        }
        let mut headers: Vec<&Header> = self.version.headers.iter().collect();
        headers.sort_by_key(|header| header.priority);
        let mut last = Vec::new();
        for header in headers {
            self.header(header, &mut blocks, &mut steps, &mut last, verdict);
        }
        for backend in self.version.backends.iter().filter(|backend| !backend.request_condition.is_empty()) {
            let (object, condition) = (Named("Backend", &backend.name), Some(backend.request_condition.as_str()));
            if let Some(when) = self.conditions.find(object, condition, ConditionType::Request, verdict) {
                let selected = operation(Kind::Select(name::of_backend(&backend.name)));
                blocks.entry(when).or_default().operations.push(selected);
            }
        }
        for response in &self.version.response_objects {
            self.response(response, &mut blocks, verdict);
        }
        let order = std::iter::once(When::Always).chain(self.conditions.in_order());
        for when in order {
            if let Some(block) = blocks.remove(&when) {
                block.into_steps(self.conditions.expression(when), &mut steps);
            }
        }
        steps.extend(last);
        steps
    }

    fn settings(&self, settings: &'a RequestSettings, blocks: &mut BTreeMap<When<'a>, Block>, verdict: &mut Verdict) {
        let object = Named("Request settings", &settings.name);
        request_settings::unapplied(settings, verdict);
        let condition = settings.request_condition.as_deref();
        let Some(when) = self.conditions.find(object, condition, ConditionType::Request, verdict) else { return };
        let block = blocks.entry(when).or_default();
        block.force_tls |= settings.force_ssl;
        let conditional = request_settings::conditional(settings).into_iter();
        block.conditional.extend(conditional.map(|(more, kind)| (more, operation(kind))));
        block.operations.extend(request_settings::operations(settings).into_iter().map(operation));
    }

    /// A header object goes to the block of its condition. On responses it goes first where it has none, so that whatever
    /// answers has it; before requests are sent on, it goes last.
    fn header(
        &self,
        header: &'a Header,
        blocks: &mut BTreeMap<When<'a>, Block>,
        first: &mut Vec<config::Step>,
        last: &mut Vec<config::Step>,
        verdict: &mut Verdict,
    ) {
        let object = Named("Header", &header.name);
        let mut find =
            |condition: &'a Option<String>, kind| self.conditions.find(object, condition.as_deref(), kind, verdict);
        let when = find(&header.request_condition, ConditionType::Request);
        let cached = find(&header.cache_condition, ConditionType::Cache);
        let responded = find(&header.response_condition, ConditionType::Response);
        let (Some(when), Some(cached), Some(responded)) = (when, cached, responded) else { return };
        if header.kind == HeaderType::Cache {
            return verdict.warning(object, "is not applied: nothing is cached, and type cache is for what is");
        }
        if (cached, responded) != (When::Always, When::Always) {
            let message = "is not applied: conditions on responses are not evaluated; give it a request_condition";
            return verdict.warning(object, message);
        }
        let Some(operation) = header::operation(header, self.scope, verdict) else { return };
        let step = |when| config::Step { when: self.conditions.expression(when), operations: vec![operation.clone()] };
        match (header.kind, when) {
            (HeaderType::Response, When::Always) => first.push(step(when)),
            (HeaderType::Fetch, _) => last.push(step(when)),
            _ => blocks.entry(when).or_default().operations.push(operation),
        }
    }

    fn response(&self, response: &'a ResponseObject, blocks: &mut BTreeMap<When<'a>, Block>, verdict: &mut Verdict) {
        let object = Named("Response object", &response.name);
        let mut find =
            |condition: &'a Option<String>, kind| self.conditions.find(object, condition.as_deref(), kind, verdict);
        let when = find(&response.request_condition, ConditionType::Request);
        let cached = find(&response.cache_condition, ConditionType::Cache);
        let (Some(when), Some(cached)) = (when, cached) else { return };
        if cached != When::Always {
            let message = "is not applied: conditions on responses are not evaluated; give it a request_condition";
            return verdict.warning(object, message);
        }
        if !(200..600).contains(&response.status) {
            return verdict.error(object, format!("status {} is not 200 to 599", response.status));
        }
        if when == When::Always {
            verdict.warning(object, "has no condition: it answers every request");
        }
        let respond = config::Respond {
            status: response.status.into(),
            body: response.content.clone(),
            reason: response.response.clone(),
            content_type: response.content_type.clone().unwrap_or_default(),
            computed_body: None,
            instead_of: 0,
        };
        // The first one ends the run.
        let _ = blocks.entry(when).or_default().respond.get_or_insert_with(|| operation(Kind::Respond(respond)));
    }
}

impl Block {
    /// Each `when` is what the whole block depends on.
    fn into_steps(self, when: Option<config::Expression>, steps: &mut Vec<config::Step>) {
        let both = |more: config::Expression| match when.clone() {
            Some(when) => {
                config::Expression { kind: Some(Expression::All(config::Expressions { operands: vec![more, when] })) }
            }
            None => more,
        };
        if self.force_tls {
            let redirect = config::Redirect { scheme: "https".to_owned(), status: 301, ..config::Redirect::default() };
            let operations = vec![operation(Kind::Redirect(redirect))];
            steps.push(config::Step { when: Some(both(without_tls())), operations });
        }
        for (more, operation) in self.conditional {
            steps.push(config::Step { when: Some(both(more)), operations: vec![operation] });
        }
        let operations: Vec<_> = self.operations.into_iter().chain(self.respond).collect();
        if !operations.is_empty() {
            steps.push(config::Step { when, operations });
        }
    }
}

fn operation(kind: Kind) -> config::Operation {
    config::Operation { kind: Some(kind) }
}

fn without_tls() -> config::Expression {
    let of = |kind| config::Expression { kind: Some(kind) };
    let scheme = config::Variable { kind: Some(Variable::Part(Part::Scheme.into())) };
    of(Expression::Comparison(Box::new(config::Comparison {
        operator: Operator::Equal.into(),
        left: Some(Box::new(of(Expression::Variable(scheme)))),
        right: Some(Box::new(of(Expression::Text("http".to_owned())))),
    })))
}
