use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

use super::*;

#[test]
fn a_control_plane_says_when_to_come_back_as_grpc_does() {
    let with = |value: &'static str| {
        let mut metadata = MetadataMap::new();
        metadata.insert("grpc-retry-pushback-ms", value.parse().unwrap());
        Disconnect::Status(Box::new(Status::with_metadata(Code::ResourceExhausted, "later", metadata)))
    };
    assert_eq!(with("250").retry_after(), Some(Duration::from_millis(250)));
    // What is negative says not to come back, which a proxy does not do.
    assert_eq!(with("-1").retry_after(), None);
    assert_eq!(Disconnect::Ended.retry_after(), None);
}
