mod forms;
mod positions;
mod random;
mod regexes;

use std::sync::Arc;

use backstay_proto::config;
use backstay_proto::config::expression::Kind;
use backstay_proto::config::variable;

use super::{Scope, compile};

fn scope() -> Scope {
    let named = |names: &[&str], kind: &str| {
        names.iter().map(|name| ((*name).to_owned(), Arc::from(format!("{kind}/fastly:{name}")))).collect()
    };
    Scope {
        destinations: ["F_eu", "F_us", "autodirector_"].map(str::to_owned).into(),
        lists: named(&["blocked", "Generated_by_IP_block_list"], "address-set"),
        tables: named(&["redirects", "asns"], "table"),
    }
}

/// What a statement compiles to, written in short.
fn made(statement: &str) -> String {
    match compile(statement, &scope()) {
        Ok(expression) => shown(&expression),
        Err(fault) => panic!("{statement}: {fault}"),
    }
}

/// Why a statement is refused, and where.
fn refused(statement: &str) -> String {
    match compile(statement, &scope()) {
        Ok(expression) => panic!("{statement} is taken for {}", shown(&expression)),
        Err(fault) => format!("{}:{} {}", fault.position.line, fault.position.column, fault.message),
    }
}

pub(crate) fn shown(expression: &config::Expression) -> String {
    let several = |of: &config::Expressions| of.operands.iter().map(shown).collect::<Vec<_>>().join(", ");
    let one = |of: &Option<Box<config::Expression>>| of.as_deref().map(shown).unwrap_or_default();
    match expression.kind.as_ref().unwrap() {
        Kind::Boolean(value) => value.to_string(),
        Kind::Integer(value) => value.to_string(),
        Kind::Text(text) => format!("{text:?}"),
        Kind::Variable(variable) => match variable.kind.as_ref().unwrap() {
            variable::Kind::RequestHeader(name) => format!("header({name})"),
            variable::Kind::Cookie(name) => format!("cookie({name})"),
            variable::Kind::QueryParameter(name) => format!("parameter({name})"),
            variable::Kind::Part(part) => variable::Part::try_from(*part).unwrap().as_str_name().to_lowercase(),
        },
        Kind::Not(inner) => format!("not({})", shown(inner)),
        Kind::All(of) => format!("all({})", several(of)),
        Kind::Any(of) => format!("any({})", several(of)),
        Kind::Concatenation(of) => format!("join({})", several(of)),
        Kind::Comparison(of) => {
            let operator = config::comparison::Operator::try_from(of.operator).unwrap().as_str_name().to_lowercase();
            format!("{operator}({}, {})", one(&of.left), one(&of.right))
        }
        Kind::RegexMatch(of) => format!("match({}, {})", one(&of.subject), of.regex),
        Kind::AddressMatch(of) => format!("in({}, {})", one(&of.address), of.address_set),
        Kind::TableLookup(of) if of.contains => format!("has({}, {})", of.table, one(&of.key)),
        Kind::TableLookup(of) => format!("get({}, {}, {})", of.table, one(&of.key), one(&of.default)),
        Kind::Function(of) => {
            let name = config::function::Name::try_from(of.name).unwrap().as_str_name().to_lowercase();
            format!("{name}({})", of.arguments.iter().map(shown).collect::<Vec<_>>().join(", "))
        }
        Kind::Random(of) => format!("random({}/{})", of.numerator, of.denominator),
        Kind::Healthy(name) => format!("healthy({name})"),
    }
}
