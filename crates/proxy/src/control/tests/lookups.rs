//! What conditions look things up in.

use backstay_proto::config::{self, Expression, Sequence, Step, TableLookup, expression, resource, rule};
use backstay_xds::client::Update;

use super::{apply, garbage, listener, model, route_of, socket, update};
use crate::config::{Action, Config};

fn table(version: &str, value: &str) -> Update {
    let entries = [("key".to_owned(), value.to_owned())].into();
    update("table/t", version, resource::Kind::Table(config::Table { entries }))
}

fn looking_up(name: &str, version: &str) -> Update {
    let key = Some(Box::new(Expression { kind: Some(expression::Kind::Text("key".to_owned())) }));
    let lookup = TableLookup { table: "table/t".to_owned(), key, ..TableLookup::default() };
    let when = Expression { kind: Some(expression::Kind::TableLookup(Box::new(lookup))) };
    let steps = vec![Step { when: Some(when), operations: vec![] }];
    let action = rule::Action::Sequence(Sequence { steps, ..Sequence::default() });
    let mut route = route_of("listener/n/g/l", &[]);
    route.rules[0].action = Some(action);
    update(name, version, resource::Kind::Route(route))
}

/// What the rule of the only route finds in its table; `None` if it has none.
fn looked_up(config: &Config) -> Option<Option<String>> {
    let found = socket(config, 80).table.find("h", &http::Method::GET, "/", None, &http::HeaderMap::new()).unwrap();
    let Action::Sequence(sequence) = &found.rule.action else { panic!() };
    let table = sequence.tables[0].slot.as_ref()?.load();
    Some(table.get(b"key").map(|value| String::from_utf8(value.to_vec()).unwrap()))
}

#[tokio::test]
async fn a_table_changes_without_the_rules_that_look_things_up_in_it() {
    let mut model = model();
    let outcome = apply(&mut model, vec![listener("listener/n/g/l", "1", 80), looking_up("route/n/r", "1")]);
    assert!(outcome.rejections.is_empty());
    assert_eq!(looked_up(&outcome.config.unwrap()), None, "it is not there yet");
    let config = apply(&mut model, vec![table("1", "a")]).config.unwrap();
    assert_eq!(looked_up(&config), Some(Some("a".to_owned())));

    let outcome = apply(&mut model, vec![table("2", "b")]);
    assert!(outcome.config.is_none(), "no rule is built anew");
    assert_eq!(looked_up(&config), Some(Some("b".to_owned())));
    assert!(model.versions().iter().any(|(name, version)| &**name == "table/t" && &**version == "2"));
    let outcome = apply(&mut model, vec![garbage("table/t", "3")]);
    assert_eq!(outcome.rejections.len(), 1);
    assert_eq!(looked_up(&config), Some(Some("b".to_owned())), "the last good version stays");

    let gone = model.apply(vec![], vec!["table/t".into()]).config.unwrap();
    assert_eq!(looked_up(&gone), None);
    assert_eq!(looked_up(&config), Some(Some("b".to_owned())), "what is under way goes on with what there was");
}
