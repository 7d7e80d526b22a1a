use super::*;

fn made(text: &str) -> Expressions {
    Expressions::new(&[text.to_owned()]).unwrap()
}

fn seen<'a>(parameters: &'a [(String, String)], headers: &'a HeaderMap) -> Seen<'a> {
    Seen { method: "GET", path: "/a", parameters, headers, query: "x=1&x=2&y=a%20b" }
}

#[test]
fn letters_tell_when_an_expression_is_evaluated() {
    for (text, expected) in [
        ("req_method == ''", (true, false, false)),
        ("resp_completed", (false, true, false)),
        ("JWT.sub == ''", (false, false, true)),
        ("now == ''", (false, false, false)),
        ("resp_data.required == ''", (true, true, false)),
    ] {
        let made = made(text);
        assert_eq!((made.concern_requests(), made.concern_answers(), made.concern_claims()), expected, "{text}");
    }
}

#[test]
fn a_request_is_seen_as_go_has_it() {
    let mut headers = HeaderMap::new();
    headers.append("x-request-id", "1".parse().unwrap());
    headers.append("x-request-id", "2".parse().unwrap());
    let parameters = [("id".to_owned(), "7".to_owned())];
    for text in [
        "req_params == {'Id': '7'}",
        "req_headers == {'X-Request-Id': ['1', '2']}",
        "req_querystring == {'x': ['1', '2'], 'y': ['a b']}",
        "req_method + req_path == 'GET/a'",
        "timestamp(now) > timestamp('2020-01-01T00:00:00Z') && req_path != ''",
    ] {
        assert!(made(text).check_request(&seen(&parameters, &headers)).is_ok(), "{text}");
    }
    // What is answered is not known yet.
    assert!(made("req_path == '/a' && resp_completed").check_request(&seen(&parameters, &headers)).is_err());
}

#[test]
fn the_first_that_is_not_true_is_told_by_its_position() {
    let texts = ["req_path == '/a'", "resp_completed", "req_path == '/b'"].map(str::to_owned);
    let error = Expressions::new(&texts).unwrap().check_request(&seen(&[], &HeaderMap::new())).unwrap_err();
    assert_eq!(error.to_string(), "request aborted by evaluator #1");
    let error = Expressions::new(&["true".to_owned(), "(".to_owned()]).unwrap_err();
    assert_eq!((error.index, error.error.at), (1, 1));
}

#[test]
fn numbers_are_whole_where_they_are_written_so() {
    for (literal, whole) in [("1", true), ("-7", true), ("1.0", false), ("1e3", false), ("99999999999999999999", false)]
    {
        assert_eq!(matches!(number(literal), Value::Int(_)), whole, "{literal}");
    }
}
