//! Server-side apply, and who owns which field. What is expected is what kube-apiserver 1.34 answers for custom resources with the
//! same schemas.

mod refused;

use serde_json::{Value, json};

use crate::server::{BACKENDS, JSON_PATCH, MERGE, Server, backend};

const APPLY: (&str, &str) = ("content-type", "application/apply-patch+yaml");
const GATEWAYS: &str = "/apis/gateway.networking.k8s.io/v1/namespaces/default/gateways";
const ROUTES: &str = "/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes";

/// Which fields each manager owns: `MANAGER OPERATION` or `MANAGER OPERATION SUBRESOURCE`.
fn owners(object: &Value) -> Value {
    let entries = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    let named = entries.into_iter().map(|entry| {
        assert_eq!(entry["fieldsType"], "FieldsV1");
        assert!(entry["time"].as_str().unwrap().ends_with('Z'), "{entry}");
        assert_eq!(entry["apiVersion"], object["apiVersion"]);
        let words = ["manager", "operation", "subresource"].map(|name| entry[name].as_str().unwrap_or_default());
        (words.join(" ").trim_end().to_owned(), entry["fieldsV1"].clone())
    });
    Value::Object(named.collect())
}

fn spec(endpoint: &str, protocol: &str) -> Value {
    json!({"endpoints": [{"fqdn": endpoint}], "protocol": protocol})
}

fn web(spec: &Value) -> Value {
    json!({"apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Backend", "metadata": {"name": "web"}, "spec": spec})
}

fn at(query: &str) -> String {
    format!("{BACKENDS}/web?{query}")
}

fn causes(status: &Value) -> Vec<(&str, &str)> {
    let causes = status["details"]["causes"].as_array().unwrap().iter();
    causes
        .map(|cause| {
            assert_eq!(cause["reason"], "FieldManagerConflict");
            (cause["message"].as_str().unwrap(), cause["field"].as_str().unwrap())
        })
        .collect()
}

#[tokio::test]
async fn every_write_notes_who_wrote_what() {
    let server = Server::new().await;
    let mut object = web(&spec("a.example.com", "h2"));
    object["metadata"]["labels"] = json!({"app": "web"});
    object["metadata"]["finalizers"] = json!(["example.com/guard"]);
    let agent = [("content-type", "application/json"), ("user-agent", "creator/1.0 (linux)")];
    let created = server.call("POST", BACKENDS, &agent, object.to_string()).await.expect(201);
    let by_creator = json!({
        "f:metadata": {"f:finalizers": {".": {}, "v:\"example.com/guard\"": {}}, "f:labels": {".": {}, "f:app": {}}},
        "f:spec": {".": {}, "f:endpoints": {}, "f:protocol": {}},
    });
    assert_eq!(owners(&created), json!({"creator Update": by_creator}));

    let patch = json!({"metadata": {"labels": {"tier": "front"}}, "spec": {"protocol": "tls"}});
    let patched = server.patch(&at("fieldManager=patcher"), MERGE, &patch).await.expect(200);
    let rest = json!({
        "f:metadata": {"f:finalizers": {".": {}, "v:\"example.com/guard\"": {}}, "f:labels": {".": {}, "f:app": {}}},
        "f:spec": {".": {}, "f:endpoints": {}},
    });
    let by_patcher = json!({"f:metadata": {"f:labels": {"f:tier": {}}}, "f:spec": {"f:protocol": {}}});
    assert_eq!(owners(&patched), json!({"creator Update": rest, "patcher Update": by_patcher}));

    let status = json!({"status": {"acknowledgedVersion": "x"}});
    let path = format!("{BACKENDS}/web/status?fieldManager=patcher");
    let by_status = json!({"f:status": {".": {}, "f:acknowledgedVersion": {}}});
    let patched = server.patch(&path, MERGE, &status).await.expect(200);
    assert_eq!(
        owners(&patched),
        json!({"creator Update": rest, "patcher Update": by_patcher, "patcher Update status": by_status})
    );
    let again = server.patch(&path, MERGE, &status).await.expect(200);
    assert_eq!(again, patched, "what changes nothing is no write");
}

