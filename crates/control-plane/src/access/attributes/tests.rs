use super::*;

fn told(method: &Method, target: &str) -> String {
    let uri: Uri = target.parse().unwrap();
    let About { asked, besides, .. } = of(&crate::registry(), method, &uri);
    let one = |asked: &Attributes<'_>| match asked.is_resource() {
        true => format!("{} {}:{} {}", asked.verb, asked.group, asked.full_resource(), asked.name),
        false => format!("{} {}", asked.verb, asked.path),
    };
    besides.iter().fold(one(&asked), |told, besides| format!("{told}, {}", one(besides)))
}

#[test]
fn calls_are_about_the_kind_that_their_method_names() {
    for (method, expected) in [
        ("AdminService/GetStatus", "get backstay.dev:fleets/status "),
        ("BackendService/GetBackend", "get core.apoxy.dev:backends "),
        ("BackendPolicyService/ListBackendPolicies", "list backstay.dev:backendpolicies "),
        ("SecretService/WatchSecrets", "watch :secrets "),
        ("HTTPRouteService/DeleteHTTPRouteCollection", "deletecollection gateway.networking.k8s.io:httproutes "),
        ("BackendService/ApplyBackend", "patch core.apoxy.dev:backends , create core.apoxy.dev:backends "),
        ("FleetService/WatchConnectedProxies", "watch backstay.dev:fleets "),
        ("ResourceService/GetResource", "get *:* "),
        ("AdminService/Anything", "update *:* "),
        ("AdminService", "update *:* "),
    ] {
        assert_eq!(told(&Method::POST, &format!("/backstay.admin.v1.{method}")), expected, "{method}");
    }
}

#[test]
fn whoever_looks_at_requests_asks_for_the_tap_of_proxies() {
    for method in ["WatchTap", "WatchTop"] {
        let path = format!("/backstay.live.v1.LiveService/{method}");
        assert_eq!(told(&Method::POST, &path), "watch backstay.dev:proxies/tap ", "{method}");
    }
}

#[test]
fn to_make_a_join_token_is_not_to_write_objects() {
    assert_eq!(told(&Method::POST, "/join-tokens"), "create backstay.dev:jointokens ");
    assert_eq!(told(&Method::GET, "/join-tokens"), "get /join-tokens");
    assert_eq!(told(&Method::POST, "/join-tokens/"), "post /join-tokens/");
}

#[test]
fn requests_of_the_fastly_api_are_about_services() {
    for (method, target, expected) in [
        (Method::GET, "/service", "list api.fastly.com:services "),
        (Method::POST, "/service", "create api.fastly.com:services "),
        (Method::GET, "/service/x/version/1", "get api.fastly.com:services x"),
        (Method::DELETE, "/service/x/version/1/domain/y", "update api.fastly.com:services x"),
        (Method::DELETE, "/service/x", "delete api.fastly.com:services x"),
        (Method::POST, "//service//x/purge/key", "create api.fastly.com:services/purge x"),
        (Method::POST, "/service/x/%70urge_all", "create api.fastly.com:services/purgeall x"),
        (Method::GET, "/tokens/self", "get /tokens/self"),
        (Method::DELETE, "/tokens/self", "delete /tokens/self"),
        (Method::GET, "/services", "get /services"),
    ] {
        assert_eq!(told(&method, target), expected, "{method} {target}");
    }
}
