use std::sync::Arc;

use backstay_proto::config::request_rate_limit::Client;
use backstay_proto::config::security_headers::SecurityField;
use backstay_proto::config::{
    BotDetection, Cors, Guards, RateLimit, RequestRateLimit, Route, Rule, SecurityHeaders, TokenValidation,
};

use super::*;

fn owned(of: &[&str]) -> Vec<String> {
    of.iter().map(|&text| text.to_owned()).collect()
}

fn faults(guards: Guards) -> Vec<String> {
    let read = super::guards(Some(&guards));
    read.map_or_else(|faults| faults.into_iter().map(|fault| fault.field).collect(), |_| Vec::new())
}

fn limit(rate: f64, capacity: u64, client: Option<Client>) -> RequestRateLimit {
    let limit = RateLimit { key: "k".to_owned(), rate, every: None, capacity };
    RequestRateLimit { limit: Some(limit), client, ..RequestRateLimit::default() }
}

fn limited(limit: RequestRateLimit) -> Guards {
    Guards { rate_limits: vec![limit], ..Guards::default() }
}

#[test]
fn what_cannot_be_done_is_refused_by_field() {
    let cors = |cors| Guards { cors: Some(cors), ..Guards::default() };
    let security = |security| Guards { security: Some(security), ..Guards::default() };
    let bots = |bots| Guards { bots: Some(bots), ..Guards::default() };
    let all = Some(Client::Everyone(true));
    let field = SecurityField { name: "connection".to_owned(), value: "a\nb".to_owned(), over_tls: false };
    let cases = [
        (
            cors(Cors { origins: owned(&["https://*.*", "", "https://ä"]), ..Cors::default() }),
            vec!["cors.origins[0]", "cors.origins[1]", "cors.origins[2]"],
        ),
        (cors(Cors { methods: owned(&["GET", "A B"]), ..Cors::default() }), vec!["cors.methods[1]"]),
        (cors(Cors { headers: owned(&["a:"]), ..Cors::default() }), vec!["cors.headers[0]"]),
        (cors(Cors { exposed_headers: owned(&["a,b"]), ..Cors::default() }), vec!["cors.exposed_headers[0]"]),
        (cors(Cors { headers: vec!["a".to_owned(); 257], ..Cors::default() }), vec!["cors.headers"]),
        (cors(Cors { preflight_status: 199, ..Cors::default() }), vec!["cors.preflight_status"]),
        (
            cors(Cors { max_age: Some(prost_types::Duration { seconds: -1, nanos: 0 }), ..Cors::default() }),
            vec!["cors.max_age"],
        ),
        (
            security(SecurityHeaders {
                allowed_hosts: owned(&["a", "(", "a)|(b"]),
                allowed_hosts_are_regex: true,
                ..SecurityHeaders::default()
            }),
            vec!["security.allowed_hosts[1]", "security.allowed_hosts[2]"],
        ),
        (
            security(SecurityHeaders {
                host_headers: owned(&["a b"]),
                ssl_host: "a/b".to_owned(),
                ssl_headers: [("ä".to_owned(), "x".to_owned())].into(),
                response_headers: vec![field],
                ..SecurityHeaders::default()
            }),
            vec![
                "security.host_headers[0]",
                "security.ssl_host",
                "security.ssl_headers[\"ä\"]",
                "security.response_headers[0].name",
                "security.response_headers[0].value",
            ],
        ),
        (bots(BotDetection { patterns: owned(&["a", "["]), ..BotDetection::default() }), vec!["bots.patterns[1]"]),
        (
            bots(BotDetection { patterns: owned(&["a{100}{100}{100}"]), ..BotDetection::default() }),
            vec!["bots.patterns[0]"],
        ),
        (Guards { token: Some(TokenValidation::default()), ..Guards::default() }, vec!["token.algorithm"]),
        (limited(limit(0.0, 0, all.clone())), vec!["rate_limits[0].limit.rate", "rate_limits[0].limit.capacity"]),
        (limited(limit(f64::NAN, 1, all.clone())), vec!["rate_limits[0].limit.rate"]),
        (limited(limit(1.0, 1, None)), vec!["rate_limits[0].client"]),
        (limited(limit(1.0, 1, Some(Client::Everyone(false)))), vec!["rate_limits[0].everyone"]),
        (limited(limit(1.0, 1, Some(Client::Header("a b".to_owned())))), vec!["rate_limits[0].header"]),
        (limited(RequestRateLimit { limit: None, ..limit(1.0, 1, all.clone()) }), vec!["rate_limits[0].limit"]),
        (limited(RequestRateLimit { status: 200, ..limit(1.0, 1, all.clone()) }), vec!["rate_limits[0].status"]),
        (
            limited(RequestRateLimit { address_header: "a".to_owned(), ..limit(1.0, 1, all) }),
            vec!["rate_limits[0].address_header"],
        ),
    ];
    for (guards, expected) in cases {
        assert_eq!(faults(guards.clone()), expected, "{guards:?}");
    }
}