#[tokio::test]
async fn what_is_applied_is_owned_and_what_others_own_is_a_conflict() {
    let server = Server::new().await;
    let ann = web(&spec("a.example.com", "h2"));
    let created = server.patch(&at("fieldManager=ann"), APPLY, &ann).await.expect(201);
    let both = json!({"f:spec": {"f:endpoints": {}, "f:protocol": {}}});
    assert_eq!(owners(&created), json!({"ann Apply": both}));
    let again = server.patch(&at("fieldManager=ann"), APPLY, &ann).await.expect(200);
    assert_eq!(again, created, "what changes nothing is no write");

    let shared = server.patch(&at("fieldManager=ben"), APPLY, &ann).await.expect(200);
    assert_eq!(owners(&shared), json!({"ann Apply": both, "ben Apply": both}));
    let other = web(&spec("b.example.com", "tls"));
    let status = server.patch(&at("fieldManager=cleo"), APPLY, &other).await.failure(409, "Conflict");
    assert_eq!(
        causes(&status),
        [
            ("conflict with \"ann\"", ".spec.endpoints"),
            ("conflict with \"ann\"", ".spec.protocol"),
            ("conflict with \"ben\"", ".spec.endpoints"),
            ("conflict with \"ben\"", ".spec.protocol"),
        ]
    );
    assert_eq!(
        status["message"],
        "Apply failed with 4 conflicts: conflicts with \"ann\":\n- .spec.endpoints\n- .spec.protocol\nconflicts with \"ben\":\n\
         - .spec.endpoints\n- .spec.protocol"
    );
    let dry = server.patch(&at("fieldManager=cleo&force=true&dryRun=All"), APPLY, &other).await.expect(200);
    assert_eq!(owners(&dry), json!({"cleo Apply": both}));
    assert_eq!(server.get(&at("")).await.expect(200), shared);
    let forced = server.patch(&at("fieldManager=cleo&force=true"), APPLY, &other).await.expect(200);
    assert_eq!((owners(&forced), forced["spec"].clone()), (json!({"cleo Apply": both}), spec("b.example.com", "tls")));
}

#[tokio::test]
async fn an_update_takes_what_it_changes_and_is_named_in_conflicts() {
    let server = Server::new().await;
    let applied = web(&spec("a.example.com", "h2"));
    server.patch(&at("fieldManager=ann"), APPLY, &applied).await.expect(201);
    let patch = json!({"spec": {"protocol": "tls"}});
    server.patch(&at("fieldManager=ben"), MERGE, &patch).await.expect(200);
    let status = server.patch(&at("fieldManager=ann"), APPLY, &applied).await.failure(409, "Conflict");
    assert_eq!(causes(&status), [("conflict with \"ben\" using core.apoxy.dev/v1alpha2", ".spec.protocol")]);
    assert_eq!(
        status["message"],
        "Apply failed with 1 conflict: conflict with \"ben\" using core.apoxy.dev/v1alpha2: .spec.protocol"
    );
}

#[tokio::test]
async fn what_is_given_up_goes_unless_another_owns_it() {
    let server = Server::new().await;
    let mut full = web(&spec("a.example.com", "h2"));
    full["metadata"]["labels"] = json!({"one": "1", "two": "2"});
    full["metadata"]["finalizers"] = json!(["example.com/a", "example.com/b"]);
    server.patch(&at("fieldManager=ann"), APPLY, &full).await.expect(201);
    let mut part = web(&json!({"protocol": "h2"}));
    part["metadata"]["labels"] = json!({"two": "2"});
    part["metadata"]["finalizers"] = json!(["example.com/b"]);
    server.patch(&at("fieldManager=ben"), APPLY, &part).await.expect(200);
    let left = web(&json!({"endpoints": [{"fqdn": "a.example.com"}]}));
    let applied = server.patch(&at("fieldManager=ann"), APPLY, &left).await.expect(200);
    assert_eq!(applied["metadata"]["labels"], json!({"two": "2"}));
    assert_eq!(applied["metadata"]["finalizers"], json!(["example.com/b"]));
    assert_eq!(applied["spec"], spec("a.example.com", "h2"));
    let applied = server.patch(&at("fieldManager=ben"), APPLY, &web(&json!({}))).await.expect(200);
    assert!(applied["metadata"].get("labels").is_none() && applied["metadata"].get("finalizers").is_none());
    assert_eq!(applied["spec"], spec("a.example.com", ""), "a default is nobody's");
    assert_eq!(owners(&applied), json!({"ann Apply": {"f:spec": {"f:endpoints": {}}}, "ben Apply": {"f:spec": {}}}));
}

