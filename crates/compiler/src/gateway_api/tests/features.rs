//! `GatewayClass.status.supportedFeatures` is true: what each name stands for is compiled as it is written.

use backstay_proto::config;
use backstay_proto::config::filter::Kind;
use backstay_proto::config::rule::Action;
use serde_json::{Value, json};

use super::{World, backend, backend_of, class, gateway, plain_gateway, route, with};
use crate::SUPPORTED_FEATURES;

/// A world with one route of one rule, which must be accepted whole.
fn served(rule: Value) -> (World, config::Rule) {
    let route = route("r", "g", json!([rule]));
    let others = [backend("b", "10.0.0.1"), backend("m", "10.0.0.2"), backend("n", "10.0.0.3")];
    let world = World::new([class(), plain_gateway("g"), route.clone()].into_iter().chain(others));
    for condition in ["Accepted", "ResolvedRefs"] {
        assert_eq!(world.condition(&route, condition), format!("True {condition}"));
    }
    assert_eq!(world.condition(&route, "PartiallyInvalid"), "absent");
    let rule = world.route("default", "route/infra/r").rules.remove(0);
    (world, rule)
}

fn to(filters: Value) -> Value {
    json!([{"kind": "Backend", "name": "b", "port": 80, "filters": filters}])
}

fn filtered(filters: Value) -> config::Rule {
    served(json!({"filters": filters, "backendRefs": to(json!([]))})).1
}

fn redirect(settings: Value) -> config::Redirect {
    let filters = json!([{"type": "RequestRedirect", "requestRedirect": settings}]);
    match served(json!({ "filters": filters })).1.action {
        Some(Action::Redirect(redirect)) => redirect,
        other => panic!("{other:?}"),
    }
}

fn of_backend(filters: Value) -> Kind {
    match served(json!({"backendRefs": to(filters)})).1.action {
        Some(Action::Forward(mut forward)) => forward.backends.remove(0).filters.remove(0).kind.unwrap(),
        other => panic!("{other:?}"),
    }
}

fn rewrite(settings: Value) -> Value {
    json!([{"type": "URLRewrite", "urlRewrite": settings}])
}

fn mirror(name: &str, share: Value) -> Value {
    let mut mirror = json!({"backendRef": {"kind": "Backend", "name": name, "port": 80}});
    mirror.as_object_mut().unwrap().extend(share.as_object().unwrap().clone());
    json!({"type": "RequestMirror", "requestMirror": mirror})
}

fn shares(rule: &config::Rule) -> Vec<(u32, u32)> {
    let filters = rule.filters.iter().filter_map(|filter| match &filter.kind {
        Some(Kind::Mirror(mirror)) => Some((mirror.numerator, mirror.denominator)),
        _ => None,
    });
    filters.collect()
}

fn timeouts(settings: Value) -> [Option<i64>; 2] {
    match served(json!({"timeouts": settings, "backendRefs": to(json!([]))})).1.action {
        Some(Action::Forward(forward)) => {
            [forward.request_timeout, forward.backend_request_timeout].map(|span| span.map(|span| span.seconds))
        }
        other => panic!("{other:?}"),
    }
}

/// Whether a route attaches to the Gateway `g` by a port.
fn attaches(port: u16) -> bool {
    let route = with(route("r", "g", json!([{}])), "/spec/parentRefs/0/port", json!(port));
    let world = World::new([class(), plain_gateway("g"), route.clone()]);
    match world.condition(&route, "Accepted").as_str() {
        "True Accepted" => true,
        "False NoMatchingParent" => false,
        other => panic!("{other}"),
    }
}

fn speaks(protocol: &str) -> i32 {
    let of = backend_of("b", json!({"endpoints": [{"ip": "10.0.0.1"}], "protocol": protocol}));
    let route = super::simple_route("r", "g", "b");
    World::new([class(), plain_gateway("g"), route, of]).backend("b").protocol
}

