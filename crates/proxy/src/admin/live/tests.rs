use http::StatusCode;

use super::{milliseconds, read};

#[test]
fn a_query_says_what_the_command_line_does() {
    let asked = read(Some("backend=demo&status=5xx&min-duration=1s&header=a&header=b&limit=50/s")).unwrap();
    assert_eq!((asked.filter.backend.as_str(), asked.filter.status.as_str()), ("demo", "5xx"));
    assert_eq!((asked.filter.min_duration_ms, asked.limit), (1000, 50));
    assert_eq!(asked.filter.headers, ["a", "b"]);
    assert_eq!(read(Some("path=%2Fa+b")).unwrap().filter.path, "/a b");
}

#[test]
fn what_a_query_does_not_say_well_is_refused_by_name() {
    for (query, named) in [("backends=x", "backends"), ("limit=0", "limit"), ("min-duration=5", "min-duration")] {
        let refused = read(Some(query)).unwrap_err();
        assert_eq!(refused.0, StatusCode::BAD_REQUEST);
        assert!(refused.1.contains(named), "{}", refused.1);
    }
    assert!(milliseconds("interval", "99999999999999999999s").is_err());
}
