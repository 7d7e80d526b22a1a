//! Modifiers on their way from KrakenD's settings to what is carried out, against what google/martian does.

use std::collections::BTreeMap;

use backstay_composition::{Incoming, Outgoing, Scheme};
use backstay_model::route::composition::Passage;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use serde::Deserialize;

use super::*;
use crate::document::{Document, Format};
use crate::problem::{Problem, Severity};

/// Cases with what google/martian 2.1 makes of them: recorded by `tests/peers/martian`.
const RECORDED: &str = include_str!("../../../../tests/martian/cases.json");

type Headers = BTreeMap<String, Vec<String>>;

#[derive(Deserialize)]
struct Case {
    name: String,
    martian: serde_json::Value,
    #[serde(default)]
    url: String,
    #[serde(default)]
    request: Headers,
    #[serde(default)]
    response: Headers,
    /// Why it is none.
    invalid: Option<String>,
    sent: Option<Message>,
    came: Option<Message>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct Message {
    url: String,
    host: String,
    status: u16,
    headers: Headers,
    body: Option<String>,
    error: String,
}

/// What a text comes to, and what is told of it.
fn compiled(text: &str) -> (Option<config::Modifier>, Vec<Problem>) {
    let document = Document::read(text, Format::Json).expect("it is JSON");
    let report = Report::default();
    let made = Reader { report: &report }.read(&document.root, document.root.place, &Path::ROOT);
    (made, report.finish().0)
}

fn map(headers: &Headers) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, values) in headers {
        for value in values {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            map.append(name, HeaderValue::from_str(value).expect("a value"));
        }
    }
    map
}

fn unmap(headers: &HeaderMap) -> Headers {
    let mut map = Headers::new();
    for (name, value) in headers {
        let value = String::from_utf8(value.as_bytes().to_vec()).expect("text");
        map.entry(name.to_string()).or_default().push(value);
    }
    map
}

/// Names in small letters.
fn lower(message: Message) -> Message {
    let headers = message.headers.into_iter().map(|(name, values)| (name.to_ascii_lowercase(), values)).collect();
    Message { headers, ..message }
}

/// What becomes of a request, and of the answer to it.
fn run(modifier: config::Modifier, case: &Case) -> (Message, Message) {
    let call = config::Call { modifiers: vec![modifier], ..config::Call::default() };
    let passage = Passage::of(&call).expect("what is compiled is sound").unwrap_or_default();
    let url: Uri = case.url.parse().expect("a URL");
    let authority = url.authority().expect("it has a host").to_string();
    let mut outgoing = Outgoing {
        scheme: if url.scheme_str() == Some("https") { Scheme::Https } else { Scheme::Http },
        target: url.path_and_query().expect("it has a path").to_string(),
        authority: authority.clone(),
        host: None,
        headers: map(&case.request),
        body: None,
    };
    let mut identity = || "one of its own".to_owned();
    let error = passage.request_changes.apply(&mut outgoing, &mut identity).err();
    let text = |body: &bytes::Bytes| String::from_utf8(body.to_vec()).expect("text");
    let host = outgoing.host.as_ref().map_or(authority, |host| host.to_str().expect("text").to_owned());
    let sent = Message {
        url: outgoing.url(),
        host,
        headers: unmap(&outgoing.headers),
        body: outgoing.body.as_ref().map(text),
        error: error.map(|error| error.to_string()).unwrap_or_default(),
        ..Message::default()
    };
    let mut incoming = Incoming { status: StatusCode::OK, headers: map(&case.response), body: None };
    let error = passage.response_changes.apply(&outgoing, &mut incoming).err();
    let came = Message {
        status: incoming.status.as_u16(),
        headers: unmap(&incoming.headers),
        body: incoming.body.as_ref().map(text),
        error: error.map(|error| error.to_string()).unwrap_or_default(),
        ..Message::default()
    };
    (sent, came)
}

#[test]
fn they_do_what_martian_does() {
    let cases: Vec<Case> = serde_json::from_str(RECORDED).expect("cases");
    assert!(cases.len() > 90, "all are there: {}", cases.len());
    for mut case in cases {
        let (made, problems) = compiled(&case.martian.to_string());
        let faults: Vec<_> = problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
        if let Some(invalid) = &case.invalid {
            assert!(made.is_none() && faults.len() == 1, "{}: {invalid}: {problems:?}", case.name);
            continue;
        }
        assert!(faults.is_empty(), "{}: {faults:?}", case.name);
        let (sent, came) = run(made.expect("nothing is wrong with it"), &case);
        assert_eq!(sent, lower(case.sent.take().expect("it is recorded")), "{}: request", case.name);
        assert_eq!(came, lower(case.came.take().expect("it is recorded")), "{}: answer", case.name);
    }
}