/// What the name stands for, tried. Panics where it is not so.
fn try_out(feature: &str) {
    match feature {
        "Gateway" | "HTTPRoute" => drop(served(json!({"backendRefs": to(json!([]))}))),
        "GatewayPort8080" => {
            let on = gateway("g", json!([{"name": "http", "protocol": "HTTP", "port": 8080}]));
            assert_eq!(World::new([class(), on]).listener("default", "listener/infra/g/http").port, 8080);
        }
        "GatewayAddressEmpty" | "GatewayStaticAddresses" => {
            let address = match feature {
                "GatewayAddressEmpty" => json!({"type": "IPAddress"}),
                _ => json!({"type": "IPAddress", "value": "10.0.0.1"}),
            };
            let gw = with(plain_gateway("g"), "/spec/addresses", json!([address]));
            let bound = World::new([class(), gw]).listener("default", "listener/infra/g/http").address;
            assert_eq!(bound, address["value"].as_str().unwrap_or_default());
        }
        "GatewayRouteHostnameIntersectionPrecedence" => {
            let on =
                gateway("g", json!([{"name": "http", "protocol": "HTTP", "port": 80, "hostname": "a.example.com"}]));
            let wide = with(route("r", "g", json!([{}])), "/spec/hostnames", json!(["*.example.com"]));
            let attached = World::new([class(), on, wide]).route("default", "route/infra/r").attachments;
            assert_eq!(attached[0].hostnames, ["*.example.com"], "its own, by which precedence goes");
        }
        "ReferenceGrant" => assert!(super::tls::is_served_by_grant()),
        "GatewayHTTPListenerIsolation" => {
            let named =
                |name: &str, host: &str| json!({"name": name, "protocol": "HTTP", "port": 80, "hostname": host});
            let both = gateway("g", json!([named("one", "*.example.com"), named("two", "a.example.com")]));
            let one = with(route("r", "g", json!([{}])), "/spec/parentRefs/0/sectionName", json!("one"));
            let world = World::new([class(), both, one]);
            let attached: Vec<_> = world.route("default", "route/infra/r").attachments;
            assert_eq!(attached.len(), 1);
            assert_eq!(attached[0].listener, "listener/infra/g/one");
        }
        "HTTPRoute303RedirectStatusCode" => assert_eq!(redirect(json!({"statusCode": 303})).status, 303),
        "HTTPRoute307RedirectStatusCode" => assert_eq!(redirect(json!({"statusCode": 307})).status, 307),
        "HTTPRoute308RedirectStatusCode" => assert_eq!(redirect(json!({"statusCode": 308})).status, 308),
        "HTTPRouteBackendProtocolH2C" => {
            assert_eq!(speaks("h2c"), i32::from(config::backend::Protocol::Http2));
        }
        // An upgrade is part of HTTP/1.1 and needs no setting.
        "HTTPRouteBackendProtocolWebSocket" => assert_eq!(speaks(""), i32::from(config::backend::Protocol::Http1)),
        "HTTPRouteBackendRequestHeaderModification" => {
            let filter = json!([{"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "a", "value": "b"}]}}]);
            assert!(matches!(of_backend(filter), Kind::RequestHeaders(_)));
        }
        "HTTPRouteBackendURLRewrite" => {
            let Kind::UrlRewrite(rewrite) = of_backend(rewrite(json!({"hostname": "a.example"}))) else { panic!() };
            assert_eq!(rewrite.hostname, "a.example");
        }
        "HTTPRouteBackendTimeout" => assert_eq!(timeouts(json!({"backendRequest": "3s"})), [None, Some(3)]),
        "HTTPRouteRequestTimeout" => assert_eq!(timeouts(json!({"request": "3s"})), [Some(3), None]),
        "HTTPRouteDestinationPortMatching" | "HTTPRouteParentRefPort" => assert!(attaches(80) && !attaches(81)),
        "HTTPRouteHostRewrite" => {
            let rule = filtered(rewrite(json!({"hostname": "a.example"})));
            assert!(matches!(&rule.filters[0].kind, Some(Kind::UrlRewrite(it)) if it.hostname == "a.example"));
        }
        "HTTPRoutePathRewrite" => {
            for path in [
                json!({"type": "ReplaceFullPath", "replaceFullPath": "/a"}),
                json!({"type": "ReplacePrefixMatch", "replacePrefixMatch": "/a"}),
            ] {
                let rule = filtered(rewrite(json!({ "path": path })));
                assert!(matches!(&rule.filters[0].kind, Some(Kind::UrlRewrite(it)) if it.path.is_some()));
            }
        }
        "HTTPRouteMethodMatching" => {
            let rule = served(json!({"matches": [{"method": "PUT"}], "backendRefs": to(json!([]))})).1;
            assert_eq!(rule.matches[0].method, "PUT");
        }
        "HTTPRouteQueryParamMatching" => {
            let matches = json!([{"queryParams": [{"name": "a", "value": "b"}]}]);
            assert_eq!(served(json!({"matches": matches, "backendRefs": to(json!([]))})).1.matches[0].query.len(), 1);
        }
        "HTTPRouteNamedRouteRule" => {
            assert_eq!(served(json!({"name": "a-rule", "backendRefs": to(json!([]))})).1.name, "a-rule");
        }
        "HTTPRoutePathRedirect" => {
            let path = json!({"type": "ReplaceFullPath", "replaceFullPath": "/a"});
            assert!(redirect(json!({ "path": path })).path.is_some());
        }
        "HTTPRoutePortRedirect" => assert_eq!(redirect(json!({"port": 8083})).port, 8083),
        "HTTPRouteSchemeRedirect" => assert_eq!(redirect(json!({"scheme": "https"})).scheme, "https"),
        "HTTPRouteRequestMirror" => assert_eq!(shares(&filtered(json!([mirror("m", json!({}))]))), [(1, 1)]),
        "HTTPRouteRequestMultipleMirrors" => {
            let both = json!([mirror("m", json!({})), mirror("n", json!({}))]);
            assert_eq!(shares(&filtered(both)), [(1, 1), (1, 1)]);
        }
        "HTTPRouteRequestPercentageMirror" => {
            let shared = |share| shares(&filtered(json!([mirror("m", share)])));
            assert_eq!(shared(json!({"percent": 20})), [(20, 100)]);
            assert_eq!(shared(json!({"fraction": {"numerator": 1, "denominator": 3}})), [(1, 3)]);
        }
        "HTTPRouteResponseHeaderModification" => {
            let filter = json!([{"type": "ResponseHeaderModifier", "responseHeaderModifier": {"remove": ["a"]}}]);
            assert!(matches!(filtered(filter).filters[0].kind, Some(Kind::ResponseHeaders(_))));
        }
        other => panic!("nothing tries the feature {other}"),
    }
}

#[test]
fn every_feature_that_is_claimed_is_there() {
    SUPPORTED_FEATURES.into_iter().for_each(try_out);
}

#[test]
fn the_names_are_sorted_and_each_is_there_once() {
    assert!(SUPPORTED_FEATURES.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(SUPPORTED_FEATURES.len() <= 64, "the schema of Gateway API takes no more");
}
