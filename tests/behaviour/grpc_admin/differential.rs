//! The same life through REST and through gRPC leaves the same objects.

use backstay_proto::admin::{
    ApplyBackendRequest, Backend, CreateBackendRequest, CreateResourceRequest, CreateSecretRequest,
    DeleteBackendCollectionRequest, DeleteBackendRequest, GetBackendRequest, GetResourceRequest, GetSecretRequest,
    ListBackendsRequest, PatchResourceRequest, PatchType, Resource, ResourceType, Secret, UpdateBackendRequest,
    UpdateSecretRequest, backend, resource,
};
use http::{Method, StatusCode};
use prost_types::FieldMask;
use serde_json::{Value, json};

use super::client::{Backends, Resources, Secrets, backend as some_backend, channel, create};
use crate::harness::rest::{BACKENDS, SECRETS};
use crate::harness::{ControlPlane, Rest};

fn mask(paths: &[&str]) -> Option<FieldMask> {
    Some(FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() })
}

fn backend_type() -> Option<ResourceType> {
    Some(ResourceType { api_version: "core.apoxy.dev/v1alpha2".to_owned(), kind: "Backend".to_owned() })
}

/// An object as REST has it, without what differs with each object and each moment.
async fn lasting(rest: &Rest, name: &str) -> String {
    let mut object = rest.read(&format!("{BACKENDS}/{name}")).await;
    let metadata = object["metadata"].as_object_mut().unwrap();
    for field in ["name", "uid", "resourceVersion", "creationTimestamp"] {
        assert!(metadata.remove(field).is_some(), "{field}");
    }
    for entry in metadata["managedFields"].as_array_mut().unwrap() {
        entry.as_object_mut().unwrap().remove("time");
    }
    // The statuses are written by the control plane, at a moment of its own.
    object.as_object_mut().unwrap().remove("status");
    let entries = object["metadata"]["managedFields"].as_array_mut().unwrap();
    entries.retain(|entry| entry["subresource"] != "status");
    object.to_string()
}

