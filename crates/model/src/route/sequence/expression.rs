//! Expressions, from the wire format.

mod function;

use std::num::NonZeroU32;

use backstay_expression::{Expression, Number, Order, Part, Share, Text, Truth, Type, Variable, WrongType};
use backstay_proto::config::{self, comparison, expression, variable};
use http::HeaderName;

use super::scope::Scope;
use crate::fault::{Checked, Together, Within, all, refuse, unknown};

/// An expression of any type.
pub(super) fn expression(message: &config::Expression, scope: &mut Scope) -> Checked<Expression> {
    nested(message, scope, 0)
}

/// An expression that is a truth or is taken for one.
pub(super) fn truth(message: &config::Expression, scope: &mut Scope) -> Checked<Truth> {
    expression(message, scope).map(Expression::into_truth)
}

/// An expression that is a text or is taken for one.
pub(super) fn text(message: &config::Expression, scope: &mut Scope) -> Checked<Text> {
    expression(message, scope)?.into_text().or_else(wrong)
}

fn wrong<T>(error: WrongType) -> Checked<T> {
    refuse("", error.to_string())
}

fn nested(message: &config::Expression, scope: &mut Scope, depth: usize) -> Checked<Expression> {
    use expression::Kind;
    scope.budget.part(depth).or_else(|exceeded| refuse("", exceeded.to_string()))?;
    let depth = depth + 1;
    Ok(match &message.kind {
        None => return unknown(""),
        Some(Kind::Boolean(truth)) => Expression::Truth(Truth::Constant(*truth)),
        Some(Kind::Integer(number)) => Expression::Number(Number::Literal(*number)),
        Some(Kind::Text(text)) => Expression::Text(Text::literal(text)),
        Some(Kind::Variable(message)) => variable(message).within("variable")?,
        Some(Kind::Not(operand)) => {
            let operand = nested(operand, scope, depth).within("not")?;
            Expression::Truth(Truth::Not(Box::new(operand.into_truth())))
        }
        Some(Kind::All(message)) => {
            let truths = operands(message, scope, depth, |operand| Ok(operand.into_truth())).within("all")?;
            Expression::Truth(Truth::All(truths))
        }
        Some(Kind::Any(message)) => {
            let truths = operands(message, scope, depth, |operand| Ok(operand.into_truth())).within("any")?;
            Expression::Truth(Truth::Any(truths))
        }
        Some(Kind::Comparison(message)) => Expression::Truth(comparison(message, scope, depth).within("comparison")?),
        Some(Kind::RegexMatch(message)) => {
            let subject = operand("subject", message.subject.as_deref(), scope, depth);
            let subject = subject.and_then(|subject| subject.into_text().or_else(wrong).within("subject"));
            let regex = scope.budget.regex(&message.regex).or_else(|error| refuse("regex", error.to_string()));
            let (subject, regex) = (subject, regex).together().within("regex_match")?;
            Expression::Truth(Truth::Matches(subject, regex))
        }
        Some(Kind::AddressMatch(message)) => {
            let address = operand("address", message.address.as_deref(), scope, depth);
            let address = address.and_then(|address| address.into_text().or_else(wrong).within("address"));
            let set = scope.address_set("address_set", &message.address_set);
            let (address, set) = (address, set).together().within("address_match")?;
            Expression::Truth(match address {
                Text::Variable(Variable::Part(Part::ClientAddress)) => Truth::ClientWithin(set),
                other => Truth::Within(other, set),
            })
        }
        Some(Kind::TableLookup(message)) => lookup(message, scope, depth).within("table_lookup")?,
        Some(Kind::Function(message)) => function::function(message, scope, depth).within("function")?,
        Some(Kind::Concatenation(message)) => {
            let texts = operands(message, scope, depth, |operand| operand.into_text().or_else(wrong));
            Expression::Text(Text::Concatenation(texts.within("concatenation")?))
        }
        Some(Kind::Random(fraction)) => Expression::Truth(random(*fraction).within("random")?),
        Some(Kind::Healthy(name)) if name.is_empty() => Expression::Truth(Truth::Healthy(None)),
        Some(Kind::Healthy(name)) => Expression::Truth(Truth::Healthy(Some(scope.destination("healthy", name)?))),
    })
}

/// An operand that has to be there.
fn operand(field: &str, message: Option<&config::Expression>, scope: &mut Scope, depth: usize) -> Checked<Expression> {
    match message {
        Some(message) => nested(message, scope, depth).within(field),
        None => refuse(field, "must be set"),
    }
}

fn operands<T>(
    message: &config::Expressions,
    scope: &mut Scope,
    depth: usize,
    take: impl Fn(Expression) -> Checked<T>,
) -> Checked<Box<[T]>> {
    let operands = message.operands.iter().enumerate();
    let operands: Vec<_> = all(operands
        .map(|(index, operand)| nested(operand, scope, depth).and_then(&take).within_element("operands", index)))?;
    Ok(operands.into())
}

