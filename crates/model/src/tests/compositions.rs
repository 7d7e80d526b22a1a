//! Compositions: what makes one, and what is refused of one by its field.

use backstay_proto::config::{
    self, AnswerCache, BackendRef, Breaker, Call, CallTarget, ClientCredentials, Compose, ComposeLimits,
    ComposedOutput, Expression, FixedData, Modifier, NamePath, NameTree, PatternSegment, RateLimit, Reference, Respond,
    ResponseField, Rule, TokenSigning, admission, compose, expression, pattern_segment, rule,
};

use super::{fields, seconds};
use crate::{Action, Route};

fn everything() -> Option<config::Admission> {
    Some(config::Admission { kind: Some(admission::Kind::All(true)) })
}

fn call() -> Call {
    let backend = Some(BackendRef { backend: "backend/b".into(), port: 80 });
    Call {
        name: "only".into(),
        targets: vec![CallTarget { backend, weight: 1, authority: "b.test:80".into(), base_path: "/v1".into() }],
        method: "GET".into(),
        pattern: vec![PatternSegment { kind: Some(pattern_segment::Kind::Literal("/x".into())) }],
        headers: everything(),
        query: everything(),
        ..Call::default()
    }
}

fn sound() -> Compose {
    Compose {
        calls: vec![call()],
        timeout: seconds(1),
        headers: everything(),
        query: everything(),
        output: Some(ComposedOutput::default()),
        ..Compose::default()
    }
}

fn route(action: rule::Action) -> config::Route {
    let rule = Rule { matches: vec![config::Match::default()], action: Some(action), ..Rule::default() };
    config::Route { rules: vec![rule], ..config::Route::default() }
}

fn refused(message: Compose) -> Vec<String> {
    let prefix = "rules[0].compose";
    let fields = fields(Route::try_from(&route(rule::Action::Compose(message))));
    fields.iter().map(|field| field.strip_prefix(prefix).unwrap().trim_start_matches('.').to_owned()).collect()
}

#[test]
fn a_composition_names_its_backends_and_knows_paths_that_never_change() {
    let route = Route::try_from(&route(rule::Action::Compose(sound()))).unwrap();
    assert!(route.backends().contains("backend/b"));
    let Action::Compose(composition) = &route.rules[0].action else { panic!() };
    let (_, target) = composition.calls[0].targets.next().unwrap();
    assert_eq!(target.fixed.as_ref().unwrap().as_str(), "/v1/x");
    let joined = composition.join(&|name, port| (port.unwrap().get() == 80).then(|| name.to_owned()));
    assert_eq!(joined.calls[0].targets.all()[0].backend.as_deref(), Some("backend/b"));
    assert!(composition.join::<()>(&|_, _| None).calls[0].targets.all()[0].backend.is_none());
}

#[test]
fn what_a_composition_cannot_do_is_refused_by_its_field() {
    let with = |change: &dyn Fn(&mut Compose)| {
        let mut message = sound();
        change(&mut message);
        refused(message)
    };
    assert_eq!(with(&|m| m.calls.clear()), [""]);
    assert_eq!(with(&|m| m.timeout = None), ["timeout"]);
    assert_eq!(with(&|m| m.headers = None), ["headers"]);
    assert_eq!(with(&|m| m.output = None), ["output"]);
    assert_eq!(with(&|m| m.product = "a\nb".into()), ["product"]);
    assert_eq!(with(&|m| m.flow = 9), ["flow"]);
    assert_eq!(with(&|m| m.merge_order = 9), ["merge_order"]);
    assert_eq!(with(&|m| m.propagated = vec![Reference::default()]), ["propagated"]);
    assert_eq!(with(&|m| m.debug_header = "a b".into()), ["debug_header"]);
    assert_eq!(with(&|m| m.fixed = Some(FixedData { json: "[]".into(), when: 0 })), ["fixed.json"]);
    assert_eq!(with(&|m| m.limits = Some(ComposeLimits { depth: 1025, ..Default::default() })), ["limits.depth"]);
    assert_eq!(with(&|m| m.signing = Some(TokenSigning::default())), ["signing.algorithm"]);
    let long = ComposeLimits { response_bytes: 2 << 30, request_bytes: 2 << 30, ..Default::default() };
    assert_eq!(with(&|m| m.limits = Some(long)), ["limits.response_bytes", "limits.request_bytes"]);
    let output = |change: &dyn Fn(&mut ComposedOutput)| with(&|message| change(message.output.as_mut().unwrap()));
    assert_eq!(output(&|o| o.encoding = 6), [""]);
    assert_eq!(output(&|o| o.encoding = 9), ["output.encoding"]);
    assert_eq!(output(&|o| o.completed_header = "te".into()), ["output.completed_header"]);
    let field = ResponseField { name: "x".into(), value: "\n".into() };
    assert_eq!(output(&|o| o.headers = vec![field.clone()]), ["output.headers[0].value"]);
}

