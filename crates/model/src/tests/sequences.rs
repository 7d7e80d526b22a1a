use std::sync::Arc;

use backstay_expression::Table;
use backstay_proto::config::{
    self, AddressMatch, BackendRef, Comparison, Expression, Expressions, Fraction, Function, LocalReply, Operation,
    Pool, Respond, Rule, Sequence, SetHeader, Step, TableLookup, Variable, address_set, comparison, destination,
    expression, function, local_reply, operation, pool, rule, set_header, variable,
};

use super::*;
use crate::Slot;
use crate::sequence::{Cause, DestinationKind, Resolver, Selection};

fn of(kind: expression::Kind) -> Expression {
    Expression { kind: Some(kind) }
}

fn text(text: &str) -> Expression {
    of(expression::Kind::Text(text.into()))
}

fn number(number: i64) -> Expression {
    of(expression::Kind::Integer(number))
}

fn part(part: variable::Part) -> Expression {
    of(expression::Kind::Variable(Variable { kind: Some(variable::Kind::Part(part.into())) }))
}

fn header(name: &str) -> Expression {
    of(expression::Kind::Variable(Variable { kind: Some(variable::Kind::RequestHeader(name.into())) }))
}

fn compare(operator: comparison::Operator, left: Expression, right: Expression) -> Expression {
    let (left, right) = (Some(Box::new(left)), Some(Box::new(right)));
    of(expression::Kind::Comparison(Box::new(Comparison { operator: operator.into(), left, right })))
}

fn call(name: function::Name, arguments: &[Expression]) -> Expression {
    of(expression::Kind::Function(Function { name: name.into(), arguments: arguments.to_vec() }))
}

fn all(operands: &[Expression]) -> Expression {
    of(expression::Kind::All(Expressions { operands: operands.to_vec() }))
}

fn backend(name: &str) -> Option<destination::Kind> {
    Some(destination::Kind::Backend(BackendRef { backend: name.into(), port: 80 }))
}

fn to(name: &str, kind: Option<destination::Kind>) -> config::Destination {
    config::Destination { name: name.into(), kind }
}

fn operation(kind: operation::Kind) -> Operation {
    Operation { kind: Some(kind) }
}

fn step(when: Option<Expression>, operations: &[operation::Kind]) -> Step {
    Step { when, operations: operations.iter().cloned().map(operation).collect() }
}

fn route(sequence: Sequence) -> config::Route {
    let rule = Rule {
        matches: vec![config::Match::default()],
        action: Some(rule::Action::Sequence(sequence)),
        ..Rule::default()
    };
    config::Route { rules: vec![rule], ..config::Route::default() }
}

/// The paths of fields at fault, within the sequence.
fn faults(sequence: Sequence) -> Vec<String> {
    let Err(faults) = crate::Route::try_from(&route(sequence)) else { return Vec::new() };
    let paths = faults.into_iter().map(|fault| fault.field);
    paths.map(|path| path.strip_prefix("rules[0].sequence.").unwrap_or(&path).to_owned()).collect()
}

/// The paths of fields at fault, within a condition.
fn of_condition(when: Expression) -> Vec<String> {
    let sequence = Sequence {
        steps: vec![step(Some(when), &[])],
        destinations: vec![to("a", backend("backend/a"))],
        ..Sequence::default()
    };
    let within = |path: String| path.strip_prefix("steps[0].when").unwrap_or(&path).trim_start_matches('.').to_owned();
    faults(sequence).into_iter().map(within).collect()
}

fn member(name: &str, weight: u32) -> pool::Member {
    pool::Member { backend: Some(BackendRef { backend: name.into(), port: 80 }), weight, name: String::new() }
}

#[test]
fn what_a_sequence_names_is_known() {
    let lookup = TableLookup {
        table: "table/t".into(),
        key: Some(Box::new(header("x"))),
        contains: true,
        ..TableLookup::default()
    };
    let address = AddressMatch {
        address: Some(Box::new(part(variable::Part::ClientAddress))),
        address_set: "address-set/s".into(),
    };
    let when = all(&[
        of(expression::Kind::TableLookup(Box::new(lookup.clone()))),
        of(expression::Kind::TableLookup(Box::new(lookup))),
        of(expression::Kind::AddressMatch(Box::new(address))),
    ]);
    let pool = Pool { members: vec![member("backend/b", 1), member("backend/c", 0)], ..Pool::default() };
    let sequence = Sequence {
        steps: vec![step(Some(when), &[operation::Kind::Select("p".into())])],
        destinations: vec![to("a", backend("backend/a")), to("p", Some(destination::Kind::Pool(pool)))],
        ..Sequence::default()
    };
    let route = crate::Route::try_from(&route(sequence)).unwrap();
    let names = |names: std::collections::BTreeSet<Arc<str>>| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(route.backends()), ["backend/a", "backend/b", "backend/c"]);
    assert_eq!(names(route.tables()), ["table/t"]);
    assert_eq!(names(route.address_sets()), ["address-set/s"]);
    assert_eq!(route.port_of("backend/c").map(std::num::NonZeroU16::get), Some(80));

    let table = Slot::new(Table::default());
    let found = Resolver {
        backend: &|name, _| (name != "backend/c").then(|| name.to_owned()),
        table: &|_| Some(Arc::clone(&table)),
        address_set: &|_| None,
    };
    let crate::Action::Sequence(joined) = route.rules[0].action.join(&found) else { panic!() };
    assert!(joined.tables[0].slot.is_some() && joined.address_sets[0].slot.is_none());
    let DestinationKind::Pool(pool) = &joined.destinations[1].kind else { panic!() };
    assert_eq!(pool.members[0].backend.as_deref(), Some("backend/b"));
    assert!(pool.members[1].backend.is_none() && matches!(pool.selection, Selection::Random));
    assert_eq!(&*pool.members[1].name, "backend/c");
}

