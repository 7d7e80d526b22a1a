use serde_json::{Value, json};

use crate::server::{BACKENDS, MERGE, Server, backend, names, version};

#[tokio::test]
async fn create_sets_what_is_the_servers() {
    let server = Server::new().await;
    let mut object = backend("web");
    object["metadata"]["uid"] = "mine".into();
    object["metadata"]["generation"] = 7.into();
    object["metadata"]["creationTimestamp"] = "2001-01-01T00:00:00Z".into();
    object["metadata"]["deletionTimestamp"] = "2001-01-01T00:00:00Z".into();
    object["metadata"]["managedFields"] = json!([{"manager": "me"}]);
    object["status"] = json!({"conditions": [{"type": "Programmed"}]});
    let created = server.post(BACKENDS, &object).await.expect(201);
    let metadata = &created["metadata"];
    assert_eq!(metadata["generation"], 1);
    let uid = metadata["uid"].as_str().unwrap();
    assert_eq!((uid.len(), uid.as_bytes()[14]), (36, b'4'), "{uid}");
    let time = metadata["creationTimestamp"].as_str().unwrap();
    assert!(time.len() == 20 && time.ends_with('Z') && !time.starts_with("2001"), "{time}");
    assert!(version(&created) > 0);
    assert!(metadata.get("deletionTimestamp").is_none());
    // What is no list of managers is not looked at: whoever creates an object owns what is in it.
    assert_eq!(metadata["managedFields"].as_array().unwrap().len(), 1);
    assert!(created["status"].get("conditions").is_none(), "{created}");
}

#[tokio::test]
async fn create_with_a_version_is_refused() {
    let mut object = backend("web");
    object["metadata"]["resourceVersion"] = "5".into();
    let status = Server::new().await.post(BACKENDS, &object).await.failure(400, "BadRequest");
    assert_eq!(status["message"], "resourceVersion should not be set on objects to be created");
}

#[tokio::test]
async fn generated_names() {
    let server = Server::new().await;
    let mut object = backend("x");
    object["metadata"] = json!({"generateName": "web-"});
    let mut seen = Vec::new();
    for _ in 0..5 {
        let created = server.post(BACKENDS, &object).await.expect(201);
        let name = created["metadata"]["name"].as_str().unwrap().to_owned();
        let suffix = name.strip_prefix("web-").unwrap();
        assert_eq!(suffix.len(), 5);
        assert!(suffix.chars().all(|c| "bcdfghjklmnpqrstvwxz2456789".contains(c)), "{name}");
        assert_eq!(created["metadata"]["generateName"], "web-");
        seen.push(name);
    }
    seen.sort();
    assert_eq!(names(&server.get(BACKENDS).await.expect(200)), seen);
    object["metadata"] = json!({"generateName": "web-", "name": "given"});
    assert_eq!(server.post(BACKENDS, &object).await.expect(201)["metadata"]["name"], "given");
    object["metadata"] = json!({});
    server.post(BACKENDS, &object).await.failure(422, "Invalid");
}

