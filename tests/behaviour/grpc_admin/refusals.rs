//! What is refused, in the words of gRPC, with details that programs read.

use std::time::Duration;

use backstay_proto::admin::{
    Backend, CreateBackendRequest, GetBackendRequest, GetResourceRequest, ListBackendsRequest, Resource, ResourceType,
    UpdateResourceRequest, WatchBackendsRequest, resource,
};
use prost_types::FieldMask;
use tonic::{Code, Request};
use tonic_types::StatusExt as _;

use super::client::{Backends, Resources, backend, channel, create, patient_channel};
use crate::harness::ControlPlane;

#[tokio::test]
async fn each_refusal_has_its_code_and_its_details() {
    let control_plane = ControlPlane::start();
    let channel = channel(&control_plane).await;
    let mut backends = Backends::new(channel.clone());
    create(&mut backends, "web", "10.0.0.1").await;

    let request = GetBackendRequest { name: "backends/none".to_owned(), ..Default::default() };
    let missing = backends.get_backend(request).await.unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
    let details = missing.get_error_details();
    let resource = details.resource_info().unwrap();
    assert_eq!((resource.resource_type.as_str(), resource.resource_name.as_str()), ("backends.core.apoxy.dev", "none"));

    let request = CreateBackendRequest {
        backend_id: "web".to_owned(),
        backend: Some(backend("", "10.0.0.1")),
        ..Default::default()
    };
    let there = backends.create_backend(request).await.unwrap_err();
    assert_eq!(there.code(), Code::AlreadyExists);
    assert_eq!(there.get_error_details().error_info().unwrap().reason, "ALREADY_EXISTS");

    let request = CreateBackendRequest {
        backend_id: "wrong".to_owned(),
        backend: Some(backend("", "no address")),
        ..Default::default()
    };
    let wrong = backends.create_backend(request).await.unwrap_err();
    assert_eq!(wrong.code(), Code::InvalidArgument);
    let details = wrong.get_error_details();
    let fields: Vec<_> =
        details.bad_request().unwrap().field_violations.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(fields, ["backend.spec.endpoints[0].ip"]);

    for (request, field) in [
        (ListBackendsRequest { filter: "color = red".to_owned(), ..Default::default() }, "filter"),
        (ListBackendsRequest { order_by: "size".to_owned(), ..Default::default() }, "order_by"),
        (ListBackendsRequest { page_token: "made up".to_owned(), ..Default::default() }, "page_token"),
        (ListBackendsRequest { page_size: -1, ..Default::default() }, "page_size"),
    ] {
        let refused = backends.list_backends(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(refused.get_error_details().bad_request().unwrap().field_violations[0].field, field);
    }

    let r#type = Some(ResourceType { api_version: "v1".to_owned(), kind: "Nothing".to_owned() });
    let request = GetResourceRequest { r#type, name: "a".to_owned(), ..Default::default() };
    let unknown = Resources::new(channel).get_resource(request).await.unwrap_err();
    assert_eq!(unknown.get_error_details().bad_request().unwrap().field_violations[0].field, "type");
}

#[tokio::test]
async fn a_version_that_is_no_text_is_not_taken_for_none() {
    let control_plane = ControlPlane::start();
    let channel = channel(&control_plane).await;
    let made = create(&mut Backends::new(channel.clone()), "web", "10.0.0.1").await;
    for mask in [None, Some(FieldMask { paths: vec!["*".to_owned()] })] {
        let json = r#"{"apiVersion":"core.apoxy.dev/v1alpha2","kind":"Backend","metadata":{"name":"web","resourceVersion":1},"spec":{"endpoints":[{"ip":"10.0.0.2"}]}}"#;
        let resource = Resource { body: Some(resource::Body::Json(json.to_owned())), ..Default::default() };
        let request = UpdateResourceRequest { resource: Some(resource), update_mask: mask, ..Default::default() };
        let refused = Resources::new(channel.clone()).update_resource(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        let details = refused.get_error_details();
        assert_eq!(details.bad_request().unwrap().field_violations[0].field, "metadata.resourceVersion");
    }
    let request = GetBackendRequest { name: "backends/web".to_owned(), ..Default::default() };
    let now = Backends::new(channel).get_backend(request).await.unwrap().into_inner();
    assert_eq!(now.spec, made.spec);
}

#[tokio::test]
async fn messages_and_requests_have_the_limits_of_rest() {
    let limits = ["--limit", "max-body-bytes=4096", "--limit", "max-watches=1", "--limit", "max-page-size=2"];
    let control_plane = ControlPlane::start_with(&limits);
    let mut backends = Backends::new(patient_channel(&control_plane).await);
    let annotations = [("large".to_owned(), "x".repeat(5000))].into();
    let request = CreateBackendRequest {
        backend_id: "large".to_owned(),
        backend: Some(Backend { annotations, ..backend("", "10.0.0.1") }),
        ..Default::default()
    };
    assert_eq!(backends.create_backend(request).await.unwrap_err().code(), Code::ResourceExhausted);
    for name in ["a", "b", "c"] {
        create(&mut backends, name, "10.0.0.1").await;
    }
    let request = ListBackendsRequest { page_size: 1000, ..Default::default() };
    let page = backends.list_backends(request).await.unwrap().into_inner();
    assert_eq!((page.backends.len(), page.next_page_token.is_empty()), (2, false));
    let watch = backends.watch_backends(WatchBackendsRequest::default()).await.unwrap();
    let refused = backends.watch_backends(WatchBackendsRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(refused.get_error_details().retry_info().is_some());
    drop(watch);
}

#[tokio::test]
async fn a_deadline_ends_a_watch_and_a_request() {
    let control_plane = ControlPlane::start();
    let mut backends = Backends::new(patient_channel(&control_plane).await);
    let mut request = Request::new(WatchBackendsRequest::default());
    // By hand: a client that counts the time itself would not ask the server.
    request.metadata_mut().insert("grpc-timeout", "200m".parse().unwrap());
    let mut watch = backends.watch_backends(request).await.unwrap().into_inner();
    let ended = loop {
        match watch.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the watch ended without an error"),
            Err(status) => break status,
        }
    };
    assert_eq!(ended.code(), Code::DeadlineExceeded);
    let mut request = Request::new(GetBackendRequest::default());
    request.metadata_mut().insert("grpc-timeout", "soon".parse().unwrap());
    assert_eq!(backends.get_backend(request).await.unwrap_err().code(), Code::InvalidArgument);
    let mut request = Request::new(ListBackendsRequest::default());
    request.set_timeout(Duration::from_secs(60));
    backends.list_backends(request).await.unwrap();
}