#[tokio::test]
async fn the_same_life_leaves_the_same_object() {
    let control_plane = ControlPlane::start();
    let rest = control_plane.rest();
    let mut backends = Backends::new(channel(&control_plane).await);

    // Made.
    let path = format!("{BACKENDS}?fieldManager=us");
    let object = json!({
        "apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Backend",
        "metadata": {"name": "rest", "labels": {"app": "web"}},
        "spec": {"endpoints": [{"ip": "10.0.0.1"}]},
    });
    assert_eq!(rest.post(&path, &object).await.0, StatusCode::CREATED);
    let labels = [("app".to_owned(), "web".to_owned())].into();
    let request = CreateBackendRequest {
        backend_id: "grpc".to_owned(),
        backend: Some(Backend { labels, ..some_backend("", "10.0.0.1") }),
        manager: "us".to_owned(),
        ..Default::default()
    };
    let made = backends.create_backend(request).await.unwrap().into_inner();
    assert_eq!((made.name.as_str(), made.generation), ("backends/grpc", 1));
    assert_eq!(lasting(&rest, "rest").await, lasting(&rest, "grpc").await);

    // Changed in part.
    let patch = json!({"metadata": {"labels": null}, "spec": {"endpoints": [{"ip": "10.0.0.2"}]}});
    let path = format!("{BACKENDS}/rest?fieldManager=us");
    assert_eq!(rest.patch(&path, &patch).await.0, StatusCode::OK);
    let request = UpdateBackendRequest {
        backend: Some(some_backend("grpc", "10.0.0.2")),
        update_mask: mask(&["labels", "spec.endpoints"]),
        manager: "us".to_owned(),
        ..Default::default()
    };
    let changed = backends.update_backend(request).await.unwrap().into_inner();
    assert_eq!((changed.generation, changed.labels.len()), (2, 0));
    assert_eq!(lasting(&rest, "rest").await, lasting(&rest, "grpc").await);

    // Applied by another, who is in the way of us.
    let apply = json!({
        "apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Backend", "metadata": {"name": "rest"},
        "spec": {"endpoints": [{"ip": "10.0.0.3"}], "protocol": "h2"},
    });
    let path = |force| format!("{BACKENDS}/rest?fieldManager=them&force={force}");
    let yaml = "application/apply-patch+yaml";
    let (status, said) = rest.send(Method::PATCH, &path(false), yaml, apply.to_string()).await;
    assert_eq!(status, StatusCode::CONFLICT, "{said}");
    let wanted = || {
        let mut wanted = some_backend("grpc", "10.0.0.3");
        wanted.spec.as_mut().unwrap().protocol = Some("h2".to_owned());
        ApplyBackendRequest { backend: Some(wanted), manager: "them".to_owned(), ..Default::default() }
    };
    let refused = backends.apply_backend(wanted()).await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), (tonic::Code::Aborted, said["message"].as_str().unwrap()));
    assert_eq!(rest.send(Method::PATCH, &path(true), yaml, apply.to_string()).await.0, StatusCode::OK);
    backends.apply_backend(ApplyBackendRequest { force: true, ..wanted() }).await.unwrap();
    assert_eq!(lasting(&rest, "rest").await, lasting(&rest, "grpc").await);

    // Gone.
    let request = DeleteBackendRequest { name: "backends/grpc".to_owned(), ..Default::default() };
    assert_eq!(backends.delete_backend(request).await.unwrap().into_inner().backend, None);
    assert_eq!(rest.get(&format!("{BACKENDS}/grpc")).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_one_writes_the_other_reads_byte_for_byte() {
    let control_plane = ControlPlane::start();
    let rest = control_plane.rest();
    let channel = channel(&control_plane).await;
    let (mut backends, mut resources) = (Backends::new(channel.clone()), Resources::new(channel));
    create(&mut backends, "typed", "10.0.0.1").await;
    rest.create(&json!({
        "apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Backend", "metadata": {"name": "rest"},
        "spec": {"endpoints": [{"fqdn": "a.example"}, {"ip": "10.0.0.1"}]},
    }))
    .await;
    let json = json!({
        "apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Backend", "metadata": {"name": "json"},
        "spec": {"endpoints": [{"ip": "10.0.0.9"}]},
    });
    let body = Some(resource::Body::Json(json.to_string()));
    let request =
        CreateResourceRequest { resource: Some(Resource { body, ..Default::default() }), ..Default::default() };
    resources.create_resource(request).await.unwrap();
    for name in ["typed", "rest", "json"] {
        // Between the two the control plane may write the status: until nothing does, they are compared as of one version.
        let path = format!("{BACKENDS}/{name}");
        rest.wait_for(&path, "Accepted").await;
        let (told, bytes, typed) = loop {
            let request = GetResourceRequest { r#type: backend_type(), name: name.to_owned(), ..Default::default() };
            let told = resources.get_resource(request).await.unwrap().into_inner();
            let (status, bytes) = rest.try_send(Method::GET, &path, "", "").await.unwrap();
            assert_eq!(status, StatusCode::OK);
            let request = GetBackendRequest { name: format!("backends/{name}"), ..Default::default() };
            let typed = backends.get_backend(request).await.unwrap().into_inner();
            if told.etag == typed.etag {
                break (told, bytes, typed);
            }
        };
        let Some(resource::Body::Json(json)) = told.body else { panic!("no JSON") };
        assert_eq!(json.as_bytes(), bytes, "{name}");
        let object: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(typed.etag, object["metadata"]["resourceVersion"].as_str().unwrap());
        assert_eq!(typed.uid, object["metadata"]["uid"].as_str().unwrap());
        let endpoints = typed.spec.unwrap().endpoints;
        assert_eq!(endpoints.len(), object["spec"]["endpoints"].as_array().unwrap().len());
        let conditions = typed.status.unwrap().conditions;
        assert_eq!(conditions.len(), object["status"]["conditions"].as_array().unwrap().len());
    }
}

#[tokio::test]
async fn all_pages_are_of_one_revision_in_the_order_that_is_asked_for() {
    let control_plane = ControlPlane::start();
    let mut backends = Backends::new(channel(&control_plane).await);
    for name in ["d", "a", "c", "b", "e"] {
        create(&mut backends, name, "10.0.0.1").await;
    }
    for order_by in ["name", "name desc", "create_time", "create_time desc"] {
        let (mut names, mut token, mut revisions) = (Vec::new(), String::new(), Vec::new());
        loop {
            let request = ListBackendsRequest {
                page_size: 2,
                page_token: token,
                order_by: order_by.to_owned(),
                ..Default::default()
            };
            let page = backends.list_backends(request).await.unwrap().into_inner();
            assert!(page.backends.len() <= 2);
            names.extend(page.backends.into_iter().map(|backend| backend.name.replace("backends/", "")));
            revisions.push(page.revision);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
            // What is made while somebody reads is on no page.
            let late = format!("late-{}-{}", order_by.replace([' ', '_'], "-"), revisions.len());
            create(&mut backends, &late, "10.0.0.1").await;
            let request = DeleteBackendRequest { name: format!("backends/{late}"), ..Default::default() };
            backends.delete_backend(request).await.unwrap();
        }
        revisions.dedup();
        assert_eq!(revisions.len(), 1, "{order_by}");
        let mut sorted = names.clone();
        sorted.sort();
        assert_eq!(sorted, ["a", "b", "c", "d", "e"], "{order_by}");
        if order_by.starts_with("name") {
            let expected = if order_by == "name" { ["a", "b", "c", "d", "e"] } else { ["e", "d", "c", "b", "a"] };
            assert_eq!(names, expected);
        }
    }
}

#[tokio::test]
async fn an_update_without_a_mask_changes_what_is_set_and_the_etag_is_kept_to() {
    let control_plane = ControlPlane::start();
    let mut backends = Backends::new(channel(&control_plane).await);
    let made = create(&mut backends, "web", "10.0.0.1").await;
    let update =
        |backend, update_mask| UpdateBackendRequest { backend: Some(backend), update_mask, ..Default::default() };
    let labels = || [("a".to_owned(), "b".to_owned())].into();
    let named = || Backend { name: made.name.clone(), labels: labels(), ..Default::default() };
    let changed = backends.update_backend(update(named(), None)).await.unwrap().into_inner();
    assert_eq!(changed.labels, labels());
    assert_eq!(changed.spec, made.spec);
    let stale = Backend { etag: made.etag.clone(), ..named() };
    let refused = backends.update_backend(update(stale, None)).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Aborted);
    let other = Backend { uid: "another".to_owned(), ..named() };
    assert_eq!(backends.update_backend(update(other, None)).await.unwrap_err().code(), tonic::Code::Aborted);
    // The whole is replaced.
    let whole = Backend { name: made.name.clone(), ..some_backend("web", "10.0.0.7") };
    let replaced = backends.update_backend(update(whole, mask(&["*"]))).await.unwrap().into_inner();
    assert!(replaced.labels.is_empty());
    let endpoint = backend::Endpoint { ip: Some("10.0.0.7".to_owned()), fqdn: None };
    assert_eq!(replaced.spec.unwrap().endpoints, [endpoint]);
    // Nothing is stored of what is only checked.
    let mut request = update(named(), None);
    request.validate_only = true;
    assert_eq!(backends.update_backend(request).await.unwrap().into_inner().labels, labels());
    let request = GetBackendRequest { name: made.name.clone(), ..Default::default() };
    assert!(backends.get_backend(request).await.unwrap().into_inner().labels.is_empty());
}

#[tokio::test]
async fn a_filter_says_what_is_listed_and_what_is_deleted() {
    let control_plane = ControlPlane::start();
    let mut backends = Backends::new(channel(&control_plane).await);
    for (name, app) in [("a", "web"), ("b", "web"), ("c", "api")] {
        let backend = Backend { labels: [("app".to_owned(), app.to_owned())].into(), ..some_backend("", "10.0.0.1") };
        let request =
            CreateBackendRequest { backend_id: name.to_owned(), backend: Some(backend), ..Default::default() };
        backends.create_backend(request).await.unwrap();
    }
    let filter = "labels.app = web AND name != a".to_owned();
    let listed = backends.list_backends(ListBackendsRequest { filter, ..Default::default() }).await.unwrap();
    let names: Vec<_> = listed.into_inner().backends.into_iter().map(|backend| backend.name).collect();
    assert_eq!(names, ["backends/b"]);
    let nothing = backends.delete_backend_collection(DeleteBackendCollectionRequest::default()).await;
    assert_eq!(nothing.unwrap_err().code(), tonic::Code::InvalidArgument);
    let request = DeleteBackendCollectionRequest { filter: "labels.app = web".to_owned(), ..Default::default() };
    let deleted = backends.delete_backend_collection(request).await.unwrap().into_inner();
    assert_eq!(deleted.names, ["backends/a", "backends/b"]);
    let left = backends.list_backends(ListBackendsRequest::default()).await.unwrap().into_inner();
    assert_eq!(left.backends.len(), 1);
}

#[tokio::test]
async fn values_of_secrets_are_written_and_never_read() {
    let control_plane = ControlPlane::start();
    let rest = control_plane.rest();
    let channel = channel(&control_plane).await;
    let mut secrets = Secrets::new(channel.clone());
    let data = [("key".to_owned(), bytes::Bytes::from_static(b"hush"))].into();
    let request = CreateSecretRequest {
        parent: "namespaces/default".to_owned(),
        secret_id: "s".to_owned(),
        secret: Some(Secret { data, ..Default::default() }),
        ..Default::default()
    };
    let made = secrets.create_secret(request).await.unwrap().into_inner();
    assert_eq!((made.data.len(), made.keys.as_slice()), (0, &["key".to_owned()][..]));
    assert_eq!(rest.read(&format!("{SECRETS}/s")).await["data"]["key"], "aHVzaA==");
    // Who has read one and writes it again does not take its values away.
    let labels = [("a".to_owned(), "b".to_owned())].into();
    let request = UpdateSecretRequest { secret: Some(Secret { labels, ..made.clone() }), ..Default::default() };
    secrets.update_secret(request).await.unwrap();
    assert_eq!(rest.read(&format!("{SECRETS}/s")).await["data"]["key"], "aHVzaA==");
    let request = GetSecretRequest { name: made.name, ..Default::default() };
    assert!(secrets.get_secret(request).await.unwrap().into_inner().data.is_empty());
    let r#type = Some(ResourceType { api_version: "v1".to_owned(), kind: "secrets".to_owned() });
    let request =
        GetResourceRequest { r#type, namespace: "default".to_owned(), name: "s".to_owned(), ..Default::default() };
    let told = Resources::new(channel).get_resource(request).await.unwrap().into_inner();
    let Some(resource::Body::Json(json)) = told.body else { panic!("no JSON") };
    assert!(!json.contains("aHVzaA"), "{json}");
}

#[tokio::test]
async fn any_kind_is_patched_as_by_rest() {
    let control_plane = ControlPlane::start();
    let rest = control_plane.rest();
    let channel = channel(&control_plane).await;
    create(&mut Backends::new(channel.clone()), "web", "10.0.0.1").await;
    let mut resources = Resources::new(channel);
    let patch = |patch_type: PatchType, patch: Value| PatchResourceRequest {
        r#type: backend_type(),
        name: "web".to_owned(),
        patch_type: patch_type.into(),
        patch: patch.to_string(),
        ..Default::default()
    };
    resources.patch_resource(patch(PatchType::Merge, json!({"spec": {"protocol": "h2"}}))).await.unwrap();
    let operation = json!([{"op": "replace", "path": "/spec/endpoints/0/ip", "value": "10.0.0.5"}]);
    resources.patch_resource(patch(PatchType::Json, operation)).await.unwrap();
    let spec = &rest.read(&format!("{BACKENDS}/web")).await["spec"];
    assert_eq!((&spec["protocol"], &spec["endpoints"][0]["ip"]), (&json!("h2"), &json!("10.0.0.5")));
    let unknown = resources.patch_resource(patch(PatchType::Merge, json!({"spec": {"protocl": "h2"}}))).await;
    assert_eq!(unknown.unwrap_err().code(), tonic::Code::InvalidArgument);
}

#[tokio::test]
async fn what_is_asked_for_again_and_again_is_as_it_was_written_last() {
    let control_plane = ControlPlane::start();
    let rest = control_plane.rest();
    let mut backends = Backends::new(channel(&control_plane).await);
    create(&mut backends, "one", "10.0.0.1").await;
    for number in 2..6 {
        let ip = format!("10.0.0.{number}");
        let patch = json!({"spec": {"endpoints": [{"ip": ip}]}});
        let (status, patched) = rest.patch(&format!("{BACKENDS}/one"), &patch).await;
        assert_eq!(status, StatusCode::OK, "{patched}");
        for _ in 0..4 {
            let request = GetBackendRequest { name: "backends/one".to_owned(), read_mask: None };
            let got = backends.get_backend(request).await.unwrap().into_inner();
            let endpoints = got.spec.unwrap().endpoints;
            let ips: Vec<_> = endpoints.into_iter().filter_map(|endpoint| endpoint.ip).collect();
            assert_eq!(ips, [ip.as_str()]);
            let request = GetBackendRequest { name: "backends/one".to_owned(), read_mask: mask(&["name"]) };
            let named = backends.get_backend(request).await.unwrap().into_inner();
            assert_eq!((named.name.as_str(), named.spec), ("backends/one", None));
        }
    }
}
