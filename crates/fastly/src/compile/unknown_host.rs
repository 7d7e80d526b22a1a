//! What is answered for a host that no service has.

use backstay_proto::config;
use backstay_proto::config::comparison::Operator;
use backstay_proto::config::expression::Kind as Expression;
use backstay_proto::config::operation::Kind as Operation;
use backstay_proto::config::variable::{Kind as Variable, Part};

/// A sequence that answers so, whatever is asked.
pub(super) fn sequence() -> config::Sequence {
    config::Sequence { steps: vec![step(None)], ..Default::default() }
}

/// A step that answers so for hosts that wildcards among `domains` hold elsewhere, and not here: a wildcard of Fastly stands for
/// one label, that of a route for any number. None without wildcards.
pub(super) fn beyond(domains: &[String]) -> Option<config::Step> {
    if !domains.iter().any(|domain| domain.starts_with("*.")) {
        return None;
    }
    let served = domains.iter().map(|domain| match domain.strip_prefix("*.") {
        Some(parent) => of(Expression::RegexMatch(Box::new(config::RegexMatch {
            subject: Some(Box::new(host())),
            regex: format!("^[^.]+\\.{}$", regex::escape(parent)),
        }))),
        None => of(Expression::Comparison(Box::new(config::Comparison {
            operator: Operator::Equal.into(),
            left: Some(Box::new(host())),
            right: Some(Box::new(text(domain))),
        }))),
    });
    let served = of(Expression::Any(config::Expressions { operands: served.collect() }));
    Some(step(Some(of(Expression::Not(Box::new(served))))))
}

fn step(when: Option<config::Expression>) -> config::Step {
    let operands = vec![
        text("Fastly error: unknown domain: "),
        host(),
        text(". Please check that this domain has been added to a service."),
    ];
    let respond = config::Respond {
        status: 500,
        reason: "Domain Not Found".to_owned(),
        content_type: "text/plain; charset=utf-8".to_owned(),
        computed_body: Some(of(Expression::Concatenation(config::Expressions { operands }))),
        ..Default::default()
    };
    config::Step { when, operations: vec![config::Operation { kind: Some(Operation::Respond(respond)) }] }
}

fn host() -> config::Expression {
    of(Expression::Variable(config::Variable { kind: Some(Variable::Part(Part::Host.into())) }))
}

fn text(text: &str) -> config::Expression {
    of(Expression::Text(text.to_owned()))
}

fn of(kind: Expression) -> config::Expression {
    config::Expression { kind: Some(kind) }
}
