//! Which filters go together: each combination either does all that it says, or is refused with a reason.

use backstay_proto::config;
use backstay_proto::config::filter::Kind;
use backstay_proto::config::rule::Action;
use serde_json::{Value, json};

use super::World;
use super::rules::{placement, r, status_of, to};

/// The filters that are supported, each with settings that have an effect.
fn filter(kind: &str) -> Value {
    match kind {
        "RequestHeaderModifier" => json!({"type": kind, "requestHeaderModifier": {"remove": ["x-gone"]}}),
        "ResponseHeaderModifier" => json!({"type": kind, "responseHeaderModifier": {"remove": ["x-gone"]}}),
        "RequestMirror" => json!({"type": kind, "requestMirror": {"backendRef": to("b")}}),
        "RequestRedirect" => json!({"type": kind, "requestRedirect": {"hostname": "new.example"}}),
        "URLRewrite" => json!({"type": kind, "urlRewrite": {"hostname": "new.example"}}),
        other => panic!("{other}"),
    }
}

const KINDS: [&str; 5] =
    ["RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror", "RequestRedirect", "URLRewrite"];

/// Every set of them, in the order of `KINDS`.
fn sets() -> impl Iterator<Item = Vec<&'static str>> {
    (0..1 << KINDS.len()).map(|bits: u32| {
        let chosen = KINDS.iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0);
        chosen.map(|(_, kind)| *kind).collect()
    })
}

/// What the rule is compiled to, in a word, and the filters that are left to be applied.
fn outcome(world: &World) -> (String, Vec<&'static str>) {
    let rule = world.route("default", "route/infra/r").rules.remove(0);
    let action = match &rule.action {
        Some(Action::Forward(_)) => "forward".to_owned(),
        Some(Action::Redirect(_)) => "redirect".to_owned(),
        _ => status_of(&rule).map(|status| status.to_string()).unwrap_or_default(),
    };
    (action, applied(&rule.filters))
}

fn applied(filters: &[config::Filter]) -> Vec<&'static str> {
    let name = |filter: &config::Filter| match filter.kind.as_ref().unwrap() {
        Kind::RequestHeaders(_) => "RequestHeaderModifier",
        Kind::ResponseHeaders(_) => "ResponseHeaderModifier",
        Kind::UrlRewrite(_) => "URLRewrite",
        Kind::Mirror(_) => "RequestMirror",
    };
    filters.iter().map(name).collect()
}

#[test]
fn every_combination_of_a_rules_filters_has_its_effects_or_says_that_it_has_not() {
    for set in sets() {
        let filters: Vec<_> = set.iter().map(|kind| filter(kind)).collect();
        let has = |kind: &str| set.contains(&kind);
        let forwards = has("RequestHeaderModifier") || has("RequestMirror") || has("URLRewrite");
        let but_redirect: Vec<_> = set.iter().copied().filter(|kind| *kind != "RequestRedirect").collect();
        for (references, what) in [(json!([to("a")]), "backendRefs"), (json!([]), "none")] {
            let world = placement(json!([{"filters": filters, "backendRefs": references}]));
            let (action, condition, left) = match (has("RequestRedirect"), forwards, what) {
                // What is redirected is sent nowhere, and what is sent somewhere is not redirected.
                (true, true, _) => ("500", "False IncompatibleFilters", vec![]),
                (true, false, "backendRefs") => ("500", "False UnsupportedValue", vec![]),
                (true, false, _) => ("redirect", "True Accepted", but_redirect.clone()),
                (false, _, "backendRefs") => ("forward", "True Accepted", set.clone()),
                // There is nothing to change, to rewrite or to copy.
                (false, true, _) => ("500", "False UnsupportedValue", vec![]),
                // The answer is changed, whoever makes it.
                (false, false, _) => ("500", "True Accepted", set.clone()),
            };
            let found = outcome(&world);
            assert_eq!((found.0.as_str(), found.1), (action, left), "{set:?} with {what}");
            assert_eq!(world.condition(&r(), "Accepted"), condition, "{set:?} with {what}");
        }
    }
}

#[test]
fn every_combination_of_a_references_filters_has_its_effects_or_says_that_it_has_not() {
    for set in sets() {
        let filters: Vec<_> = set.iter().map(|kind| filter(kind)).collect();
        let mut reference = to("a");
        reference["filters"] = json!(filters);
        let world = placement(json!([{"backendRefs": [reference]}]));
        if set.contains(&"RequestRedirect") {
            assert_eq!(
                (outcome(&world).0.as_str(), world.condition(&r(), "Accepted").as_str()),
                ("500", "False UnsupportedValue")
            );
            continue;
        }
        assert_eq!(world.condition(&r(), "Accepted"), "True Accepted", "{set:?}");
        let rule = world.route("default", "route/infra/r").rules.remove(0);
        let Some(Action::Forward(forward)) = rule.action else { panic!("{set:?}") };
        assert_eq!(applied(&forward.backends[0].filters), set);
    }
}

#[test]
fn a_rule_that_is_refused_leaves_the_others() {
    let refused = json!({"filters": [filter("RequestMirror"), filter("RequestRedirect")]});
    let world = placement(json!([refused, {"backendRefs": [to("a")]}]));
    assert_eq!(world.condition(&r(), "Accepted"), "True Accepted");
    assert_eq!(world.condition(&r(), "PartiallyInvalid"), "True IncompatibleFilters");
    let message = world.message(&r(), "PartiallyInvalid");
    assert!(message.contains("rules[0]") && message.contains("RequestMirror"), "{message}");
}
