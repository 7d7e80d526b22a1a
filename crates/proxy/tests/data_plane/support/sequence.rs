//! Sequences, as they come from the control plane.

use std::collections::HashMap;
use std::num::NonZeroU16;
use std::sync::Arc;

use backstay_model::sequence::Resolver;
use backstay_model::{AddressSet, Slot, Table};
use backstay_proto::config::{
    self, AddressMatch, BackendRef, Comparison, Destination, Expression, LocalReply, Operation, Pool, RegexMatch,
    Sequence, SetHeader, Step, TableLookup, Variable, comparison, destination, expression, local_reply, operation,
    pool, rule, set_header, variable,
};
use backstay_proxy::config::{Action, Filters};
use backstay_proxy::route::Matcher;
use backstay_upstream::Backend;

use super::Routes;

/// A sequence to describe and build.
#[derive(Default)]
pub(crate) struct SequenceOf {
    pub(crate) message: Sequence,
    backends: HashMap<String, Arc<Backend>>,
    pub(crate) tables: HashMap<String, Arc<Slot<Table>>>,
    pub(crate) address_sets: HashMap<String, Arc<Slot<AddressSet>>>,
}

impl SequenceOf {
    /// A backend by the name that pools know it by.
    pub(crate) fn backend(mut self, name: &str, backend: &Arc<Backend>) -> Self {
        self.backends.insert(format!("backend/{name}"), Arc::clone(backend));
        self
    }

    /// A backend, and a destination of the same name.
    pub(crate) fn destination(mut self, name: &str, backend: &Arc<Backend>, port: u16) -> Self {
        self.message
            .destinations
            .push(Destination { name: name.to_owned(), kind: Some(destination::Kind::Backend(reference(name, port))) });
        self.backend(name, backend)
    }

    pub(crate) fn pool(mut self, name: &str, pool: Pool) -> Self {
        self.message
            .destinations
            .push(Destination { name: name.to_owned(), kind: Some(destination::Kind::Pool(pool)) });
        self
    }

    pub(crate) fn step(mut self, when: impl Into<Option<Expression>>, operations: &[operation::Kind]) -> Self {
        let operations = operations.iter().map(|kind| Operation { kind: Some(kind.clone()) });
        self.message.steps.push(Step { when: when.into(), operations: operations.collect() });
        self
    }

    /// Words each of these causes with its own name.
    pub(crate) fn worded(mut self, causes: &[local_reply::Cause]) -> Self {
        self.message.local_replies.extend(causes.iter().map(|cause| LocalReply {
            causes: vec![(*cause).into()],
            status: 503,
            reason: format!("Because {}", cause.as_str_name()),
            content_type: "text/html; charset=utf-8".to_owned(),
            body: format!("<p>{}</p>", cause.as_str_name()),
        }));
        self
    }

    pub(crate) fn action(self) -> Action {
        let Self { message, backends, tables, address_sets } = self;
        let rule = config::Rule {
            matches: vec![config::Match::default()],
            action: Some(rule::Action::Sequence(message)),
            ..config::Rule::default()
        };
        let route = config::Route { rules: vec![rule], ..config::Route::default() };
        let route = backstay_model::Route::try_from(&route).unwrap();
        let found = Resolver {
            backend: &|name: &str, _: Option<NonZeroU16>| backends.get(name).cloned(),
            table: &|name: &str| tables.get(name).cloned(),
            address_set: &|name: &str| address_sets.get(name).cloned(),
        };
        route.rules[0].action.join(&found)
    }

    /// Everything gets this sequence.
    pub(crate) fn table(self) -> backstay_proxy::route::Table {
        Routes::default().rule("", Matcher::prefix("/"), Filters::default(), self.action()).build()
    }
}

pub(crate) fn reference(name: &str, port: u16) -> BackendRef {
    BackendRef { backend: format!("backend/{name}"), port: port.into() }
}

pub(crate) fn member(name: &str, port: u16, weight: u32) -> pool::Member {
    pool::Member { backend: Some(reference(name, port)), weight, name: name.to_owned() }
}

pub(crate) fn select(name: &str) -> operation::Kind {
    operation::Kind::Select(name.to_owned())
}

pub(crate) fn set_request(name: &str, value: Expression) -> operation::Kind {
    operation::Kind::SetRequestHeader(SetHeader { name: name.to_owned(), value: Some(value), mode: 0 })
}

pub(crate) fn set_response(name: &str, value: Expression, mode: set_header::Mode) -> operation::Kind {
    operation::Kind::SetResponseHeader(SetHeader { name: name.to_owned(), value: Some(value), mode: mode.into() })
}

pub(crate) fn of(kind: expression::Kind) -> Expression {
    Expression { kind: Some(kind) }
}

pub(crate) fn text(text: &str) -> Expression {
    of(expression::Kind::Text(text.to_owned()))
}

pub(crate) fn header(name: &str) -> Expression {
    of(expression::Kind::Variable(Variable { kind: Some(variable::Kind::RequestHeader(name.to_owned())) }))
}

pub(crate) fn part(part: variable::Part) -> Expression {
    of(expression::Kind::Variable(Variable { kind: Some(variable::Kind::Part(part.into())) }))
}

pub(crate) fn equal(left: Expression, right: Expression) -> Expression {
    let operator = comparison::Operator::Equal.into();
    let (left, right) = (Some(Box::new(left)), Some(Box::new(right)));
    of(expression::Kind::Comparison(Box::new(Comparison { operator, left, right })))
}

pub(crate) fn matches(subject: Expression, regex: &str) -> Expression {
    let regex_match = RegexMatch { subject: Some(Box::new(subject)), regex: regex.to_owned() };
    of(expression::Kind::RegexMatch(Box::new(regex_match)))
}

pub(crate) fn not(operand: Expression) -> Expression {
    of(expression::Kind::Not(Box::new(operand)))
}

pub(crate) fn lookup(table: &str, key: Expression) -> Expression {
    let table = format!("table/{table}");
    of(expression::Kind::TableLookup(Box::new(TableLookup { table, key: Some(Box::new(key)), ..Default::default() })))
}

pub(crate) fn client_in(set: &str) -> Expression {
    let address = Some(Box::new(part(variable::Part::ClientAddress)));
    of(expression::Kind::AddressMatch(Box::new(AddressMatch { address, address_set: format!("address-set/{set}") })))
}
