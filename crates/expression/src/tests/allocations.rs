use allocation_counter::measure;

use super::Example;
use crate::{Part, Regex, Text, Truth, Variable};

/// What most conditions are made of costs no memory.
#[test]
fn common_conditions_allocate_nothing() {
    let request = Example::new("/articles/1?page=2").with("host", "www.example.com").with("cookie", "id=7; ab=b");
    let variable = |variable| Text::Variable(variable);
    let header = |name: &'static str| variable(Variable::Header(name.parse().unwrap()));
    let equal = |text, literal: &str| Truth::Equal(Box::new([text, Text::literal(literal)]));
    let conditions = Truth::All(
        [
            Truth::Matches(variable(Variable::Part(Part::Target)), Regex::new("^/articles/").unwrap()),
            equal(header("host"), "www.example.com"),
            equal(Text::Lower(Box::new(header("host"))), "www.example.com"),
            Truth::Not(Box::new(Truth::Present(header("x-missing")))),
            equal(variable(Variable::Cookie(b"ab"[..].into())), "b"),
            equal(variable(Variable::QueryParameter(b"page"[..].into())), "2"),
            Truth::Contains(Box::new([header("host"), Text::literal("example")])),
        ]
        .into(),
    );
    // The first match makes the cache that later ones use.
    assert!(conditions.of(&request));
    let info = measure(|| assert!(conditions.of(&request)));
    assert_eq!(info.count_total, 0);
}
