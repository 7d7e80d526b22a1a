use http::{HeaderValue, Request};

use super::*;

fn record() -> Box<Record> {
    let request =
        Request::builder().uri("/a?b=c").header("user-agent", HeaderValue::from_bytes(b"x\"\xff").unwrap()).body(());
    Box::new(Record::start("192.0.2.1:1234".parse().unwrap(), &request.unwrap()))
}

#[test]
fn a_full_queue_loses_lines_and_says_so() {
    let (log, _records) = channel(1);
    assert!(log.write(record()));
    assert!(!log.write(record()));
}

#[test]
fn lines_are_json_whatever_the_client_sent() {
    let (log, records) = channel(2);
    assert!(log.write(record()) && log.write(record()));
    drop(log);
    let mut out = Vec::new();
    records.write_to(&mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["path"], "/a?b=c");
    assert_eq!(lines[0]["user_agent"], "x\"\u{fffd}");
    assert_eq!(lines[0]["client"], "192.0.2.1:1234");
    assert_eq!(lines[0]["flags"], "DC");
}