#[test]
fn what_a_call_cannot_do_is_refused_by_its_field() {
    let with = |change: &dyn Fn(&mut Call)| {
        let mut message = sound();
        change(&mut message.calls[0]);
        let fields = refused(message);
        fields
            .iter()
            .map(|field| field.strip_prefix("calls[0]").unwrap().trim_start_matches('.').to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(with(&|c| c.name.clear()), ["name"]);
    assert_eq!(with(&|c| c.method = "a b".into()), ["method"]);
    assert_eq!(with(&|c| c.headers = None), ["headers"]);
    assert_eq!(with(&|c| c.query = None), ["query"]);
    assert_eq!(with(&|c| c.decoder = 99), ["decoder"]);
    assert_eq!(with(&|c| c.failure = 9), ["failure"]);
    assert_eq!(with(&|c| c.failure = 2), ["failure_name"]);
    assert_eq!(with(&|c| c.copies = 256), ["copies"]);
    assert_eq!(with(&|c| c.redirects = 51), ["redirects"]);
    assert_eq!(with(&|c| c.shadow_timeout = seconds(0)), ["shadow_timeout"]);
    assert_eq!(with(&|c| c.target = vec!["a.b".into()]), ["target"]);
    assert_eq!(with(&|c| c.targets[0].backend = None), ["targets[0].backend"]);
    assert_eq!(with(&|c| c.targets[0].authority = "a@b".into()), ["targets[0].authority"]);
    assert_eq!(with(&|c| c.targets[0].base_path = "v1/".into()), ["targets[0].base_path"]);
    let tree = |names: &[&str]| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Some(NameTree { paths: vec![NamePath { names }] })
    };
    assert_eq!(with(&|c| c.allow = tree(&[])), ["allow.paths[0].names"]);
    assert_eq!(with(&|c| (c.allow, c.deny) = (tree(&["a"]), tree(&["b"]))), [""]);
    let claim = pattern_segment::Kind::Claim(String::new());
    assert_eq!(with(&|c| c.pattern = vec![PatternSegment { kind: Some(claim.clone()) }]), ["pattern[0].claim"]);
    assert_eq!(with(&|c| c.modifiers = vec![Modifier::default()]), ["modifiers[0]"]);
    assert_eq!(
        with(&|c| c.rate_limit = Some(RateLimit::default())),
        ["rate_limit.key", "rate_limit.rate", "rate_limit.every", "rate_limit.capacity"]
    );
    assert_eq!(with(&|c| c.breaker = Some(Breaker::default())), ["breaker.key", "breaker.timeout"]);
    assert_eq!(with(&|c| c.cache = Some(AnswerCache::default())), ["cache.key"]);
    assert_eq!(
        with(&|c| c.credentials = Some(ClientCredentials::default())),
        ["credentials.token_endpoint", "credentials.token_path"]
    );
    let mut twice = sound();
    twice.calls.push(call());
    twice.set_flow(compose::Flow::Sequential);
    assert_eq!(refused(twice), ["calls[1].name"]);
}

#[test]
fn filters_that_change_requests_cannot_stand_beside_a_composition() {
    let mut message = route(rule::Action::Compose(sound()));
    let modifier = config::HeaderModifier { remove: vec!["x".into()], ..Default::default() };
    let filter = |kind| config::Filter { kind: Some(kind) };
    message.rules[0].filters = vec![filter(config::filter::Kind::ResponseHeaders(modifier.clone()))];
    assert!(Route::try_from(&message).is_ok());
    message.rules[0].filters = vec![filter(config::filter::Kind::RequestHeaders(modifier))];
    assert_eq!(fields(Route::try_from(&message)), ["rules[0].filters"]);
}

#[test]
fn an_answer_may_be_computed() {
    let text = |text: &str| Some(Expression { kind: Some(expression::Kind::Text(text.to_owned())) });
    let computed = Respond { status: 200, computed_body: text("x"), ..Respond::default() };
    let sound = Route::try_from(&route(rule::Action::Respond(computed.clone()))).unwrap();
    assert!(matches!(sound.rules[0].action, Action::Sequence(_)));
    let refused = |respond: Respond| fields(Route::try_from(&route(rule::Action::Respond(respond))));
    assert_eq!(refused(Respond { status: 99, ..computed.clone() }), ["rules[0].respond.status"]);
    let nothing = Some(Expression::default());
    assert_eq!(refused(Respond { computed_body: nothing, ..computed }), ["rules[0].respond.computed_body"]);
}
