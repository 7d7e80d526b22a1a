//! Configurations, as they are compiled.

mod calls;
mod checks;
mod endpoints;
mod guards;
mod hosts;
mod listener;
mod router;
mod tokens;

use backstay_proto::config::rule::Action;

use super::*;
use crate::check::{Options, examine};
use crate::document::Format;
use crate::problem::{Problem, Severity};

/// What a configuration compiles to, and what is said of it.
pub(crate) fn compiled(text: &str, files: Files) -> (Option<Compiled>, Vec<Problem>) {
    let name = ConfigName { namespace: "default".to_owned(), name: "shop".to_owned() };
    let revoked = vec!["jti-1".to_owned()];
    let input = Input { name, files, product: Product::default(), debug: false, revoked };
    let (checked, compiled) = examine(text, Format::Json, Options::default(), &input);
    (compiled, checked.problems)
}

/// A configuration that is sound, of which nothing is told but notes.
pub(crate) fn sound(text: &str) -> Compiled {
    let (compiled, problems) = compiled(text, Files::Given(BTreeMap::new()));
    let problems: Vec<_> = problems.iter().filter(|problem| problem.severity != Severity::Note).collect();
    assert_eq!(problems, Vec::<&Problem>::new());
    compiled.unwrap()
}

/// What is said of a configuration, as lines.
pub(crate) fn said(text: &str) -> Vec<String> {
    let (_, problems) = compiled(text, Files::Given(BTreeMap::new()));
    problems.iter().map(ToString::to_string).collect()
}

/// A configuration with these endpoints.
pub(crate) fn with_endpoints(endpoints: &str) -> String {
    format!(r#"{{"version": 3, "endpoints": [{endpoints}]}}"#)
}

/// The rule of the endpoint `name`, such as `GET /a`.
pub(crate) fn rule<'a>(compiled: &'a Compiled, name: &str) -> &'a config::Rule {
    let names: Vec<_> = compiled.route.rules.iter().map(|rule| rule.name.as_str()).collect();
    compiled.route.rules.iter().find(|rule| rule.name == name).unwrap_or_else(|| panic!("{name} is not in {names:?}"))
}

/// What the endpoint `name` composes.
pub(crate) fn compose<'a>(compiled: &'a Compiled, name: &str) -> &'a config::Compose {
    let Some(Action::Compose(compose)) = &rule(compiled, name).action else { panic!("{name} composes") };
    compose
}
