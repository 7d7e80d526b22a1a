//! What expressions look things up in.

use std::collections::BTreeSet;
use std::sync::Arc;

use backstay_proto::config;
use backstay_proto::config::expression::Kind as Expression;
use backstay_proto::config::operation::Kind;

/// Adds the tables and address sets of all steps.
pub(super) fn lookups(steps: &[config::Step], found: &mut BTreeSet<Arc<str>>) {
    for step in steps {
        step.when.iter().for_each(|when| expression(when, found));
        for operation in &step.operations {
            match &operation.kind {
                Some(Kind::SetRequestHeader(set) | Kind::SetResponseHeader(set)) => {
                    set.value.iter().for_each(|value| expression(value, found));
                }
                Some(Kind::SetTarget(value)) => expression(value, found),
                Some(Kind::Respond(respond)) => respond.computed_body.iter().for_each(|body| expression(body, found)),
                _ => {}
            }
        }
    }
}

/// Expressions are as deep as conditions may nest.
fn expression(of: &config::Expression, found: &mut BTreeSet<Arc<str>>) {
    match &of.kind {
        Some(Expression::Not(inner)) => expression(inner, found),
        Some(Expression::All(several) | Expression::Any(several) | Expression::Concatenation(several)) => {
            several.operands.iter().for_each(|it| expression(it, found));
        }
        Some(Expression::Comparison(comparison)) => {
            comparison.left.iter().chain(&comparison.right).for_each(|it| expression(it, found));
        }
        Some(Expression::RegexMatch(regex)) => regex.subject.iter().for_each(|it| expression(it, found)),
        Some(Expression::AddressMatch(matched)) => {
            found.insert(matched.address_set.as_str().into());
            matched.address.iter().for_each(|it| expression(it, found));
        }
        Some(Expression::TableLookup(lookup)) => {
            found.insert(lookup.table.as_str().into());
            lookup.key.iter().chain(&lookup.default).for_each(|it| expression(it, found));
        }
        Some(Expression::Function(function)) => function.arguments.iter().for_each(|it| expression(it, found)),
        _ => {}
    }
}
