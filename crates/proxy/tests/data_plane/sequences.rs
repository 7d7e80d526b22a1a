//! Steps of sequences: what they see, and what they change.

use std::sync::Arc;

use backstay_model::{AddressSet, Slot, Table};
use backstay_proto::config::{
    Expressions, Redirect, Respond, SetHeader, expression, operation, set_header, variable::Part,
};
use http::{Request, Response};
use http_body_util::Full;

use crate::support::sequence::{
    SequenceOf, client_in, equal, header, lookup, matches, not, of, part, select, set_request, set_response, text,
};
use crate::support::{BackendOf, H2Client, Proxy, Upstream, ask, echo, raw};

/// An upstream that answers with its name.
async fn named(name: &'static str) -> Upstream {
    Upstream::http1(move |_| async move { Response::new(Full::from(name)) }).await
}

fn target() -> backstay_proto::config::Expression {
    part(Part::Target)
}

#[tokio::test]
async fn the_last_selection_wins_and_conditions_see_the_state_so_far() {
    let (first, second, third) = (named("first").await, named("second").await, named("third").await);
    let backend = |upstream: &Upstream| BackendOf::http1(&[upstream.address]).build();
    let sequence = SequenceOf::default()
        .destination("first", &backend(&first), first.address.port())
        .destination("second", &backend(&second), second.address.port())
        .destination("third", &backend(&third), third.address.port())
        .step(None, &[select("first")])
        .step(matches(target(), "^/b"), &[select("second"), set_request("x-seen", text("yes"))])
        .step(equal(part(Part::Selected), text("second")), &[set_request("x-second", header("x-seen"))])
        .step(equal(header("x-second"), header("x-go-on")), &[select("third")]);
    let proxy = Proxy::start(sequence.table()).await;
    assert_eq!(ask(proxy.address, Request::get("/a").header("x-go-on", "yes")).await.text(), "first");
    assert_eq!(ask(proxy.address, Request::get("/b").header("x-go-on", "no")).await.text(), "second");
    assert_eq!(ask(proxy.address, Request::get("/b").header("x-go-on", "yes")).await.text(), "third");
}

#[tokio::test]
async fn the_backend_gets_what_the_steps_have_made_of_the_request() {
    let upstream = Upstream::http1(echo).await;
    let joined = of(expression::Kind::Concatenation(Expressions {
        operands: vec![part(Part::Host), text("-"), part(Part::ClientAddress), header("x-missing")],
    }));
    let set = |name: &str, value, mode: set_header::Mode| {
        operation::Kind::SetRequestHeader(SetHeader { name: name.into(), value: Some(value), mode: mode.into() })
    };
    let sequence = SequenceOf::default()
        .destination("echo", &BackendOf::http1(&[upstream.address]).build(), upstream.address.port())
        .step(
            None,
            &[
                select("echo"),
                set_request("x-joined", joined),
                set_request("x-absent", header("x-missing")),
                set_request("x-unsendable", text("a\nb")),
                set("x-there", text("new"), set_header::Mode::IfAbsent),
                set("x-not-there", text("new"), set_header::Mode::IfAbsent),
                set("x-there", text("more"), set_header::Mode::Append),
                operation::Kind::RemoveRequestHeader("x-remove".into()),
                set_request("Host", text("other.example")),
                operation::Kind::SetTarget(text("/new?a=b")),
            ],
        )
        .step(equal(target(), text("/new?a=b")), &[set_request("x-target-is", part(Part::Query))]);
    let proxy = Proxy::start(sequence.table()).await;
    let request =
        Request::get("/old").header("host", "Example.com:80").header("x-there", "old").header("x-remove", "1");
    // What the client calls a matter of its connection goes; what the operator sets under that name does not.
    let answer = ask(proxy.address, request.header("connection", "x-joined")).await;
    let lines: Vec<_> = answer.text().lines().collect();
    assert_eq!(lines[0], "GET /new?a=b HTTP/1.1");
    for line in [
        "x-joined: example.com-127.0.0.1",
        "x-there: old",
        "x-there: more",
        "x-not-there: new",
        "host: other.example",
        "x-target-is: a=b",
    ] {
        assert!(lines.contains(&line), "{line} in {lines:?}");
    }
    for name in ["x-absent", "x-unsendable", "x-remove"] {
        assert!(!answer.text().contains(name), "{name} in {lines:?}");
    }
}

#[tokio::test]
async fn http2_requests_have_a_host_header() {
    let upstream = Upstream::http2(echo).await;
    let sequence = SequenceOf::default()
        .destination("echo", &BackendOf::http2(upstream.address).build(), upstream.address.port())
        .step(equal(header("host"), text("www.example.com")), &[select("echo"), set_request("host", text("h.example"))])
        .step(equal(part(Part::Protocol), text("HTTP/2")), &[set_request("x-protocol", part(Part::Protocol))]);
    let proxy = Proxy::start(sequence.table()).await;
    let mut client = H2Client::connect(proxy.address).await;
    let answer = client.get("http://www.example.com/").await;
    assert!(answer.text().starts_with("GET http://h.example/ HTTP/2.0"), "{}", answer.text());
    assert!(answer.text().contains("x-protocol: HTTP/2\n"), "{}", answer.text());
}