#[test]
fn types_of_expressions_are_checked() {
    use comparison::Operator::{Equal, Less, NotEqual, Unspecified};
    use function::Name;
    for (when, at_fault) in [
        (compare(Equal, header("x"), text("y")), vec![]),
        (compare(Less, call(Name::Length, &[header("x")]), number(3)), vec![]),
        (compare(NotEqual, of(expression::Kind::Boolean(true)), of(expression::Kind::Healthy("a".into()))), vec![]),
        (part(variable::Part::Restarts), vec![]),
        (compare(Equal, header("x"), number(3)), vec!["comparison.right"]),
        (compare(Less, header("x"), number(3)), vec!["comparison.left"]),
        (
            compare(Unspecified, header("X"), number(3)),
            vec!["comparison.operator", "comparison.left.variable.request_header"],
        ),
        (call(Name::Length, &[]), vec!["function.arguments"]),
        (call(Name::Contains, &[header("x")]), vec!["function.arguments"]),
        (call(Name::Lower, &[of(expression::Kind::Boolean(true))]), vec!["function.arguments[0]"]),
        (call(Name::Replace, &[header("x"), header("y"), text("")]), vec!["function.arguments[1]"]),
        (call(Name::Replace, &[header("x"), text("a"), text("\\1")]), vec!["function.arguments[2]"]),
        (call(Name::Unspecified, &[header("x")]), vec!["function.name"]),
        (of(expression::Kind::Healthy("b".into())), vec!["healthy"]),
        (of(expression::Kind::Random(Fraction { numerator: 2, denominator: 1 })), vec!["random.numerator"]),
        (of(expression::Kind::Random(Fraction { numerator: 0, denominator: 0 })), vec!["random.denominator"]),
        (
            of(expression::Kind::RegexMatch(Box::new(config::RegexMatch { subject: None, regex: "(".into() }))),
            vec!["regex_match.subject", "regex_match.regex"],
        ),
        (
            of(expression::Kind::AddressMatch(Box::new(AddressMatch {
                address: Some(Box::new(text("x"))),
                address_set: "table/x".into(),
            }))),
            vec!["address_match.address_set"],
        ),
        (
            of(expression::Kind::TableLookup(Box::new(TableLookup {
                table: "t".into(),
                key: None,
                contains: true,
                default: Some(Box::new(text("x"))),
            }))),
            vec!["table_lookup.key", "table_lookup.table", "table_lookup.default"],
        ),
        (part(variable::Part::Unspecified), vec!["variable.part"]),
        (Expression::default(), vec![""]),
        (all(&[header("x"), Expression::default()]), vec!["all.operands[1]"]),
    ] {
        assert_eq!(of_condition(when.clone()), at_fault, "{when:?}");
    }
}

#[test]
fn expressions_are_bounded() {
    let nested = |depth: usize| {
        (0..depth).fold(of(expression::Kind::Boolean(true)), |inner, _| of(expression::Kind::Not(Box::new(inner))))
    };
    assert_eq!(of_condition(nested(39)), Vec::<String>::new());
    assert_eq!(of_condition(nested(40)), [["not"; 40].join(".")]);
    let many = all(&vec![of(expression::Kind::Boolean(true)); 20_000]);
    assert_eq!(of_condition(many), ["all.operands[19999]"]);
}

