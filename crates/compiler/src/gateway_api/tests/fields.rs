//! What is not honoured does not look honoured: each field of the Gateway API that is not done is told in the status, by
//! its name, and nothing is served that it would have kept out. Each field that is done makes a difference.

use backstay_resources::gateway::{FIELDS, Support};
use serde_json::{Value, json};

use super::{World, backend, certificate, class, gateway, namespace, plain_gateway, proxy, route, simple_route, with};

/// A value for each field that is not honoured, as a merge into the spec of the object that has the part it belongs to.
fn sample(kind: &str, path: &str) -> Value {
    let auth = json!({"protocol": "HTTP", "backendRef": {"name": "b"}, "http": {}});
    let extension = json!({"group": "a", "kind": "A", "name": "a"});
    let authorities = json!({"caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "ca"}]});
    match (kind, path.rsplit(['.', ']']).next().unwrap()) {
        (_, "cors") => json!({"allowOrigins": ["*"]}),
        (_, "externalAuth") => auth,
        (_, "extensionRef") => extension,
        (_, "requestRedirect") => json!({}),
        (_, "routability") => json!("Cluster"),
        (_, "backendTLS" | "backend") => json!({"clientCertificateRef": {"name": "a"}}),
        (_, "filters") => json!({"requests": [{"type": "ExternalAuth", "externalAuth": auth}]}),
        (_, "frontendValidation") => authorities,
        (_, "options") => json!({"example.com/a": "b"}),
        (_, "frontend") => json!({"default": {"validation": authorities}}),
        (_, "allowedListeners") => json!({"namespaces": {"from": "Same"}}),
        (_, "defaultScope" | "useDefaultGateways") => json!("All"),
        (_, "retry") => json!({"codes": [503]}),
        (_, "sessionPersistence") => json!({"cookie": {"name": "a"}}),
        (_, "parametersRef") => json!({"group": "a", "kind": "A", "name": "a"}),
        (_, other) => panic!("{kind} has a field without a sample: {other}"),
    }
}

/// An object with `value` at `path`, whose lists are those of the object already, their first item.
fn asking(object: &Value, path: &str, value: Value) -> Value {
    let mut object = object.clone();
    let mut at = &mut object;
    let path = path.replace("[]", ".[]");
    let steps: Vec<&str> = path.split('.').collect();
    for step in &steps[..steps.len() - 1] {
        at = match *step {
            "[]" => &mut at[0],
            name => &mut at[name],
        };
    }
    let last = steps[steps.len() - 1];
    // Of a filter, the type goes with its field.
    let kind = match last {
        "cors" => Some("CORS"),
        "externalAuth" => Some("ExternalAuth"),
        "extensionRef" => Some("ExtensionRef"),
        "requestRedirect" => Some("RequestRedirect"),
        _ => None,
    };
    if let Some(kind) = kind {
        *at = json!({"type": kind});
    }
    at[last] = value;
    object
}

/// A listener with TLS, an address, and a route with a filter of each place.
fn objects() -> [Value; 6] {
    let filter = json!({"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["a"]}});
    let target = json!({"kind": "Backend", "name": "b", "port": 80, "filters": [filter]});
    let tls = json!({"certificateRefs": [{"name": "c"}]});
    let listeners = json!([
        {"name": "https", "protocol": "HTTPS", "port": 443, "tls": tls},
        {"name": "http", "protocol": "HTTP", "port": 80},
    ]);
    let gateway = with(gateway("g", listeners), "/spec/addresses", json!([{"value": "10.0.0.1"}]));
    let route = route("r", "g", json!([{"filters": [filter], "backendRefs": [target]}]));
    [class(), gateway, route, backend("b", "10.0.0.2"), certificate("c"), proxy("default")]
}

fn rows(wanted: impl Fn(Support) -> bool) -> impl Iterator<Item = (&'static str, &'static str, Support)> {
    let rows = FIELDS.iter().filter(move |(_, support, _)| wanted(*support));
    rows.flat_map(|(kind, support, paths)| paths.iter().map(|path| (*kind, *path, *support)))
}

fn of_kind(objects: &[Value], kind: &str) -> Value {
    objects.iter().find(|object| object["kind"] == kind).unwrap().clone()
}

/// The name that the status must have: the last of the path, or the type of a filter.
fn told(path: &str) -> &str {
    match path.rsplit('.').next().unwrap() {
        "cors" => "CORS",
        "externalAuth" => "ExternalAuth",
        "extensionRef" => "ExtensionRef",
        "requestRedirect" => "RequestRedirect",
        last => last,
    }
}

#[test]
fn a_field_that_is_not_honoured_is_told_whether_it_is_new_or_comes_with_a_change() {
    let count = rows(|support| matches!(support, Support::Left | Support::Withheld)).count();
    assert!(count > 15, "{count}");
    for (kind, path, support) in rows(|support| matches!(support, Support::Left | Support::Withheld)) {
        let objects = objects();
        let plain = of_kind(&objects, kind);
        let asking = asking(&plain, path, sample(kind, path));
        let new = World::new(objects.iter().map(|it| if *it == plain { asking.clone() } else { it.clone() }));
        let mut changed = World::new(objects.clone());
        assert!(changed.condition(&plain, "Accepted").starts_with("True"), "{kind}");
        let before = changed.held.clone();
        changed.set(with(asking.clone(), "/metadata/generation", json!(2)));
        assert_eq!(new.held, changed.held, "{path}: what is served depends on the past");
        for world in [&new, &changed] {
            let (accepted, message) = match path.contains("listeners[]") {
                true => {
                    let report = world.listener_report(&asking, "https");
                    let message = report.conditions.iter().find(|it| it.kind == "Accepted").unwrap().message.clone();
                    (world.listener_condition(&asking, "https", "Accepted"), message)
                }
                false => (world.condition(&asking, "Accepted"), world.message(&asking, "Accepted")),
            };
            let reason = if kind == "GatewayClass" { "InvalidParameters" } else { "UnsupportedValue" };
            assert_eq!(accepted, format!("False {reason}"), "{path}");
            assert!(message.contains(told(path)), "{path}: {message}");
        }
        let listeners = |world: &World| world.names("default").iter().filter(|it| it.starts_with("listener/")).count();
        match (kind, support) {
            (_, Support::Left) => assert_eq!(new.held, before, "{path}"),
            // The other listener is not the one that asks.
            ("Gateway", _) if path.contains("listeners[]") => assert_eq!(listeners(&new), 1, "{path}"),
            ("Gateway" | "GatewayClass", _) => assert_eq!(listeners(&new), 0, "{path}"),
            _ => {
                let rule = &new.route("default", "route/infra/r").rules[0];
                let answered = format!("{:?}", rule.action);
                assert!(answered.contains("status: 500"), "{path}: {answered}");
            }
        }
    }
}

#[test]
fn a_gateway_that_is_accepted_for_nothing_but_what_is_left_out_is_not_programmed() {
    let gateway = with(plain_gateway("g"), "/spec/allowedListeners", json!({"namespaces": {"from": "All"}}));
    let world = World::new([class(), gateway.clone()]);
    assert_eq!(world.condition(&gateway, "Accepted"), "False UnsupportedValue");
    assert_eq!(world.listener_condition(&gateway, "http", "Accepted"), "True Accepted");
    assert_eq!(world.names("default"), ["listener/infra/g/http"]);
}

#[test]
fn client_certificates_of_one_port_or_all_keep_the_whole_gateway_from_being_served() {
    let validation = json!({"validation": {"caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "ca"}]}});
    let per_port = json!({"frontend": {"default": {}, "perPort": [{"port": 443, "tls": validation}]}});
    // Nothing for one port and something for the others.
    let excepted = json!({"frontend": {"default": validation, "perPort": [{"port": 80, "tls": {}}]}});
    for tls in [per_port, excepted] {
        let open = plain_gateway("g");
        let mut world = World::new([class(), open.clone(), simple_route("r", "g", "b"), backend("b", "10.0.0.1")]);
        assert!(!world.names("default").is_empty());
        let closed = with(open.clone(), "/spec/tls", tls);
        world.set(closed.clone());
        assert!(world.names("default").is_empty(), "what was served before goes on");
        assert_eq!(world.condition(&closed, "Accepted"), "False UnsupportedValue");
        assert_eq!(world.parents(&simple_route("r", "g", "b"), "Accepted"), ["False Pending"]);
        world.set(open);
        assert!(!world.names("default").is_empty());
    }
}

#[test]
fn what_asks_for_nothing_is_accepted() {
    for (field, value) in [
        ("/spec/tls", json!({"frontend": {"default": {}}, "backend": {}})),
        ("/spec/allowedListeners", json!({"namespaces": {"from": "None"}})),
        ("/spec/defaultScope", json!("None")),
    ] {
        let gateway = with(plain_gateway("g"), field, value);
        let world = World::new([class(), gateway.clone()]);
        assert_eq!(world.condition(&gateway, "Accepted"), "True Accepted", "{field}");
    }
}

#[test]
fn of_several_rules_each_is_named_that_has_what_is_left_out() {
    let target = json!([{"kind": "Backend", "name": "b", "port": 80}]);
    let rules = json!([{"backendRefs": target}, {"backendRefs": target, "retry": {}, "sessionPersistence": {}}]);
    let route = with(route("r", "g", rules), "/spec/useDefaultGateways", json!("All"));
    let world = World::new([class(), plain_gateway("g"), route.clone(), backend("b", "10.0.0.1")]);
    let message = world.message(&route, "Accepted");
    assert!(
        message.starts_with("spec.useDefaultGateways, rules[1].retry, rules[1].sessionPersistence is not"),
        "{message}"
    );
}

/// Everything that the compiler says of some objects, but for generations.
fn outcome(objects: &[Value]) -> String {
    let world = World::new(objects.iter().cloned());
    format!("{:?} {:?}", world.held, world.statuses)
}

#[test]
fn a_field_that_is_honoured_makes_a_difference() {
    let mut tried = 0;
    for (kind, path, _) in rows(|support| support == Support::Honoured) {
        let Some((objects, other)) = difference(kind, path) else {
            panic!("{kind} has a field without a sample: {path}");
        };
        let plain = of_kind(&objects, kind);
        let changed: Vec<Value> =
            objects.iter().map(|it| if *it == plain { other.clone() } else { it.clone() }).collect();
        assert_ne!(plain, other, "{kind} {path}");
        assert_ne!(outcome(&objects), outcome(&changed), "{kind} {path} changes nothing");
        tried += 1;
    }
    assert!(tried > 80, "{tried}");
}

/// Some objects, and what one of them is with another value at `path`.
fn difference(kind: &str, path: &str) -> Option<(Vec<Value>, Value)> {
    let objects = full();
    let plain = of_kind(&objects, kind);
    let last = path.rsplit('.').next()?;
    let last = last.trim_end_matches("[]").trim_end_matches("{}");
    let value = match (kind, last) {
        ("GatewayClass", "controllerName") => json!("example.com/other"),
        ("Gateway", "addresses") | (_, "value") if path.contains("addresses") => json!("10.0.0.9"),
        (_, "type") if path.contains("addresses") => json!("Hostname"),
        (_, "gatewayClassName") => json!("none"),
        (_, "name") if path.contains("parametersRef") => json!("other"),
        (_, "hostnames") => json!(["other.example"]),
        (_, "values") => json!(["other"]),
        (_, "matchLabels") => json!({"team": "other"}),
        (_, "hostname") => json!("other.example"),
        (_, "port" | "denominator" | "maxAge") => json!(77),
        (_, "allowCredentials") => json!(false),
        (_, "allowOrigins" | "allowHeaders" | "exposeHeaders") => json!(["other"]),
        (_, "allowMethods") => json!(["PUT"]),
        (_, "protocol") => json!("TCP"),
        (_, "mode") => json!("Passthrough"),
        (_, "from") => json!("None"),
        (_, "operator") => json!("NotIn"),
        (_, "weight" | "numerator" | "percent") => json!(3),
        (_, "statusCode") => json!(308),
        (_, "scheme") => json!("http"),
        (_, "method") => json!("PUT"),
        (_, "request" | "backendRequest") => json!("3s"),
        (_, "replaceFullPath" | "replacePrefixMatch") => json!("/other"),
        (_, "remove") => json!(["other"]),
        (_, "type") if path.contains("matches[].path") => json!("Exact"),
        (_, "type") if path.contains("matches[]") => json!("RegularExpression"),
        (_, "type") if path.ends_with("path.type") => json!("ReplaceFullPath"),
        (_, "type") => json!("ExternalAuth"),
        (_, "value") if path.contains("path") => json!("/other"),
        _ => json!("other"),
    };
    let mut other = plain.clone();
    let pointers =
        places(&plain["spec"], "/spec", path.strip_prefix("spec")?.trim_end_matches("[]").trim_end_matches("{}"));
    let pointer = pointers.first()?;
    let at = other.pointer_mut(pointer)?;
    *at = value;
    if last == "type" && path.ends_with("path.type") {
        // Together with the field of its type.
        let parent = other.pointer_mut(pointer.strip_suffix("/type")?)?;
        *parent = json!({"type": "ReplaceFullPath", "replaceFullPath": "/other"});
    }
    Some((objects, other))
}

/// The places in `value` that a path leads to, as pointers.
fn places(value: &Value, at: &str, path: &str) -> Vec<String> {
    if path.is_empty() {
        return vec![at.to_owned()];
    }
    if let Some(rest) = path.strip_prefix("[]") {
        let items = value.as_array().into_iter().flatten().enumerate();
        return items.flat_map(|(index, item)| places(item, &format!("{at}/{index}"), rest)).collect();
    }
    let path = path.strip_prefix('.').unwrap_or(path);
    let end = path.find(['.', '[', '{']).unwrap_or(path.len());
    let (name, rest) = path.split_at(end);
    match value.get(name) {
        Some(below) => places(below, &format!("{at}/{name}"), rest),
        None => Vec::new(),
    }
}

/// Objects in which every field that is honoured has a value.
fn full() -> Vec<Value> {
    let header = |value: &str| json!({"set": [{"name": "a", "value": value}], "add": [{"name": "b", "value": value}], "remove": ["c"]});
    let backend_ref = json!({"group": "core.apoxy.dev", "kind": "Backend", "name": "m", "port": 80});
    let mirror = |share: Value| {
        let mut mirror = json!({"backendRef": backend_ref});
        mirror.as_object_mut().unwrap().extend(share.as_object().unwrap().clone());
        json!({"type": "RequestMirror", "requestMirror": mirror})
    };
    let common = json!([
        {"type": "RequestHeaderModifier", "requestHeaderModifier": header("1")},
        {"type": "ResponseHeaderModifier", "responseHeaderModifier": header("2")},
        mirror(json!({"percent": 10})),
        mirror(json!({"fraction": {"numerator": 1, "denominator": 9}})),
    ]);
    let rewrite = |path: Value| json!({"type": "URLRewrite", "urlRewrite": {"hostname": "a.example", "path": path}});
    let redirect = |path: Value| {
        json!({"type": "RequestRedirect", "requestRedirect": {
            "scheme": "https", "hostname": "a.example", "port": 8443, "statusCode": 301, "path": path}})
    };
    let full_path = json!({"type": "ReplaceFullPath", "replaceFullPath": "/a"});
    let prefix = json!({"type": "ReplacePrefixMatch", "replacePrefixMatch": "/a"});
    let filters = |more: Value| {
        let mut all = common.as_array().unwrap().clone();
        all.push(more);
        Value::Array(all)
    };
    let target = |filters: Value| json!({"group": "core.apoxy.dev", "kind": "Backend", "name": "b", "port": 80, "weight": 1, "filters": filters});
    let matches = json!([{
        "path": {"type": "PathPrefix", "value": "/p"}, "method": "GET",
        "headers": [{"type": "Exact", "name": "a", "value": "b.*"}],
        "queryParams": [{"type": "Exact", "name": "a", "value": "b.*"}],
    }]);
    let cors = json!({"type": "CORS", "cors": {"allowOrigins": ["https://a"], "allowMethods": ["GET"], "allowHeaders": ["a"],
        "exposeHeaders": ["b"], "allowCredentials": true, "maxAge": 60}});
    let mut first = filters(rewrite(prefix.clone()));
    first.as_array_mut().unwrap().push(cors);
    let rules = json!([
        {"name": "one", "matches": matches, "filters": first,
         "backendRefs": [target(filters(rewrite(prefix.clone()))), target(json!([]))],
         "timeouts": {"request": "9s", "backendRequest": "5s"}},
        {"matches": matches, "filters": filters(rewrite(full_path.clone())),
         "backendRefs": [target(filters(rewrite(full_path.clone())))]},
        {"matches": matches, "filters": [redirect(prefix)]},
        {"matches": matches, "filters": [redirect(full_path)]},
    ]);
    let route = json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": {"name": "r", "namespace": "infra", "generation": 1},
        "spec": {
            "parentRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": "infra", "name": "g",
                "sectionName": "http", "port": 80}],
            "hostnames": ["a.example"],
            "rules": rules,
        },
    });
    let allowed = json!({
        "kinds": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute"}],
        "namespaces": {"from": "Selector", "selector": {
            "matchLabels": {"team": "a"}, "matchExpressions": [{"key": "tier", "operator": "In", "values": ["x"]}]}},
    });
    let tls = json!({"mode": "Terminate", "certificateRefs": [
        {"group": "", "kind": "Secret", "name": "c", "namespace": "infra"}]});
    let mut gateway = gateway(
        "g",
        json!([
            {"name": "http", "hostname": "a.example", "protocol": "HTTP", "port": 80, "allowedRoutes": allowed, "tls": null},
            {"name": "https", "hostname": "a.example", "protocol": "HTTPS", "port": 443, "tls": tls},
        ]),
    );
    gateway["spec"]["listeners"][0].as_object_mut().unwrap().remove("tls");
    gateway["spec"]["addresses"] = json!([{"type": "IPAddress", "value": "10.0.0.1"}]);
    gateway["spec"]["infrastructure"] =
        json!({"parametersRef": {"group": "core.apoxy.dev", "kind": "Proxy", "name": "edge"}});
    vec![
        class(),
        gateway,
        route,
        backend("b", "10.0.0.2"),
        backend("m", "10.0.0.3"),
        certificate("c"),
        proxy("edge"),
        namespace("infra", json!({"team": "a", "tier": "x"})),
    ]
}
