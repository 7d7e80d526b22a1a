//! Upstreams that fail, and answers that are unusual.

use std::time::Duration;

use crate::compare::compare;
use crate::row::{HOST, REFUSED, Row, Step, differs, same};
use crate::upstream::Behaviour;

const HERE: &[&str] = &["127.0.0.1"];
const CLOSED: &str = "503 UC upstream_reset_before_response_started{connection_termination} \
     upstream connect error or disconnect/reset before headers. reset reason: connection termination";
const PROTOCOL: &str = "502 UPE upstream_reset_before_response_started{protocol_error} \
     upstream connect error or disconnect/reset before headers. reset reason: protocol error";

fn row(name: &'static str, behaviour: Behaviour) -> Row {
    Row::fixed(name, HERE).upstream("127.0.0.1", behaviour)
}

fn writes(name: &'static str, raw: &'static str) -> Row {
    row(name, Behaviour::Write(raw))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures() {
    compare(vec![
        Row::fixed("connection-refused", HERE).get(same(REFUSED)),
        Row::fixed("one-of-two-refuses", &["127.0.0.2", "127.0.0.1"])
            .upstream("127.0.0.1", Behaviour::ADDRESS)
            .see(
                Step::Burst(2, HOST),
                differs(
                    "1 x 200 - via_upstream 127.0.0.1, 1 x 503 UF upstream_reset_before_response_started\
                     {remote_connection_failure} upstream connect error or disconnect/reset before headers. reset \
                     reason: remote connection failure",
                    "2 x 200 - via_upstream 127.0.0.1",
                    "a request that no connection was made for has not been sent, and can safely go to the next endpoint",
                ),
            ),
        row("closes-without-an-answer", Behaviour::Close).get(same(CLOSED)),
        row("never-answers", Behaviour::Mute)
            .route_timeout(Duration::from_millis(500))
            .get(same("504 UT response_timeout upstream request timeout")),
        writes("ends-within-the-head", "HTTP/1.1 200 OK\r\ncontent-le").get(differs(
            PROTOCOL,
            CLOSED,
            "what came was valid, and the connection ended",
        )),
        writes("ends-within-the-body", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort").get(differs(
            "200 UPE upstream_reset_after_response_started{protocol_error} short [the connection ended within the body]",
            "200 UC upstream_reset_after_response_started{connection_termination} short [the connection ended within the body]",
            "what came was valid, and the connection ended",
        )),
        writes("no-http", "what is this\r\n\r\n").get(same(PROTOCOL)),
        writes("two-lengths", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab").get(same(PROTOCOL)),
        writes("length-and-chunks", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n")
            .get(same(PROTOCOL)),
        writes("chunks-over-length", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
            .get(same(PROTOCOL)),
        writes("head-with-both", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n")
            .see(Step::Raw("HEAD / HTTP/1.1\r\nhost: {row}\r\n{id}\r\n"), same("502 UPE upstream_reset_before_response_started{protocol_error}")),
        writes("not-modified-with-both", "HTTP/1.1 304 Same\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n")
            .get(same(PROTOCOL)),
        writes("bad-chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n").get(same(
            "200 UPE upstream_reset_after_response_started{protocol_error} [the connection ended within a line]",
        )),
        writes("two-answers", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad")
            .get(same("200 - via_upstream ok"))
            .get(same("200 - via_upstream ok")),
        Row::fixed("no-route", HERE).only_host("here.test").see(Step::Get(HOST), same("404 NR route_not_found")),
        Row::fixed("host-with-a-port", HERE)
            .only_host("here.test")
            .upstream("127.0.0.1", Behaviour::Name)
            .see(Step::Get("HERE.test"), same("200 - via_upstream 127.0.0.1:1"))
            .see(Step::Get("here.test:{port}"), differs("404 NR route_not_found", "200 - via_upstream 127.0.0.1:1", "Gateway API: the port of an authority does not matter")),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers() {
    let ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    compare(vec![
        writes("errors-pass", "HTTP/1.1 500 Oh\r\ncontent-length: 2\r\n\r\nno").get(same("500 - via_upstream no")),
        writes("until-the-end", "HTTP/1.1 200 OK\r\n\r\nall of it").get(same("200 - via_upstream all of it")),
        writes("chunked", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
            .get(same("200 - via_upstream ok")),
        writes("trailers", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: 7\r\n\r\n")
            .see(Step::Raw("GET / HTTP/1.1\r\nhost: {row}\r\nte: trailers\r\n{id}\r\n"), same("200 - via_upstream ok")),
        writes(
            "interim",
            "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        )
        .get(differs(
            "200 - via_upstream ok",
            "103 200 - via_upstream ok",
            "a proxy passes them on (RFC 9110, 15.2)",
        )),
        writes("http-1.0-upstream", "HTTP/1.0 200 OK\r\n\r\nok").get(same("200 - via_upstream ok")),
        writes("http-1.0-client", ok).see(
            Step::Unlogged("GET / HTTP/1.0\r\nhost: {row}\r\n{id}\r\n"),
            differs(
                "426 Upgrade Required",
                "200 ok",
                "many a health check speaks HTTP/1.0; Envoy has a setting for it",
            ),
        ),
        writes("head", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n")
            .see(Step::Raw("HEAD / HTTP/1.1\r\nhost: {row}\r\n{id}\r\n"), same("200 - via_upstream")),
        writes("no-content", "HTTP/1.1 204 No\r\n\r\n").get(same("204 - via_upstream")),
        writes("not-modified", "HTTP/1.1 304 Same\r\ncontent-length: 5\r\n\r\n").get(same("304 - via_upstream")),
        writes("continue", ok).see(
            Step::Raw("POST / HTTP/1.1\r\nhost: {row}\r\ncontent-length: 1\r\nexpect: 100-continue\r\n{id}\r\nx"),
            same("100 200 - via_upstream ok"),
        ),
    ])
    .await;
}