#[tokio::test]
async fn lists_are_shared_by_item_where_items_have_names() {
    let server = Server::new().await;
    let gateway = |listeners: Value| {
        json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "web"},
            "spec": {"gatewayClassName": "backstay", "listeners": listeners}})
    };
    let listener = |name: &str, port: u16| json!({"name": name, "port": port, "protocol": "HTTP"});
    let path = |manager: &str| format!("{GATEWAYS}/web?fieldManager={manager}");
    let ann = gateway(json!([listener("http", 80), listener("alt", 8080)]));
    server.patch(&path("ann"), APPLY, &ann).await.expect(201);
    let ben = gateway(json!([listener("other", 81), {"name": "http", "hostname": "a.example.com"}]));
    let applied = server.patch(&path("ben"), APPLY, &ben).await.expect(200);
    let names: Vec<&str> =
        applied["spec"]["listeners"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["other", "http", "alt"]);
    assert_eq!(applied["spec"]["listeners"][1]["hostname"], "a.example.com");
    assert_eq!(
        owners(&applied)["ben Apply"]["f:spec"]["f:listeners"],
        json!({
            "k:{\"name\":\"http\"}": {".": {}, "f:hostname": {}, "f:name": {}},
            "k:{\"name\":\"other\"}": {".": {}, "f:name": {}, "f:port": {}, "f:protocol": {}},
        })
    );
    let clash = gateway(json!([{"name": "http", "port": 8000}]));
    let status = server.patch(&path("ben"), APPLY, &clash).await.failure(409, "Conflict");
    assert_eq!(causes(&status), [("conflict with \"ann\"", ".spec.listeners[name=\"http\"].port")]);
    let applied = server.patch(&path("ann"), APPLY, &gateway(json!([listener("http", 80)]))).await.expect(200);
    assert_eq!(applied["spec"]["listeners"].as_array().unwrap().len(), 2, "{applied}");

    let twice = gateway(json!([listener("http", 80), listener("http", 81)]));
    let status = server.patch(&path("ann"), APPLY, &twice).await.failure(400, "BadRequest");
    let message = status["message"].as_str().unwrap();
    assert!(message.ends_with(".spec.listeners: duplicate entries for key [name=\"http\"]"), "{message}");
}

#[tokio::test]
async fn a_route_is_owned_by_its_lists() {
    let server = Server::new().await;
    let route = json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "shop"},
        "spec": {
            "parentRefs": [{"name": "web"}],
            "hostnames": ["shop.example.com"],
            "rules": [{"backendRefs": [{"group": "core.apoxy.dev", "kind": "Backend", "name": "one", "port": 80}]}],
        },
    });
    let applied = server.patch(&format!("{ROUTES}/shop?fieldManager=ann"), APPLY, &route).await.expect(201);
    let all = json!({"f:spec": {"f:hostnames": {}, "f:parentRefs": {}, "f:rules": {}}});
    assert_eq!(owners(&applied), json!({"ann Apply": all}));
    let again = server.patch(&format!("{ROUTES}/shop?fieldManager=ann"), APPLY, &route).await.expect(200);
    assert_eq!(again, applied, "defaults within what is applied make no difference");
    let ben = server.patch(&format!("{ROUTES}/shop?fieldManager=ben"), APPLY, &route).await.expect(200);
    assert_eq!(owners(&ben), json!({"ann Apply": all, "ben Apply": all}));
}