fn variable(message: &config::Variable) -> Checked<Expression> {
    let variable = match &message.kind {
        None => return unknown(""),
        Some(variable::Kind::RequestHeader(name)) => match HeaderName::from_lowercase(name.as_bytes()) {
            Ok(name) => Variable::Header(name),
            Err(_) => return refuse("request_header", format!("{name:?} is no header name in lower case")),
        },
        Some(variable::Kind::Cookie(name)) => Variable::Cookie(named("cookie", name)?),
        Some(variable::Kind::QueryParameter(name)) => Variable::QueryParameter(named("query_parameter", name)?),
        Some(variable::Kind::Part(part)) => match variable::Part::try_from(*part) {
            // No request is started over.
            Ok(variable::Part::Restarts) => return Ok(Expression::Number(Number::Literal(0))),
            Ok(variable::Part::Now) => Variable::Now,
            Ok(part) => Variable::Part(self::part(part).map_or_else(|| unknown("part"), Ok)?),
            Err(_) => return unknown("part"),
        },
    };
    Ok(Expression::Text(Text::Variable(variable)))
}

fn named(field: &str, name: &str) -> Checked<Box<[u8]>> {
    if name.is_empty() { refuse(field, "must not be empty") } else { Ok(name.as_bytes().into()) }
}

fn part(part: variable::Part) -> Option<Part> {
    Some(match part {
        variable::Part::Method => Part::Method,
        variable::Part::Target => Part::Target,
        variable::Part::Path => Part::Path,
        variable::Part::Query => Part::Query,
        variable::Part::Extension => Part::Extension,
        variable::Part::Basename => Part::Basename,
        variable::Part::Directory => Part::Directory,
        variable::Part::Host => Part::Host,
        variable::Part::Scheme => Part::Scheme,
        variable::Part::Protocol => Part::Protocol,
        variable::Part::ClientAddress => Part::ClientAddress,
        variable::Part::Selected => Part::Selected,
        variable::Part::Restarts | variable::Part::Now | variable::Part::Unspecified => return None,
    })
}

fn comparison(message: &config::Comparison, scope: &mut Scope, depth: usize) -> Checked<Truth> {
    use comparison::Operator;
    let operator = match Operator::try_from(message.operator) {
        Ok(Operator::Unspecified) | Err(_) => unknown("operator"),
        Ok(operator) => Ok(operator),
    };
    let left = operand("left", message.left.as_deref(), scope, depth);
    let right = operand("right", message.right.as_deref(), scope, depth);
    let (operator, left, right) = (operator, left, right).together()?;
    let (left, right) = match (left, right) {
        (Expression::Number(left), Expression::Number(right)) => (left, right),
        (left, right) => return equality(operator, left, right),
    };
    let compare = |order, left, right| Truth::Compare(order, Box::new([left, right]));
    Ok(match operator {
        Operator::NotEqual => Truth::Not(Box::new(compare(Order::Equal, left, right))),
        Operator::Less => compare(Order::Less, left, right),
        Operator::LessOrEqual => compare(Order::LessOrEqual, left, right),
        Operator::Greater => compare(Order::Less, right, left),
        Operator::GreaterOrEqual => compare(Order::LessOrEqual, right, left),
        Operator::Equal | Operator::Unspecified => compare(Order::Equal, left, right),
    })
}

fn equality(operator: comparison::Operator, left: Expression, right: Expression) -> Checked<Truth> {
    use comparison::Operator;
    if !matches!(operator, Operator::Equal | Operator::NotEqual) {
        let field = if left.of_type() == Type::Number { "right" } else { "left" };
        return refuse(field, "must be a whole number: nothing else has an order");
    }
    let equal = match (left, right) {
        (Expression::Text(left), Expression::Text(right)) => Truth::Equal(Box::new([left, right])),
        (Expression::Truth(left), Expression::Truth(right)) => Truth::Same(Box::new([left, right])),
        (left, right) => {
            let (expected, found) = (left.of_type(), right.of_type());
            return wrong(WrongType { expected, found }).within("right");
        }
    };
    Ok(if operator == Operator::Equal { equal } else { Truth::Not(Box::new(equal)) })
}

fn lookup(message: &config::TableLookup, scope: &mut Scope, depth: usize) -> Checked<Expression> {
    let key = operand("key", message.key.as_deref(), scope, depth);
    let key = key.and_then(|key| key.into_text().or_else(wrong).within("key"));
    let table = scope.table("table", &message.table);
    let default = message.default.as_deref().map(|default| {
        if message.contains {
            return refuse("default", "must not be set where only the presence of a key is asked for");
        }
        nested(default, scope, depth).and_then(|default| default.into_text().or_else(wrong)).within("default")
    });
    let (key, table, default) = (key, table, default.transpose()).together()?;
    Ok(match message.contains {
        true => Expression::Truth(Truth::HasKey(table, key)),
        false => Expression::Text(Text::Lookup { table, key: Box::new(key), default: default.map(Box::new) }),
    })
}

fn random(fraction: config::Fraction) -> Checked<Truth> {
    let Some(denominator) = NonZeroU32::new(fraction.denominator) else {
        return refuse("denominator", "must be at least 1");
    };
    match Share::new(fraction.numerator, denominator) {
        Some(share) => Ok(Truth::Random(share)),
        None => refuse("numerator", "must not be more than the denominator"),
    }
}
