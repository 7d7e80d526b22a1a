//! Functions of VCL.

use backstay_proto::config;
use backstay_proto::config::expression::Kind;
use backstay_proto::config::function::Name;
use backstay_proto::config::variable::Kind as Variable;

use super::check::{Checker, Typed, of, text};
use super::source::{Read, refuse};
use super::syntax::{Node, NodeKind};
use super::variable::variable;

/// All that can be called.
const KNOWN: &str = "std.tolower, std.toupper, std.strlen, std.strstr, std.prefixof, std.suffixof, std.atoi, std.strtol, \
    table.lookup, table.contains, regsub, regsuball, querystring.get, randombool";

/// What a call makes. Its name is at the byte `at`.
pub(super) fn call(checker: &mut Checker<'_>, at: usize, name: &str, arguments: &[Node]) -> Read<Typed> {
    let takes = |least: usize, most: usize| match arguments.len() {
        given if (least..=most).contains(&given) => Ok(()),
        given if least == most => refuse(at, format!("{name} takes {least} arguments, and is given {given}")),
        given => refuse(at, format!("{name} takes {least} to {most} arguments, and is given {given}")),
    };
    let mut texts = |function: Name, count: usize| {
        takes(count, count)?;
        let arguments = arguments.iter().map(|node| checker.text_of(node)).collect::<Read<_>>()?;
        Ok(applied(function, arguments))
    };
    Ok(match name {
        "std.tolower" => Typed::Text(texts(Name::Lower, 1)?),
        "std.toupper" => Typed::Text(texts(Name::Upper, 1)?),
        "std.strlen" => Typed::Number(texts(Name::Length, 1)?),
        "std.atoi" => Typed::Number(texts(Name::ToInteger, 1)?),
        "std.prefixof" => Typed::Truth(texts(Name::StartsWith, 2)?),
        "std.suffixof" => Typed::Truth(texts(Name::EndsWith, 2)?),
        "std.strtol" => {
            takes(2, 2)?;
            match arguments {
                [text, Node { kind: NodeKind::Integer(10), .. }] => {
                    Typed::Number(applied(Name::ToInteger, vec![checker.text_of(text)?]))
                }
                _ => return refuse(at, "std.strtol reads numbers of base 10 only"),
            }
        }
        "std.strstr" => {
            takes(2, 2)?;
            return refuse(at, "what std.strstr finds can be tested, not used as a value");
        }
        "regsub" => Typed::Text(replaced(checker, Name::Replace, takes(3, 3), arguments)?),
        "regsuball" => Typed::Text(replaced(checker, Name::ReplaceAll, takes(3, 3), arguments)?),
        "table.contains" => {
            takes(2, 2)?;
            Typed::Truth(lookup(checker, arguments, true)?)
        }
        "table.lookup" => {
            takes(2, 3)?;
            Typed::Text(lookup(checker, arguments, false)?)
        }
        "querystring.get" => {
            takes(2, 2)?;
            query_parameter(checker, at, arguments)?
        }
        "randombool" => {
            takes(2, 2)?;
            random(at, arguments)?
        }
        _ => return refuse(at, format!("the function {name} is not supported; there are {KNOWN}")),
    })
}

/// `std.strstr` where only whether it finds something counts.
pub(super) fn contains(checker: &mut Checker<'_>, at: usize, arguments: &[Node]) -> Read<config::Expression> {
    let [text, part] = arguments else {
        return refuse(at, format!("std.strstr takes 2 arguments, and is given {}", arguments.len()));
    };
    Ok(applied(Name::Contains, vec![checker.text_of(text)?, checker.text_of(part)?]))
}

fn applied(name: Name, arguments: Vec<config::Expression>) -> config::Expression {
    of(Kind::Function(config::Function { name: name.into(), arguments }))
}

fn replaced(checker: &mut Checker<'_>, name: Name, takes: Read<()>, arguments: &[Node]) -> Read<config::Expression> {
    takes?;
    let [subject, pattern, by] = arguments else { return Ok(text("")) };
    let subject = checker.text_of(subject)?;
    let regex = checker.regex(pattern)?;
    let replacement = checker.literal(by, "a replacement")?;
    super::regex::check_replacement(&regex, replacement)?;
    Ok(applied(name, vec![subject, text(&regex), text(&replacement.text)]))
}

/// `table.contains`, or else `table.lookup`.
fn lookup(checker: &mut Checker<'_>, arguments: &[Node], contains: bool) -> Read<config::Expression> {
    let (table, rest) = match arguments {
        [Node { kind: NodeKind::Name(name), at }, rest @ ..] => match checker.scope.tables.get(name) {
            Some(table) => (table.to_string(), rest),
            None => return refuse(*at, format!("there is no dictionary {name}")),
        },
        [other, ..] => return refuse(other.at, "a dictionary is named without quotes"),
        [] => return Ok(text("")),
    };
    let mut rest = rest.iter();
    let key = rest.next().map(|key| checker.text_of(key)).transpose()?.map(Box::new);
    let default = rest.next().map(|default| checker.text_of(default)).transpose()?.map(Box::new);
    Ok(of(Kind::TableLookup(Box::new(config::TableLookup { table, key, contains, default }))))
}

fn query_parameter(checker: &Checker<'_>, at: usize, arguments: &[Node]) -> Read<Typed> {
    match arguments {
        [Node { kind: NodeKind::Name(of), .. }, name] if of == "req.url" => {
            let name = checker.literal(name, "the name of a query parameter")?;
            Ok(Typed::Text(variable(Variable::QueryParameter(name.text.clone()))))
        }
        _ => refuse(at, "querystring.get reads parameters of req.url only"),
    }
}

fn random(at: usize, arguments: &[Node]) -> Read<Typed> {
    let number = |node: &Node| match node.kind {
        NodeKind::Integer(number) => u32::try_from(number).ok(),
        _ => None,
    };
    let [numerator, denominator] = arguments else { return refuse(at, "randombool takes 2 arguments") };
    match (number(numerator), number(denominator)) {
        (Some(numerator), Some(denominator)) if denominator > 0 && numerator <= denominator => {
            Ok(Typed::Truth(of(Kind::Random(config::Fraction { numerator, denominator }))))
        }
        _ => refuse(at, "randombool takes a share of a whole: two numbers that are written out, the first not larger"),
    }
}