#[tokio::test]
async fn what_steps_make_of_a_request_must_be_one() {
    let upstream = Upstream::http1(echo).await;
    for (operation, name) in [
        (operation::Kind::SetTarget(header("x-target")), "x-target"),
        (set_request("host", header("x-host")), "x-host"),
    ] {
        let sequence = SequenceOf::default()
            .destination("echo", &BackendOf::http1(&[upstream.address]).build(), upstream.address.port())
            .step(None, &[select("echo"), operation]);
        let proxy = Proxy::start(sequence.table()).await;
        for value in ["no path", "/a b", "/a#b", "a/b@c", ""] {
            let answer = ask(proxy.address, Request::get("/").header(name, value)).await;
            let unchanged = name == "x-host" && value.is_empty();
            assert_eq!(answer.status, 400, "{name}: {value:?} {unchanged}");
        }
        // Absent, there is no target, and no other host.
        let status = ask(proxy.address, Request::get("/")).await.status;
        assert_eq!(status, if name == "x-host" { 200 } else { 400 });
    }
}

#[tokio::test]
async fn an_answer_ends_the_sequence() {
    let respond = Respond {
        status: 403,
        body: String::new(),
        reason: "Not for you".into(),
        content_type: "text/html".into(),
        computed_body: Some(of(expression::Kind::Concatenation(Expressions {
            operands: vec![text("<p>"), part(Part::Path), text("</p>")],
        }))),
        ..Respond::default()
    };
    let redirect = Redirect { scheme: "https".into(), status: 301, ..Redirect::default() };
    let sequence = SequenceOf::default()
        .step(None, &[set_response("x-before", part(Part::Method), set_header::Mode::Replace)])
        .step(matches(target(), "^/no"), &[operation::Kind::Respond(respond)])
        .step(None, &[set_response("x-after", text("1"), set_header::Mode::Replace)])
        .step(matches(target(), "^/away"), &[operation::Kind::Redirect(redirect)]);
    let proxy = Proxy::start(sequence.table()).await;
    let answer = raw(proxy.address, "GET /no HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 403 Not for you\r\n"), "{answer}");
    assert!(answer.contains("content-type: text/html\r\n") && answer.contains("x-before: GET\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n<p>/no</p>") && !answer.contains("x-after"), "{answer}");
    let answer = ask(proxy.address, Request::get("/away?x").header("host", "a.example")).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (301, "https://a.example/away?x"));
    assert_eq!((answer.header("x-before"), answer.header("x-after")), ("GET", "1"));
}

#[tokio::test]
async fn responses_are_changed_whoever_they_come_from() {
    let upstream = Upstream::http1(|_| async {
        let response = Response::builder().header("x-set", "theirs").header("x-there", "theirs").header("x-gone", "1");
        response.header("x-more", "1").body(Full::from("x")).unwrap()
    })
    .await;
    let sequence = SequenceOf::default()
        .destination("up", &BackendOf::http1(&[upstream.address]).build(), upstream.address.port())
        .destination("down", &BackendOf::http1(&[]).build(), 1)
        .step(None, &[select("up")])
        .step(matches(target(), "^/down"), &[select("down")])
        .step(
            None,
            &[
                set_response("x-set", header("x-asked"), set_header::Mode::Replace),
                set_response("x-there", text("ours"), set_header::Mode::IfAbsent),
                set_response("x-more", text("2"), set_header::Mode::Append),
                operation::Kind::RemoveResponseHeader("x-gone".into()),
            ],
        );
    let proxy = Proxy::start(sequence.table()).await;
    let answer = ask(proxy.address, Request::get("/").header("x-asked", "a")).await;
    assert_eq!((answer.header("x-set"), answer.header("x-there"), answer.header("x-gone")), ("a", "theirs", ""));
    assert_eq!(answer.headers.get_all("x-more").iter().count(), 2);
    let answer = ask(proxy.address, Request::get("/down")).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-there"), answer.header("x-set")), (503, "ours", ""));
}

#[tokio::test]
async fn tables_and_address_sets_change_without_their_rules() {
    let (first, second) = (named("first").await, named("second").await);
    let table = Slot::new(Table::default());
    let set = Slot::new(AddressSet::default());
    let mut sequence = SequenceOf::default()
        .destination("first", &BackendOf::http1(&[first.address]).build(), first.address.port())
        .destination("second", &BackendOf::http1(&[second.address]).build(), second.address.port())
        .step(None, &[select("first")])
        .step(equal(lookup("routes", part(Part::Host)), text("2")), &[select("second")])
        .step(client_in("blocked"), &[operation::Kind::Respond(Respond { status: 403, ..Respond::default() })]);
    sequence.tables.insert("table/routes".into(), Arc::clone(&table));
    sequence.address_sets.insert("address-set/blocked".into(), Arc::clone(&set));
    let proxy = Proxy::start(sequence.table()).await;
    let get = || ask(proxy.address, Request::get("/").header("host", "b.example"));
    assert_eq!(get().await.text(), "first");
    table.store([(&b"b.example"[..], &b"2"[..])].into_iter().collect());
    assert_eq!(get().await.text(), "second");
    set.store(AddressSet::new([("127.0.0.0/8".parse().unwrap(), true)]).unwrap());
    assert_eq!(get().await.status, 403);
    let local = [("127.0.0.0/8".parse().unwrap(), true), ("127.0.0.1".parse().unwrap(), false)];
    set.store(AddressSet::new(local).unwrap());
    assert_eq!(get().await.text(), "second");
}

#[tokio::test]
async fn what_is_looked_up_in_nothing_is_not_known() {
    let upstream = named("up").await;
    let deny = operation::Kind::Respond(Respond { status: 403, ..Respond::default() });
    for when in [client_in("none"), not(client_in("none")), lookup("none", text("x")), not(lookup("none", text("x")))] {
        let sequence = SequenceOf::default()
            .destination("up", &BackendOf::http1(&[upstream.address]).build(), upstream.address.port())
            .step(None, &[select("up")])
            .step(when, std::slice::from_ref(&deny));
        let proxy = Proxy::start(sequence.table()).await;
        assert_eq!(ask(proxy.address, Request::get("/")).await.status, 500);
    }
}
