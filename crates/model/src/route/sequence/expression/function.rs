//! Functions of expressions.

use backstay_expression::{Expression, Number, Replacement, Text, Truth};
use backstay_proto::config::{self, expression, function::Name};

use super::{Scope, nested, wrong};
use crate::fault::{Checked, Within, all, refuse, unknown};

pub(super) fn function(message: &config::Function, scope: &mut Scope, depth: usize) -> Checked<Expression> {
    let name = match Name::try_from(message.name) {
        Ok(Name::Unspecified) | Err(_) => return unknown("name"),
        Ok(name) => name,
    };
    match name {
        Name::Replace | Name::ReplaceAll => return replace(name, message, scope, depth),
        _ => {}
    }
    let arguments = message.arguments.iter().enumerate();
    let texts: Vec<Text> = all(arguments.map(|(index, argument)| {
        let text = nested(argument, scope, depth).and_then(|argument| argument.into_text().or_else(wrong));
        text.within_element("arguments", index)
    }))?;
    Ok(match (name, counted(texts)) {
        (Name::Lower, Arguments::One(text)) => Expression::Text(Text::Lower(Box::new(text))),
        (Name::Upper, Arguments::One(text)) => Expression::Text(Text::Upper(Box::new(text))),
        (Name::Length, Arguments::One(text)) => Expression::Number(Number::Length(text)),
        (Name::ToInteger, Arguments::One(text)) => Expression::Number(Number::Parsed(text)),
        (Name::StartsWith, Arguments::Two(texts)) => Expression::Truth(Truth::StartsWith(texts)),
        (Name::EndsWith, Arguments::Two(texts)) => Expression::Truth(Truth::EndsWith(texts)),
        (Name::Contains, Arguments::Two(texts)) => Expression::Truth(Truth::Contains(texts)),
        (Name::StartsWith | Name::EndsWith | Name::Contains, _) => return refuse("arguments", "must be two"),
        _ => return refuse("arguments", "must be one"),
    })
}

enum Arguments {
    One(Text),
    Two(Box<[Text; 2]>),
    Others,
}

fn counted(texts: Vec<Text>) -> Arguments {
    match <[Text; 1]>::try_from(texts) {
        Ok([text]) => Arguments::One(text),
        Err(texts) => <[Text; 2]>::try_from(texts).map_or(Arguments::Others, |two| Arguments::Two(Box::new(two))),
    }
}

fn replace(name: Name, message: &config::Function, scope: &mut Scope, depth: usize) -> Checked<Expression> {
    let [subject, pattern, by] = message.arguments.as_slice() else {
        return refuse("arguments", "must be three: subject, regular expression, replacement");
    };
    let subject = nested(subject, scope, depth).and_then(|subject| subject.into_text().or_else(wrong));
    let subject = subject.within_element("arguments", 0)?;
    let pattern = literal(pattern).within_element("arguments", 1)?;
    let by = literal(by).within_element("arguments", 2)?;
    let regex = scope.budget.regex(pattern).or_else(|error| refuse("arguments[1]", error.to_string()))?;
    let replacement = match name {
        Name::ReplaceAll => Replacement::every(regex, by.as_bytes()),
        _ => Replacement::first(regex, by.as_bytes()),
    };
    let replacement = replacement.or_else(|error| refuse("arguments[2]", error.to_string()))?;
    Ok(Expression::Text(Text::Replace(Box::new(subject), Box::new(replacement))))
}

/// The text of an argument that must be known before there is a request.
fn literal(argument: &config::Expression) -> Checked<&str> {
    match &argument.kind {
        Some(expression::Kind::Text(text)) => Ok(text),
        _ => refuse("", "must be literal text"),
    }
}
