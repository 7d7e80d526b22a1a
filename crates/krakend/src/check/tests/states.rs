//! What becomes of components.

use super::*;
use crate::Cause;
use crate::namespace::{Effect, Level, NAMESPACES, State};

/// A configuration with one component, where it has an effect.
fn with(namespace: &str, level: Level) -> String {
    let extra = format!(r#""extra_config": {{"{namespace}": {{}}}}"#);
    let place = |wanted: Level| if level == wanted { format!(", {extra}") } else { String::new() };
    let agents = if level == Level::Agent { format!(r#", "async_agent": [{{{extra}}}]"#) } else { String::new() };
    format!(
        r#"{{"version": 3{}, "endpoints": [{{"endpoint": "/a"{}, "backend": [{{"host": "h"{}}}]}}]{agents}}}"#,
        place(Level::Service),
        place(Level::Endpoint),
        place(Level::Backend),
    )
}

#[test]
fn every_component_of_the_table_is_told_as_its_state_says() {
    for namespace in NAMESPACES {
        for level in namespace.levels {
            let text = with(namespace.name, *level);
            let said = format!("{:?}", namespace.name);
            let of = |options: Options| {
                let problems = check(&text, Format::Json, options).problems;
                problems
                    .into_iter()
                    .find(|problem| problem.cause == Cause::NotServed && problem.message.starts_with(&said))
                    .map(|problem| problem.severity)
            };
            let (refusing, warning) = match namespace.state {
                State::Planned | State::Served(_) => (None, None),
                State::Noted(_) => (Some(Severity::Note), Some(Severity::Note)),
                State::NotServed(_) | State::Enterprise(_) | State::Refused(_) => {
                    (Some(Severity::Error), Some(Severity::Warning))
                }
            };
            assert_eq!(of(Options::default()), refusing, "{} in {level}", namespace.name);
            let options = Options { unknown_extra_config: UnknownExtraConfig::Warn };
            assert_eq!(of(options), warning, "{} in {level}", namespace.name);
        }
    }
}

#[test]
fn what_guards_is_said_to_guard() {
    let guards = |name: &str| {
        let namespace = crate::namespace::named(name).unwrap();
        matches!(
            namespace.state,
            State::Served(Effect::Guards) | State::NotServed(Effect::Guards) | State::Enterprise(Effect::Guards)
        )
    };
    for name in [
        "auth/validator",
        "auth/revoker",
        "auth/api-keys",
        "qos/ratelimit/router",
        "security/bot-detector",
        "validation/cel",
    ] {
        assert!(guards(name), "{name}");
    }
    for name in ["qos/http-cache", "auth/signer", "modifier/martian"] {
        assert!(!guards(name), "{name}");
    }
}

#[test]
fn agents_are_refused_by_name_whatever_is_let_pass() {
    let found = warnings(&with("async/amqp", Level::Agent));
    assert!(found.iter().any(|line| line.contains("error: async_agent[0]: async agents are not served")), "{found:?}");
}
