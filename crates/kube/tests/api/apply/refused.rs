//! What is not applied.

use serde_json::{Value, json};

use super::{APPLY, at, spec, web};
use crate::server::{BACKENDS, MERGE, Server, version};

#[tokio::test]
async fn what_managers_take_is_bounded() {
    let options = backstay_kube::Options { max_managed_fields_bytes: 1000, ..backstay_kube::Options::default() };
    let server = Server::with(backstay_store::Memory::new(), options).await;
    let applied = web(&spec("a.example.com", "h2"));
    let mut last = Value::Null;
    for number in 0..20 {
        let answer = server.patch(&at(&format!("fieldManager=m{number}")), APPLY, &applied).await;
        if answer.status == 413 {
            let status = answer.failure(413, "RequestEntityTooLarge");
            assert!(status["message"].as_str().unwrap().starts_with("metadata.managedFields would take "), "{status}");
            let reset = json!({"metadata": {"managedFields": [{}]}});
            server.patch(&at(""), MERGE, &reset).await.expect(200);
            server.patch(&at(&format!("fieldManager=m{number}")), APPLY, &applied).await.expect(200);
            return;
        }
        last = answer.json();
    }
    panic!("there is no bound: {last}");
}

#[tokio::test]
async fn an_apply_may_name_the_version_it_expects() {
    let server = Server::new().await;
    let created = server.patch(&at("fieldManager=ann"), APPLY, &web(&spec("a.example.com", "h2"))).await.expect(201);
    let mut next = web(&spec("a.example.com", "tls"));
    next["metadata"]["resourceVersion"] = (version(&created) + 1).to_string().into();
    server.patch(&at("fieldManager=ann"), APPLY, &next).await.failure(409, "Conflict");
    next["metadata"]["resourceVersion"] = version(&created).to_string().into();
    server.patch(&at("fieldManager=ann"), APPLY, &next).await.expect(200);
    next["metadata"] = json!({"name": "web", "uid": "another"});
    server.patch(&at("fieldManager=ann"), APPLY, &next).await.failure(409, "Conflict");
    next["metadata"]["name"] = "absent".into();
    server.patch(&format!("{BACKENDS}/absent?fieldManager=ann"), APPLY, &next).await.failure(409, "Conflict");
}

#[tokio::test]
async fn what_cannot_be_applied_is_refused_with_its_field() {
    let server = Server::new().await;
    let good = web(&spec("a.example.com", "h2"));
    let status = server.patch(&at(""), APPLY, &good).await.failure(422, "Invalid");
    assert_eq!(status["details"]["causes"][0]["field"], "fieldManager");
    assert_eq!(
        status["message"],
        "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch"
    );
    let status = server.patch(&at("force=true"), MERGE, &json!({})).await.failure(422, "Invalid");
    assert_eq!(
        status["message"],
        "PatchOptions.meta.k8s.io \"\" is invalid: force: Forbidden: may not be specified for non-apply patch"
    );
    server.patch(&at("fieldManager=ann"), APPLY, &good).await.expect(201);
    let head = "failed to create typed patch object (/web; core.apoxy.dev/v1alpha2, Kind=Backend): ";
    for (spec, why) in [
        (json!({"protcol": "h2"}), ".spec.protcol: field not declared in schema"),
        (json!({"endpoints": "x"}), ".spec.endpoints: expected list, got string"),
        (json!({"protocol": 1}), ".spec.protocol: expected string, got number"),
        (json!([]), ".spec: expected map, got list"),
    ] {
        let status = server.patch(&at("fieldManager=ann"), APPLY, &web(&spec)).await.failure(400, "BadRequest");
        assert_eq!(status["message"], format!("{head}{why}"));
    }
    server.patch(&at("fieldManager=ann"), APPLY, &web(&json!({"protocol": "ftp"}))).await.failure(422, "Invalid");
    let mut managed = good.clone();
    managed["metadata"]["managedFields"] = json!([]);
    let status = server.patch(&at("fieldManager=ann"), APPLY, &managed).await.failure(400, "BadRequest");
    assert_eq!(status["message"], "metadata.managedFields must be nil");
    for body in ["", "[]", "{a: b", "kind: Backend", "a: 1\n---\nb: 2\n"] {
        server.call("PATCH", &at("fieldManager=ann"), &[APPLY], body).await.failure(400, "BadRequest");
    }
    let yaml = "apiVersion: core.apoxy.dev/v1alpha2\nkind: Backend\nmetadata: {name: web}\nspec:\n  protocol: tls\n  protocol: h2\n";
    server
        .call("PATCH", &at("fieldManager=ann&fieldValidation=Strict"), &[APPLY], yaml)
        .await
        .failure(400, "BadRequest");
    let warned = server.call("PATCH", &at("fieldManager=ben"), &[APPLY], yaml).await;
    assert!(warned.header("warning").contains("duplicate field"), "{:?}", warned.headers);
    warned.expect(200);
    let mut nameless = good;
    nameless["metadata"] = json!({});
    server.patch(&format!("{BACKENDS}/absent?fieldManager=ann"), APPLY, &nameless).await.failure(400, "BadRequest");
}