#[tokio::test]
async fn the_status_is_applied_apart() {
    let server = Server::new().await;
    server.patch(&at("fieldManager=ann"), APPLY, &web(&spec("a.example.com", "h2"))).await.expect(201);
    let condition = |kind: &str| json!({"type": kind, "status": "True", "reason": "Fine", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"});
    let status = |conditions: Value| {
        let mut object = web(&spec("ignored.example.com", "tls"));
        object["status"] = json!({"conditions": conditions});
        object
    };
    let path = format!("{BACKENDS}/web/status?fieldManager=ctrl");
    server
        .patch(&format!("{BACKENDS}/no/status?fieldManager=ctrl"), APPLY, &status(json!([])))
        .await
        .failure(404, "NotFound");
    let applied = server.patch(&path, APPLY, &status(json!([condition("Accepted")]))).await.expect(200);
    assert_eq!((applied["spec"].clone(), &applied["metadata"]["generation"]), (spec("a.example.com", "h2"), &json!(1)));
    let owned = owners(&applied)["ctrl Apply status"].clone();
    let fields =
        json!({".": {}, "f:lastTransitionTime": {}, "f:message": {}, "f:reason": {}, "f:status": {}, "f:type": {}});
    assert_eq!(owned, json!({"f:status": {"f:conditions": {"k:{\"type\":\"Accepted\"}": fields}}}));
    let applied = server.patch(&path, APPLY, &status(json!([condition("Programmed")]))).await.expect(200);
    assert_eq!(applied["status"]["conditions"], json!([condition("Programmed")]));
    let main = server.patch(&at("fieldManager=ann"), APPLY, &status(json!([]))).await.expect(200);
    assert_eq!(main["status"]["conditions"], json!([condition("Programmed")]));
    assert_eq!(owners(&main)["ann Apply"], json!({"f:spec": {"f:endpoints": {}, "f:protocol": {}}}));
}

#[tokio::test]
async fn who_owned_what_can_be_forgotten() {
    let server = Server::new().await;
    server.post(BACKENDS, &web(&spec("a.example.com", "h2"))).await.expect(201);
    let untouched = server.patch(&at(""), MERGE, &json!({"metadata": {"managedFields": []}})).await.expect(200);
    assert!(
        owners(&untouched).as_object().unwrap().len() == 1,
        "an empty list is what clients send that do not know it"
    );
    let reset = json!([{"op": "replace", "path": "/metadata/managedFields", "value": [{}]}]);
    let reset = server.patch(&at(""), JSON_PATCH, &reset).await.expect(200);
    assert!(reset["metadata"].get("managedFields").is_none());
    let patched = server.patch(&at(""), MERGE, &json!({"spec": {"protocol": "tls"}})).await.expect(200);
    assert!(patched["metadata"].get("managedFields").is_none(), "nothing is known, so that nothing is noted");
    let other = web(&spec("a.example.com", "h2"));
    let status = server.patch(&at("fieldManager=ann"), APPLY, &other).await.failure(409, "Conflict");
    let before = "conflict with \"before-first-apply\" using core.apoxy.dev/v1alpha2";
    assert_eq!(causes(&status), [(before, ".spec.protocol")]);
    let forced = server.patch(&at("fieldManager=ann&force=true"), APPLY, &other).await.expect(200);
    assert_eq!(owners(&forced)["before-first-apply Update"], json!({"f:spec": {".": {}, "f:endpoints": {}}}));
}

#[tokio::test]
async fn a_client_may_say_who_owns_what_and_nonsense_says_nothing() {
    let server = Server::new().await;
    let entry = json!({"manager": "x", "operation": "Apply", "apiVersion": "core.apoxy.dev/v1alpha2", "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:protocol": {}}}, "time": "2026-01-01T00:00:00Z"});
    let mut object = web(&spec("a.example.com", "h2"));
    object["metadata"]["managedFields"] = json!([entry]);
    let created = server.post(&format!("{BACKENDS}?fieldManager=me"), &object).await.expect(201);
    // Whoever creates an object owns all of it.
    assert_eq!(owners(&created), json!({"me Update": {"f:spec": {".": {}, "f:endpoints": {}, "f:protocol": {}}}}));
    let said =
        server.patch(&at("fieldManager=me"), MERGE, &json!({"metadata": {"managedFields": [entry]}})).await.expect(200);
    assert_eq!(owners(&said), json!({"x Apply": {"f:spec": {"f:protocol": {}}}}));
    for (field, wrong) in [
        ("operation", json!("Write")),
        ("apiVersion", json!("")),
        ("fieldsType", json!("FieldsV2")),
        ("fieldsV1", json!({"spec": {}})),
        ("fieldsV1", json!({"f:spec": {"f:protocol": 1}})),
        ("manager", json!("m".repeat(129))),
    ] {
        let mut wrong_entry = entry.clone();
        wrong_entry[field] = wrong;
        let patch = json!({"metadata": {"managedFields": [wrong_entry]}});
        assert_eq!(server.patch(&at("fieldManager=me"), MERGE, &patch).await.expect(200), said, "{field}");
    }
}