#[tokio::test]
async fn a_name_is_taken_once() {
    let server = Server::new().await;
    server.backend("web").await;
    let status = server.post(BACKENDS, &backend("web")).await.failure(409, "AlreadyExists");
    assert_eq!(status["message"], r#"backends.core.apoxy.dev "web" already exists"#);
    assert_eq!(status["details"]["name"], "web");
}

#[tokio::test]
async fn everything_wrong_is_said_at_once() {
    let mut object = backend("Bad_Name");
    object["metadata"]["labels"] = json!({"a b": "c d"});
    object["metadata"]["finalizers"] = json!(["/"]);
    object["spec"] = json!({"protocol": "ftp", "endpoints": [{"fqdn": "a", "ip": "1.2.3.4"}]});
    let status = Server::new().await.post(BACKENDS, &object).await.failure(422, "Invalid");
    let message = status["message"].as_str().unwrap();
    assert!(message.starts_with(r#"Backend.core.apoxy.dev "Bad_Name" is invalid: ["#), "{message}");
    let details = &status["details"];
    assert_eq!((details["kind"].as_str(), details["group"].as_str()), (Some("Backend"), Some("core.apoxy.dev")));
    let causes = details["causes"].as_array().unwrap();
    for (field, reason) in [
        ("metadata.name", "FieldValueInvalid"),
        ("metadata.labels", "FieldValueInvalid"),
        ("metadata.finalizers[0]", "FieldValueInvalid"),
        ("spec.protocol", "FieldValueNotSupported"),
    ] {
        let cause =
            causes.iter().find(|cause| cause["field"] == field).unwrap_or_else(|| panic!("{field}: {causes:?}"));
        assert_eq!(cause["reason"], reason);
        assert!(cause["message"].is_string());
    }
}

#[tokio::test]
async fn one_thing_wrong_is_one_sentence() {
    let mut object = backend("web");
    object["spec"] = json!({"endpoints": []});
    let status = Server::new().await.post(BACKENDS, &object).await.failure(422, "Invalid");
    let message = status["message"].as_str().unwrap();
    assert!(
        message.starts_with(r#"Backend.core.apoxy.dev "web" is invalid: spec.endpoints: Required value"#),
        "{message}"
    );
}

#[tokio::test]
async fn bodies_that_are_not_the_object() {
    let server = Server::new().await;
    server.backend("web").await;
    let path = format!("{BACKENDS}/web");
    let change = |field: &str, value: Value| {
        let mut object = backend("web");
        object[field] = value;
        object
    };
    for object in [
        change("kind", "Proxy".into()),
        change("kind", Value::Null),
        change("apiVersion", "v1".into()),
        change("apiVersion", Value::Null),
        json!([]),
        json!("text"),
    ] {
        server.put(&path, &object).await.failure(400, "BadRequest");
        server.post(BACKENDS, &object).await.failure(400, "BadRequest");
    }
    for body in ["", "  ", "{", "nonsense", "{\"a\":1}}"] {
        server.call("POST", BACKENDS, &[], body).await.failure(400, "BadRequest");
    }
    server.call("POST", BACKENDS, &[], vec![b'"', 0xff, b'"']).await.failure(400, "BadRequest");
    let status = server.put(&path, &backend("other")).await.failure(400, "BadRequest");
    let message = "the name of the object (other) does not match the name on the URL (web)";
    assert_eq!(status["message"], message);
}

#[tokio::test]
async fn unknown_and_repeated_fields() {
    let server = Server::new().await;
    let mut object = backend("web");
    object["spec"]["protcol"] = "h2".into();
    let strict = format!("{BACKENDS}?fieldValidation=Strict");
    let status = server.post(&strict, &object).await.failure(400, "BadRequest");
    assert_eq!(
        status["message"],
        "Backend in version \"v1alpha2\" cannot be handled as a Backend: strict decoding error: unknown field \
         \"spec.protcol\""
    );
    let ignored = server.post(&format!("{BACKENDS}?fieldValidation=Ignore"), &object).await;
    assert_eq!(ignored.header("warning"), "");
    assert!(ignored.expect(201)["spec"].get("protcol").is_none(), "unknown fields are dropped");
    for (name, query) in [("b", ""), ("c", "?fieldValidation=Warn")] {
        object["metadata"]["name"] = name.into();
        let warned = server.post(&format!("{BACKENDS}{query}"), &object).await;
        assert_eq!(warned.header("warning"), r#"299 - "unknown field \"spec.protcol\"""#);
        warned.expect(201);
    }
    let twice = r#"{"apiVersion":"core.apoxy.dev/v1alpha2","kind":"Backend","metadata":{"name":"d"},
        "spec":{"protocol":"h2","protocol":"tls","endpoints":[{"fqdn":"example.com"}]}}"#;
    let status = server.call("POST", &strict, &[], twice).await.failure(400, "BadRequest");
    assert!(status["message"].as_str().unwrap().contains(r#"duplicate field "spec.protocol""#), "{status}");
    server.post(&format!("{BACKENDS}?fieldValidation=Maybe"), &object).await.failure(422, "Invalid");
    let patched =
        server.patch(&format!("{BACKENDS}/b?fieldValidation=Strict"), MERGE, &json!({"spec": {"x": 1}})).await;
    assert!(patched.failure(400, "BadRequest")["message"].as_str().unwrap().contains("spec.x"));
}

#[tokio::test]
async fn dry_runs_do_everything_but_store() {
    let server = Server::new().await;
    let dry = |path: &str| format!("{path}?dryRun=All");
    let mut object = backend("web");
    object["spec"]["protocol"] = "H2".into();
    let created = server.post(&dry(BACKENDS), &object).await.expect(201);
    assert_eq!(created["spec"]["protocol"], "h2");
    assert!(created["metadata"]["uid"].is_string());
    server.get(&format!("{BACKENDS}/web")).await.failure(404, "NotFound");
    object["spec"]["protocol"] = "ftp".into();
    server.post(&dry(BACKENDS), &object).await.failure(422, "Invalid");

    let stored = server.backend("web").await;
    let path = format!("{BACKENDS}/web");
    server.post(&dry(BACKENDS), &backend("web")).await.failure(409, "AlreadyExists");
    object["spec"]["protocol"] = "tls".into();
    assert_eq!(server.put(&dry(&path), &object).await.expect(200)["metadata"]["generation"], 2);
    let patched = server.patch(&dry(&path), MERGE, &json!({"spec": {"protocol": "h2c"}})).await.expect(200);
    assert_eq!(patched["spec"]["protocol"], "h2c");
    server.delete(&dry(&path)).await.expect(200);
    server.call("DELETE", &path, &[], r#"{"dryRun":["All"]}"#).await.expect(200);
    server.delete(&dry(BACKENDS)).await.expect(200);
    assert_eq!(server.get(&path).await.expect(200), stored);
    server.post(&format!("{BACKENDS}?dryRun=Some"), &object).await.failure(400, "BadRequest");
}

#[tokio::test]
async fn put_replaces_the_version_it_names() {
    let server = Server::new().await;
    let created = server.backend("web").await;
    let path = format!("{BACKENDS}/web");
    let mut object = created.clone();
    object["spec"]["protocol"] = "h2".into();
    let updated = server.put(&path, &object).await.expect(200);
    assert!(version(&updated) > version(&created));
    assert_eq!(updated["metadata"]["generation"], 2);
    assert_eq!(updated["metadata"]["uid"], created["metadata"]["uid"]);
    let status = server.put(&path, &object).await.failure(409, "Conflict");
    assert_eq!(
        status["message"],
        "Operation cannot be fulfilled on backends.core.apoxy.dev \"web\": the object has been modified; please apply \
         your changes to the latest version and try again"
    );
    let mut unconditional = backend("web");
    unconditional["metadata"]["resourceVersion"] = "".into();
    unconditional["spec"]["protocol"] = "tls".into();
    assert_eq!(server.put(&path, &unconditional).await.expect(200)["spec"]["protocol"], "tls");
    server.put(&format!("{BACKENDS}/gone"), &backend("gone")).await.failure(404, "NotFound");
}

#[tokio::test]
async fn a_version_of_another_type_is_not_taken_for_none() {
    let server = Server::new().await;
    let created = server.backend("web").await;
    let path = format!("{BACKENDS}/web");
    for (name, value) in [
        ("resourceVersion", json!(version(&created))),
        ("resourceVersion", json!(["1"])),
        ("uid", json!(5)),
        ("name", json!(5)),
        ("namespace", json!(true)),
        ("generation", json!("x")),
        ("creationTimestamp", json!("yesterday")),
        ("managedFields", json!("x")),
    ] {
        let mut object = backend("web");
        object["spec"]["protocol"] = "h2".into();
        object["metadata"][name] = value.clone();
        let patch = json!({"metadata": {name: value}, "spec": {"protocol": "h2"}});
        let replaced = server.put(&path, &object).await.failure(422, "Invalid");
        let patched = server.patch(&path, MERGE, &patch).await.failure(422, "Invalid");
        object["metadata"]["generateName"] = "other-".into();
        let made = server.post(BACKENDS, &object).await.failure(422, "Invalid");
        for status in [replaced, patched, made] {
            assert_eq!(status["details"]["causes"][0]["field"], format!("metadata.{name}"), "{status}");
        }
    }
    let yaml = "apiVersion: core.apoxy.dev/v1alpha2\nkind: Backend\nmetadata: {name: web, resourceVersion: 5}\nspec: {endpoints: [{ip: 127.0.0.1}]}\n";
    server.call("PUT", &path, &[("content-type", "application/yaml")], yaml).await.failure(422, "Invalid");
    assert_eq!(server.get(&path).await.expect(200), created);
    // Null is nothing, as everywhere.
    let mut object = backend("web");
    for name in ["resourceVersion", "uid", "namespace", "creationTimestamp", "managedFields"] {
        object["metadata"][name] = Value::Null;
    }
    assert_eq!(server.put(&path, &object).await.expect(200), created);
}

#[tokio::test]
async fn the_path_says_what_objects_of_kubernetes_are() {
    let server = Server::new().await;
    let spec = json!({"holderIdentity": "one", "leaseDurationSeconds": 15});
    let event = json!({
        "metadata": {"name": "it"}, "eventTime": "2026-01-01T00:00:00.000000Z", "reason": "Tried", "action": "Tried",
        "reportingController": "example.com/test", "reportingInstance": "one", "type": "Normal",
        "regarding": {"kind": "Backend", "name": "web"},
    });
    for (path, object) in [
        ("/apis/coordination.k8s.io/v1/namespaces/default/leases", json!({"metadata": {"name": "it"}, "spec": spec})),
        ("/apis/events.k8s.io/v1/namespaces/default/events", event),
        ("/api/v1/namespaces/default/configmaps", json!({"metadata": {"name": "it"}, "data": {"a": "b"}})),
    ] {
        let created = server.post(path, &object).await.expect(201);
        assert!(created["kind"].is_string() && created["apiVersion"].is_string(), "{created}");
    }
    let unnamed = json!({"metadata": {"name": "it"}, "spec": {"endpoints": [{"ip": "192.0.2.1"}]}});
    server.post(BACKENDS, &unnamed).await.failure(400, "BadRequest");
}

#[tokio::test]
async fn what_changes_nothing_is_no_change() {
    let server = Server::new().await;
    let created = server.backend("web").await;
    let path = format!("{BACKENDS}/web");
    let before = server.store.snapshot().revision();
    assert_eq!(server.put(&path, &backend("web")).await.expect(200), created);
    assert_eq!(server.put(&path, &created).await.expect(200), created);
    let same = server.patch(&path, MERGE, &json!({"metadata": {"name": "web"}})).await.expect(200);
    assert_eq!(same, created);
    assert_eq!(server.store.snapshot().revision(), before);
}

#[tokio::test]
async fn generation_counts_changes_of_the_spec_alone() {
    let server = Server::new().await;
    server.backend("web").await;
    let path = format!("{BACKENDS}/web");
    let generation = async |patch: Value| {
        server.patch(&path, MERGE, &patch).await.expect(200)["metadata"]["generation"].as_i64().unwrap()
    };
    assert_eq!(generation(json!({"metadata": {"labels": {"a": "b"}}})).await, 1);
    assert_eq!(generation(json!({"spec": {"protocol": "h2"}})).await, 2);
    assert_eq!(generation(json!({"metadata": {"generation": 99, "annotations": {"a": "b"}}})).await, 2);
}

#[tokio::test]
async fn what_cannot_change_does_not() {
    let server = Server::new().await;
    let created = server.backend("web").await;
    let path = format!("{BACKENDS}/web");
    let mut object = backend("web");
    object["metadata"]["creationTimestamp"] = "2001-01-01T00:00:00Z".into();
    object["metadata"]["deletionTimestamp"] = "2001-01-01T00:00:00Z".into();
    object["metadata"]["labels"] = json!({"a": "b"});
    let updated = server.put(&path, &object).await.expect(200);
    assert_eq!(updated["metadata"]["creationTimestamp"], created["metadata"]["creationTimestamp"]);
    assert_eq!(updated["metadata"]["uid"], created["metadata"]["uid"]);
    assert!(updated["metadata"].get("deletionTimestamp").is_none());
    object["metadata"]["uid"] = "another".into();
    server.put(&path, &object).await.failure(409, "Conflict");
}

#[tokio::test]
async fn status_and_the_rest_are_written_apart() {
    let server = Server::new().await;
    let created = server.backend("web").await;
    let condition = json!({
        "type": "Programmed", "status": "True", "reason": "Acknowledged", "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 1,
    });
    let status_path = format!("{BACKENDS}/web/status");
    let mut object = created.clone();
    object["status"] = json!({"conditions": [condition]});
    object["spec"]["protocol"] = "h2".into();
    object["metadata"]["labels"] = json!({"a": "b"});
    let updated = server.put(&status_path, &object).await.expect(200);
    assert_eq!(updated["status"]["conditions"][0]["reason"], "Acknowledged");
    assert_eq!(updated["spec"], created["spec"]);
    assert!(updated["metadata"].get("labels").is_none());
    assert_eq!(updated["metadata"]["generation"], 1);
    server.put(&status_path, &object).await.failure(409, "Conflict");

    let mut object = backend("web");
    object["spec"]["protocol"] = "h2".into();
    object["status"] = json!({"conditions": []});
    let updated = server.put(&format!("{BACKENDS}/web"), &object).await.expect(200);
    assert_eq!(updated["status"]["conditions"][0]["reason"], "Acknowledged");
    assert_eq!(updated["spec"]["protocol"], "h2");

    let patch = json!({"status": {"conditions": null}, "spec": {"protocol": "tls"}});
    let patched = server.patch(&status_path, MERGE, &patch).await.expect(200);
    assert!(patched["status"].get("conditions").is_none_or(|conditions| conditions == &json!([])), "{patched}");
    assert_eq!(patched["spec"]["protocol"], "h2");
}

#[tokio::test]
async fn defaults_reach_objects_that_were_stored_without_them() {
    let server = Server::new().await;
    let spec = json!({"dynamicProxy": {"dnsCacheConfig": {}}});
    let mut object = backend("web");
    object["spec"] = spec.clone();
    let created = server.post(BACKENDS, &object).await.expect(201);
    assert!(created["spec"]["dynamicProxy"]["dnsCacheConfig"]["hostTTL"].is_string(), "{created}");
    // As an earlier version would have stored it.
    let key = backstay_store::Key::new("backends.core.apoxy.dev", "", "web");
    let entry = server.store.snapshot().get(&key).unwrap().clone();
    let mut stored = backstay_resources::Object::decode(&entry.value.bytes()).unwrap();
    stored.body.insert("spec".into(), spec);
    let operation = backstay_store::Operation::Put(stored.encode().unwrap().into());
    let write = backstay_store::Write { key, expect: backstay_store::Expect::Any, operation };
    server.store.commit(vec![write]).await.unwrap();
    backstay_kube::bootstrap(&server.store, &backstay_resources::Registry::built_in()).await.unwrap();
    let read = server.get(&format!("{BACKENDS}/web")).await.expect(200);
    assert_eq!(read["spec"], created["spec"]);
    assert_eq!(read["metadata"]["generation"], 1);
}