#[test]
fn who_is_not_named_any_more_is_the_library_of_go() {
    let (made, _) = compiled(r#"{"header.Blacklist": {"scope": ["request"], "names": ["X-A", "user-agent"]}}"#);
    let Some(Kind::Group(group)) = made.unwrap().kind else { panic!("a group of changes") };
    let kinds: Vec<_> = group.modifiers.into_iter().map(|it| (it.on_response, it.kind.unwrap())).collect();
    let named = config::ResponseField { name: "User-Agent".into(), value: "Go-http-client/1.1".into() };
    assert_eq!(kinds.last(), Some(&(false, Kind::SetHeader(named))));
    assert_eq!(kinds.len(), 3);
}

#[test]
fn what_is_refused_says_so_at_its_place() {
    for (text, place, message) in [
        (r#"{"skip.RoundTrip": {}}"#, r#"["skip.RoundTrip"]"#, "there is no modifier \"skip.RoundTrip\""),
        (r#"{"header.Verifier": {}}"#, r#"["header.Verifier"]"#, "only takes notes"),
        (r#"{"static.Modifier": {"rootPath": "/"}}"#, r#"["static.Modifier"]"#, "files are not served"),
        (r#"{"port.Modifier": {"port": 80}}"#, r#"["port.Modifier"]"#, "give the port there"),
        (r#"{"url.Modifier": {"host": "other.test"}}"#, r#"["url.Modifier"].host"#, "hosts of the backend alone"),
        (
            r#"{"header.Modifier": {"name": "Content-Length", "value": "1"}}"#,
            r#"["header.Modifier"].name"#,
            "sees to it",
        ),
        (r#"{"header.Blacklist": {"names": ["X", "te"]}}"#, r#"["header.Blacklist"].names[1]"#, "sees to it"),
        (r#"{"header.Append": {"name": "a b"}}"#, r#"["header.Append"].name"#, "no header can be called"),
        (r#"{"header.Append": {"name": "a", "value": "\n"}}"#, r#"["header.Append"].value"#, "can have this value"),
        (r#"{"header.Modifier": []}"#, r#"["header.Modifier"]"#, "an object is wanted here"),
        (r#"{"a": {}, "b": {}}"#, "", "there are 2"),
        (r#"{"status.Modifier": {"statusCode": 100}}"#, r#"["status.Modifier"].statusCode"#, "200 to 599"),
        (r#"{"url.Modifier": {"path": "x"}}"#, r#"["url.Modifier"].path"#, "begins with a slash"),
        (r#"{"url.Modifier": {"scope": ["response"]}}"#, r#"["url.Modifier"].scope"#, "changes no response"),
        (
            r#"{"fifo.Group": {"modifiers": [{"header.Id": {}}, {"x.Y": {}}]}}"#,
            r#"["fifo.Group"].modifiers[1]["x.Y"]"#,
            "there is no modifier",
        ),
        (r#"{"priority.Group": {"modifiers": [{}]}}"#, r#"["priority.Group"].modifiers[0]"#, "modifier is missing"),
    ] {
        let (made, problems) = compiled(text);
        assert_eq!(made, None, "{text}");
        let told = problems.iter().map(|problem| (problem.path.as_str(), &problem.message));
        let is_told = told.clone().any(|(path, told)| path == place && told.contains(message));
        assert!(is_told, "{text}: {:?}", told.collect::<Vec<_>>());
    }
}

#[test]
fn fields_that_do_not_count_are_told() {
    let (made, problems) = compiled(r#"{"header.Modifier": {"name": "a", "values": "b", "@comment": "c"}}"#);
    assert!(made.is_some());
    let [only] = problems.as_slice() else { panic!("{problems:?}") };
    assert_eq!((only.severity, only.path.as_str()), (Severity::Warning, r#"["header.Modifier"].values"#));
}

#[test]
fn identities_are_given_once() {
    let (made, _) = compiled(r#"{"header.Id": {"header": "X-Id"}}"#);
    let case = |headers: &str| {
        let case = format!(r#"{{"name": "", "martian": {{}}, "url": "http://a.test/", "request": {headers}}}"#);
        serde_json::from_str::<Case>(&case).expect("a case")
    };
    let made = made.expect("nothing is wrong with it");
    let (sent, _) = run(made.clone(), &case("{}"));
    assert_eq!(sent.headers["x-id"], ["one of its own"]);
    let (sent, _) = run(made, &case(r#"{"X-Id": ["the client's"]}"#));
    assert_eq!(sent.headers["x-id"], ["the client's"]);
}
