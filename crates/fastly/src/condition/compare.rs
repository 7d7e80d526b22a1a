//! Comparisons: what may stand on both sides of an operator.

use std::net::IpAddr;

use backstay_proto::config;
use backstay_proto::config::comparison::Operator as Wire;
use backstay_proto::config::expression::Kind;

use super::check::{Checker, Typed, boolean, not, of, text};
use super::source::{Read, refuse};
use super::syntax::{Node, NodeKind, Operator};

/// `left operator right`; the operator is at the byte `at`.
pub(super) fn comparison(
    checker: &mut Checker<'_>,
    at: usize,
    operator: Operator,
    left: &Node,
    right: &Node,
) -> Read<config::Expression> {
    match operator {
        Operator::Matches => matching(checker, at, left, right),
        Operator::MatchesNot => matching(checker, at, left, right).map(not),
        Operator::Equal => equality(checker, at, left, right),
        Operator::NotEqual => equality(checker, at, left, right).map(not),
        Operator::Less => order(checker, Wire::Less, left, right),
        Operator::LessOrEqual => order(checker, Wire::LessOrEqual, left, right),
        Operator::Greater => order(checker, Wire::Greater, left, right),
        Operator::GreaterOrEqual => order(checker, Wire::GreaterOrEqual, left, right),
    }
}

/// A text and a regular expression, or an address and an access list.
fn matching(checker: &mut Checker<'_>, at: usize, left: &Node, right: &Node) -> Read<config::Expression> {
    let subject = checker.typed(left)?;
    if let Typed::Address(address) = subject {
        let NodeKind::Name(_) = &right.kind else {
            return refuse(right.at, "an IP is matched by an ACL, which is named without quotes");
        };
        return match checker.typed(right)? {
            Typed::List(address_set) => Ok(of(Kind::AddressMatch(Box::new(config::AddressMatch {
                address: Some(Box::new(address)),
                address_set,
            })))),
            other => refuse(right.at, format!("an IP is matched by an ACL, and this is a {}", other.name())),
        };
    }
    let subject = match subject {
        Typed::Text(subject) => subject,
        Typed::Absent => text(""),
        other => return refuse(at, format!("a {} cannot be matched with ~", other.name())),
    };
    if let NodeKind::Name(name) = &right.kind
        && checker.scope.lists.contains_key(name)
    {
        return refuse(left.at, "only an IP, such as client.ip, is matched by an ACL");
    }
    let regex = checker.regex(right)?;
    Ok(of(Kind::RegexMatch(Box::new(config::RegexMatch { subject: Some(Box::new(subject)), regex }))))
}

fn equality(checker: &mut Checker<'_>, at: usize, left: &Node, right: &Node) -> Read<config::Expression> {
    let (left_typed, right_typed) = (checker.typed(left)?, checker.typed(right)?);
    Ok(match (left_typed, right_typed) {
        (Typed::Selected, Typed::Destination(name)) | (Typed::Destination(name), Typed::Selected) => {
            let part = config::variable::Part::Selected.into();
            let selected = config::Variable { kind: Some(config::variable::Kind::Part(part)) };
            compared(Wire::Equal, of(Kind::Variable(selected)), text(&name))
        }
        (Typed::Destination(one), Typed::Destination(other)) => boolean(one == other),
        (Typed::Truth(one), Typed::Truth(other)) => same_truth(one, other),
        (Typed::Number(one), Typed::Number(other)) => compared(Wire::Equal, one, other),
        (Typed::Address(address), Typed::Text(_)) => compared(Wire::Equal, address, address_literal(checker, right)?),
        (Typed::Text(_), Typed::Address(address)) => compared(Wire::Equal, address_literal(checker, left)?, address),
        (Typed::Address(one), Typed::Address(other)) => compared(Wire::Equal, one, other),
        // Fastly sets a flag to one text, and leaves it out otherwise.
        (Typed::Flag(holds, value), Typed::Text(other)) | (Typed::Text(other), Typed::Flag(holds, value)) => {
            match &other.kind {
                Some(Kind::Text(given)) if *given == value => holds,
                Some(Kind::Text(given)) if given.is_empty() => not(holds),
                Some(Kind::Text(_)) => boolean(false),
                _ => return refuse(at, "this is compared only with what is written out"),
            }
        }
        (one, other) => match (string(one), string(other)) {
            (Ok(one), Ok(other)) => compared(Wire::Equal, one, other),
            (one, other) => {
                let name = |side: Result<_, Typed>| side.map_or_else(|typed| typed.name(), |_| "STRING");
                let (one, other) = (name(one), name(other));
                let hint = if [one, other].contains(&"INTEGER") && [one, other].contains(&"STRING") {
                    ": write the number in quotes, or read the text with std.atoi"
                } else {
                    ""
                };
                return refuse(at, format!("a {one} cannot be compared with a {other}{hint}"));
            }
        },
    })
}

fn string(typed: Typed) -> Result<config::Expression, Typed> {
    match typed {
        Typed::Text(it) => Ok(it),
        Typed::Absent => Ok(text("")),
        other => Err(other),
    }
}

fn order(checker: &mut Checker<'_>, operator: Wire, left: &Node, right: &Node) -> Read<config::Expression> {
    let mut number = |node: &Node| match checker.typed(node)? {
        Typed::Number(number) => Ok(number),
        other => {
            let message = format!("only an INTEGER is less or greater than another, and this is a {}", other.name());
            refuse(node.at, message)
        }
    };
    Ok(compared(operator, number(left)?, number(right)?))
}

/// Two truths are the same when both hold, or none.
fn same_truth(one: config::Expression, other: config::Expression) -> config::Expression {
    match (&one.kind, &other.kind) {
        (_, Some(Kind::Boolean(true))) => one,
        (_, Some(Kind::Boolean(false))) => not(one),
        (Some(Kind::Boolean(true)), _) => other,
        (Some(Kind::Boolean(false)), _) => not(other),
        _ => {
            let both = config::Expressions { operands: vec![one.clone(), other.clone()] };
            let none = config::Expressions { operands: vec![not(one), not(other)] };
            let operands = vec![of(Kind::All(both)), of(Kind::All(none))];
            of(Kind::Any(config::Expressions { operands }))
        }
    }
}

/// An address that is written out, as proxies write it.
fn address_literal(checker: &Checker<'_>, node: &Node) -> Read<config::Expression> {
    let literal = checker.literal(node, "an address that client.ip is compared with")?;
    match literal.text.parse::<IpAddr>() {
        Ok(address) => Ok(text(&address.to_canonical().to_string())),
        Err(_) => refuse(node.at, format!("{:?} is no address that client.ip could be", literal.text)),
    }
}

pub(super) fn compared(operator: Wire, left: config::Expression, right: config::Expression) -> config::Expression {
    let comparison =
        config::Comparison { operator: operator.into(), left: Some(Box::new(left)), right: Some(Box::new(right)) };
    of(Kind::Comparison(Box::new(comparison)))
}
