use http::{Request, header};

use super::{RequestBody as _, with_head};
use crate::tests::Whole;

fn made(request: &Request<Whole>) -> Result<String, String> {
    with_head(request, |head| String::from_utf8(head.to_vec()).unwrap()).map_err(|error| error.to_string())
}

#[test]
fn a_head_is_written_as_it_is() {
    let request = Request::get("/a?b=c")
        .header(header::HOST, "example.com")
        .header("x-a", "1")
        .header("x-a", "2")
        .body(Whole::empty())
        .unwrap();
    assert_eq!(made(&request).unwrap(), "GET /a?b=c HTTP/1.1\r\nhost: example.com\r\nx-a: 1\r\nx-a: 2\r\n\r\n");
    let request = Request::options("*").body(Whole::empty()).unwrap();
    assert_eq!(made(&request).unwrap(), "OPTIONS * HTTP/1.1\r\n\r\n");
}

#[test]
fn a_body_that_is_announced_and_not_there_is_refused() {
    for (name, value) in [("content-length", "5"), ("transfer-encoding", "chunked")] {
        let request = Request::post("/").header(name, value).body(Whole::empty()).unwrap();
        assert!(made(&request).unwrap_err().contains("not as long as its head says"));
    }
    let request = Request::post("/").header("content-length", "0").body(Whole::empty()).unwrap();
    assert!(made(&request).unwrap().ends_with("content-length: 0\r\n\r\n"));
}
