use backstay_kube::Failure;
use tonic::Code;
use tonic_types::StatusExt as _;

use super::of;

#[test]
fn a_field_is_named_as_the_request_has_it() {
    let failure = Failure::bad_field("spec.endpoints[0].dnsName", "is wrong");
    let status = of(&failure, "backend");
    assert_eq!(status.code(), Code::InvalidArgument);
    let details = status.get_error_details();
    let violation = &details.bad_request().unwrap().field_violations[0];
    assert_eq!(
        (violation.field.as_str(), violation.description.as_str()),
        ("backend.spec.endpoints[0].dns_name", "is wrong")
    );
    assert_eq!(details.error_info().unwrap().reason, "BAD_REQUEST");
}

#[test]
fn options_of_a_request_are_named_as_they_are() {
    let details = of(&Failure::bad_field("filter", "is wrong"), "backend").get_error_details();
    assert_eq!(details.bad_request().unwrap().field_violations[0].field, "filter");
}

#[test]
fn what_may_help_later_says_when() {
    let status = of(&Failure::unavailable("the store is busy"), "");
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.get_error_details().retry_info().unwrap().retry_delay.is_some());
}

#[test]
fn codes_are_those_of_grpc() {
    let kind = &backstay_resources::apoxy::BACKEND;
    for (failure, code) in [
        (Failure::not_found(kind, "a"), Code::NotFound),
        (Failure::conflict(kind, "a", "it changed"), Code::Aborted),
        (Failure::forbidden(kind, "a", "no"), Code::PermissionDenied),
        (Failure::too_large("it is"), Code::ResourceExhausted),
        (Failure::timeout(), Code::DeadlineExceeded),
        (Failure::method_not_allowed(), Code::Unimplemented),
        (Failure::internal("a fault"), Code::Internal),
    ] {
        assert_eq!(of(&failure, "").code(), code, "{}", failure.message());
    }
    let details = of(&Failure::not_found(kind, "a"), "").get_error_details();
    let resource = details.resource_info().unwrap();
    assert_eq!((resource.resource_type.as_str(), resource.resource_name.as_str()), ("backends.core.apoxy.dev", "a"));
}