#[tokio::test]
async fn the_oldest_of_many_updaters_become_one() {
    let server = Server::new().await;
    server.post(&format!("{BACKENDS}?fieldManager=m00"), &backend("web")).await.expect(201);
    let mut patched = Value::Null;
    for number in 1..15 {
        let patch = json!({"metadata": {"labels": {format!("l{number}"): "x"}}});
        patched = server.patch(&at(&format!("fieldManager=m{number:02}")), MERGE, &patch).await.expect(200);
    }
    let owners = owners(&patched);
    let names: Vec<&String> = owners.as_object().unwrap().keys().collect();
    assert_eq!(names.len(), 10);
    let ancient = owners["ancient-changes Update"]["f:metadata"]["f:labels"].as_object().unwrap();
    assert!(ancient.len() >= 5, "{ancient:?}");
}

#[tokio::test]
async fn kubectl_goes_over_from_applying_as_a_client() {
    let server = Server::new().await;
    let with_labels = |spec: &Value, labels: Value| {
        let mut object = web(spec);
        object["metadata"]["labels"] = labels;
        object
    };
    let applied = with_labels(&spec("a.example.com", "h2"), json!({"a": "1", "b": "1"}));
    let mut first = applied.clone();
    let last = "kubectl.kubernetes.io/last-applied-configuration";
    first["metadata"]["annotations"] = json!({last: format!("{applied}\n")});
    server.post(&format!("{BACKENDS}?fieldManager=kubectl-client-side-apply"), &first).await.expect(201);
    let next = with_labels(&spec("b.example.com", "h2"), json!({"a": "2"}));
    let status = server.patch(&at("fieldManager=other"), APPLY, &next).await.failure(409, "Conflict");
    assert_eq!(causes(&status).len(), 2);
    let upgraded = server.patch(&at("fieldManager=kubectl"), APPLY, &next).await.expect(200);
    assert_eq!(upgraded["metadata"]["labels"], json!({"a": "2", "b": "1"}));
    let kept: Value = serde_json::from_str(upgraded["metadata"]["annotations"][last].as_str().unwrap()).unwrap();
    assert_eq!(kept, next, "so that one can go back");
    server.patch(&at("fieldManager=someone"), MERGE, &json!({"metadata": {"labels": {"a": "9"}}})).await.expect(200);
    let status = server.patch(&at("fieldManager=kubectl"), APPLY, &next).await.failure(409, "Conflict");
    assert_eq!(causes(&status), [("conflict with \"someone\" using core.apoxy.dev/v1alpha2", ".metadata.labels.a")]);
}

#[tokio::test]
async fn the_texts_of_a_secret_are_owned_where_they_are_kept() {
    let server = Server::new().await;
    let secrets = "/api/v1/namespaces/default/secrets";
    let secret =
        |texts: Value| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": texts});
    let path = format!("{secrets}/s?fieldManager=ann");
    let applied = server.patch(&path, APPLY, &secret(json!({"a": "x", "b": "y"}))).await.expect(201);
    assert_eq!(owners(&applied), json!({"ann Apply": {"f:data": {"f:a": {}, "f:b": {}}}}));
    let applied = server.patch(&path, APPLY, &secret(json!({"a": "x"}))).await.expect(200);
    assert_eq!(applied["data"], json!({"a": "eA=="}));
}