fn of_rule(route: Option<Guards>, rule: Option<Guards>) -> Option<Arc<super::Guards>> {
    let rule = Rule {
        matches: vec![config::Match::default()],
        guards: rule,
        action: Some(config::rule::Action::Respond(config::Respond { status: 200, ..config::Respond::default() })),
        ..Rule::default()
    };
    let route = crate::Route::try_from(&Route { guards: route, rules: vec![rule], ..Route::default() }).unwrap();
    route.rules[0].guards.clone()
}

#[test]
fn a_rule_has_the_guards_of_its_route_but_those_that_it_has_itself() {
    let all = || Some(Client::Everyone(true));
    let guards = |origin: &str, agent: &str| Guards {
        cors: Some(Cors { origins: owned(&[origin]), ..Cors::default() }),
        bots: Some(BotDetection { deny: owned(&[agent]), ..BotDetection::default() }),
        ..limited(limit(1.0, 1, all()))
    };
    let origins = |guards: &super::Guards| {
        let origin = |text: &'static str| http::HeaderMap::from_iter([(http::header::ORIGIN, text.parse().unwrap())]);
        let allows = |text| guards.cors.as_ref().is_some_and(|cors| cors.origin("GET", &origin(text)).is_some());
        [allows("https://a"), allows("https://b")]
    };
    assert!(of_rule(None, None).is_none() && of_rule(Some(Guards::default()), Some(Guards::default())).is_none());
    let (route, rule) = (guards("https://a", "a"), guards("https://b", "b"));
    let alone = of_rule(Some(route.clone()), None).unwrap();
    assert_eq!((origins(&alone), alone.bots.len(), alone.limits.len()), ([true, false], 1, 1));
    let both = of_rule(Some(route), Some(rule)).unwrap();
    assert_eq!((origins(&both), both.bots.len(), both.limits.len()), ([false, true], 2, 2));
    assert!(both.bots.iter().any(|bots| bots.refuse(b"a")) && both.bots.iter().any(|bots| bots.refuse(b"b")));
}

#[test]
fn a_rule_apart_has_nothing_of_its_route_but_who_may_read_answers() {
    let bots =
        Guards { bots: Some(BotDetection { deny: owned(&["a"]), ..BotDetection::default() }), ..Guards::default() };
    let apart = || Some(Guards { apart: true, ..Guards::default() });
    let shared = of_rule(Some(Guards { cors: Some(Cors::default()), ..bots.clone() }), apart()).unwrap();
    assert!(shared.cors.is_some() && shared.bots.is_empty());
    assert!(of_rule(Some(bots), apart()).is_none() && of_rule(None, apart()).is_none());
    let refused = super::of_route(apart().as_ref()).unwrap_err();
    assert_eq!(refused.into_iter().map(|fault| fault.field).collect::<Vec<_>>(), ["apart"]);
}