#[test]
fn faults_of_sequences() {
    let set = |name: &str, value: Option<Expression>, mode: i32| {
        operation::Kind::SetRequestHeader(SetHeader { name: name.into(), value, mode })
    };
    let operations = [
        operation::Kind::Select("none".into()),
        set("Connection", Some(text("x")), 0),
        set("x", None, 9),
        set("Host", Some(text("x")), set_header::Mode::Append.into()),
        operation::Kind::RemoveRequestHeader("host".into()),
        operation::Kind::RemoveResponseHeader("content-length".into()),
        operation::Kind::SetTarget(of(expression::Kind::Boolean(true))),
        operation::Kind::Respond(Respond {
            status: 99,
            reason: "a\nb".into(),
            content_type: "\n".into(),
            body: "x".into(),
            computed_body: Some(text("y")),
            ..Respond::default()
        }),
        operation::Kind::Redirect(config::Redirect { status: 200, ..config::Redirect::default() }),
    ];
    let mut steps = vec![step(None, &operations)];
    steps[0].operations.push(Operation::default());
    let pool = |selection: pool::Selection, hash_key, quorum, members: &[pool::Member]| {
        let (selection, members) = (selection.into(), members.to_vec());
        Some(destination::Kind::Pool(Pool { members, selection, hash_key, quorum, retries: 0 }))
    };
    let destinations = vec![
        to("a", backend("secret/n/a")),
        to("p", pool(pool::Selection::Hash, None, 101, &[member("x", 1)])),
        to("q", pool(pool::Selection::Random, Some(text("k")), 0, &[])),
        to("none of it", None),
    ];
    let reply = |causes: &[local_reply::Cause], status| LocalReply {
        causes: causes.iter().map(|cause| (*cause).into()).collect(),
        status,
        ..LocalReply::default()
    };
    let sequence = Sequence {
        steps,
        destinations,
        local_replies: vec![reply(&[], 503), reply(&[local_reply::Cause::Unspecified], 1)],
        backend_header: "Transfer-Encoding".into(),
        request_timeout: Some(prost_types::Duration { seconds: -1, nanos: 0 }),
    };
    let expected = [
        "destinations[0].backend.backend",
        "destinations[1].pool.members[0].backend.backend",
        "destinations[1].pool.hash_key",
        "destinations[1].pool.quorum",
        "destinations[2].pool.members",
        "destinations[2].pool.hash_key",
        "destinations[3]",
        "steps[0].operations[0].select",
        "steps[0].operations[1].set_request_header.name",
        "steps[0].operations[2].set_request_header.value",
        "steps[0].operations[2].set_request_header.mode",
        "steps[0].operations[3].set_request_header.mode",
        "steps[0].operations[4].remove_request_header",
        "steps[0].operations[5].remove_response_header",
        "steps[0].operations[6].set_target",
        "steps[0].operations[7].respond.status",
        "steps[0].operations[7].respond.content_type",
        "steps[0].operations[7].respond.reason",
        "steps[0].operations[7].respond.computed_body",
        "steps[0].operations[8].redirect.status",
        "steps[0].operations[9]",
        "local_replies[0].causes",
        "local_replies[1].causes[0]",
        "backend_header",
        "request_timeout",
    ];
    assert_eq!(faults(sequence), expected);
    let twice = vec![to("a", backend("backend/a")), to("a", backend("backend/a")), to("", backend("backend/a"))];
    let twice = Sequence { destinations: twice, ..Sequence::default() };
    assert_eq!(faults(twice), ["destinations[1].name", "destinations[2].name"]);
    let cause = local_reply::Cause::ConnectTimeout;
    let twice = Sequence { local_replies: vec![reply(&[cause], 503), reply(&[cause], 504)], ..Sequence::default() };
    assert_eq!(faults(twice), ["local_replies[1].causes[0]"]);
}

#[test]
fn every_cause_has_a_word_and_a_reply() {
    let replies = (1..=13).map(|cause| LocalReply {
        causes: vec![cause],
        status: 500 + u32::try_from(cause).unwrap(),
        ..LocalReply::default()
    });
    let sequence = Sequence { local_replies: replies.collect(), ..Sequence::default() };
    let route = crate::Route::try_from(&route(sequence)).unwrap();
    let crate::Action::Sequence(sequence) = &route.rules[0].action else { panic!() };
    for (cause, status) in Cause::ALL.into_iter().zip(501..) {
        assert_eq!(sequence.replies.get(cause).unwrap().status.as_u16(), status);
        let message = local_reply::Cause::try_from(i32::from(status) - 500).unwrap();
        assert_eq!(message.as_str_name().to_lowercase(), cause.as_str());
    }
}

#[test]
fn tables_and_address_sets() {
    let resource = |name: &str, kind| {
        let message = Resource { kind: Some(kind) };
        crate::Resource::decode(name, message.encode_to_vec().into())
    };
    let entries = [("a".to_owned(), "1".to_owned())].into();
    let table = resource("table/t", resource::Kind::Table(config::Table { entries }));
    let Ok(crate::Resource::Table(table)) = table else { panic!("{table:?}") };
    assert_eq!(table.get(b"a").map(|value| &value[..]), Some(&b"1"[..]));
    let entry = |network: &str, excluded| address_set::Entry { network: network.into(), excluded };
    let set = |entries| resource("address-set/s", resource::Kind::AddressSet(config::AddressSet { entries }));
    let Ok(crate::Resource::AddressSet(found)) = set(vec![entry("10.0.0.0/8", false), entry("10.0.0.1", true)]) else {
        panic!()
    };
    assert!(found.contains("10.0.0.2".parse().unwrap()) && !found.contains("10.0.0.1".parse().unwrap()));
    let wrong = set(vec![entry("10.0.0.0/8", false), entry("10.0.0.0/33", false), entry("x", true)]);
    assert_eq!(fields(wrong), ["entries[1].network", "entries[2].network"]);
    assert_eq!(fields(set(vec![entry("::/0", false), entry("::/0", true)])), ["entries[1].network"]);
    let elsewhere = resource("table/s", resource::Kind::AddressSet(config::AddressSet::default()));
    assert_eq!(fields(elsewhere), [""]);
}
