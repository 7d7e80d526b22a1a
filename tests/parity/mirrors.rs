//! Copies of requests: what their upstream gets, and that clients notice nothing of it.

use std::time::Duration;

use crate::compare::compare;
use crate::row::{Expected, HOST, Row, Step, differs, same};
use crate::upstream::Behaviour;

const HERE: &[&str] = &["127.0.0.1"];
const COPIES: &str = "a copy is what the upstream has got, so that whoever serves the original can serve it as well; Envoy \
     makes another host of it, and of itself one more proxy on its way";
const COPY: &str = "127.0.0.2";

fn row(name: &'static str) -> Row {
    Row::fixed(name, HERE).upstream("127.0.0.1", Behaviour::ADDRESS).upstream(COPY, Behaviour::ADDRESS).mirror(COPY)
}

/// A copy as Envoy sends it, and as the upstream gets the original.
fn copy(envoy: &'static str, backstay: &'static str) -> Expected {
    differs(envoy, backstay, COPIES)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies() {
    let ok = same("200 - via_upstream 127.0.0.1");
    let of = |name, request, copy| row(name).see(Step::Raw(request), ok).see(Step::Got(COPY), copy);
    compare(vec![
        of(
            "copy-of-a-get",
            "GET /a?b=c HTTP/1.1\r\nhost: {row}\r\nx-a: 1\r\n{id}\r\n",
            copy(
                "GET /a?b=c HTTP/1.1\nhost: {row}-shadow\nx-a: 1\nx-forwarded-for: 127.0.0.77,PROXY",
                "GET /a?b=c HTTP/1.1\nhost: {row}\nx-a: 1",
            ),
        ),
        of(
            "copy-for-a-port",
            "GET / HTTP/1.1\r\nhost: {row}:{port}\r\n{id}\r\n",
            copy(
                "GET / HTTP/1.1\nhost: {row}-shadow:{port}\nx-forwarded-for: 127.0.0.77,PROXY",
                "GET / HTTP/1.1\nhost: {row}:{port}",
            ),
        ),
        of(
            "copy-of-a-post",
            "POST / HTTP/1.1\r\nhost: {row}\r\ncontent-length: 4\r\n{id}\r\nbody",
            copy(
                "POST / HTTP/1.1\ncontent-length: 4\nhost: {row}-shadow\nx-forwarded-for: 127.0.0.77,PROXY\n(4) body",
                "POST / HTTP/1.1\ncontent-length: 4\nhost: {row}\n(4) body",
            ),
        ),
        of(
            "copy-of-chunks",
            "POST / HTTP/1.1\r\nhost: {row}\r\ntransfer-encoding: chunked\r\n{id}\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n",
            copy(
                "POST / HTTP/1.1\nhost: {row}-shadow\ntransfer-encoding: chunked\n\
                 x-forwarded-for: 127.0.0.77,PROXY\n(4) abcd",
                "POST / HTTP/1.1\nhost: {row}\ntransfer-encoding: chunked\n(4) abcd",
            ),
        ),
        of(
            "copy-for-an-address",
            "GET / HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n{id}\r\n",
            copy(
                "GET / HTTP/1.1\nhost: 127.0.0.1-shadow:{port}\nx-forwarded-for: 127.0.0.77,PROXY",
                "GET / HTTP/1.1\nhost: 127.0.0.1:{port}",
            ),
        ),
        of(
            "copy-with-forwarded-for",
            "GET / HTTP/1.1\r\nhost: {row}\r\nx-forwarded-for: 192.0.2.7\r\nx-request-id: mine\r\n{id}\r\n",
            copy(
                "GET / HTTP/1.1\nhost: {row}-shadow\nx-forwarded-for: 192.0.2.7,127.0.0.77,PROXY",
                "GET / HTTP/1.1\nhost: {row}\nx-forwarded-for: 192.0.2.7, 127.0.0.77\nx-request-id: mine",
            ),
        ),
        of(
            "copy-with-envoys-own-headers",
            "GET / HTTP/1.1\r\nhost: {row}\r\nx-envoy-max-retries: 3\r\n{id}\r\n",
            copy(
                "GET / HTTP/1.1\nhost: {row}-shadow\nx-forwarded-for: 127.0.0.77,PROXY",
                "GET / HTTP/1.1\nhost: {row}",
            ),
        ),
        row("copy-of-a-large-post").see(Step::Post(100_000, HOST), ok).see(
            Step::Got(COPY),
            copy(
                "POST / HTTP/1.1\ncontent-length: 100000\nhost: {row}-shadow:{port}\n\
                 x-forwarded-for: 127.0.0.77,PROXY\n(100000)",
                "POST / HTTP/1.1\ncontent-length: 100000\nhost: {row}:{port}\n(100000)",
            ),
        ),
        row("copy-with-a-rewritten-host").rewrite("other.test").get(ok).see(
            Step::Got(COPY),
            copy(
                "GET / HTTP/1.1\nhost: other.test-shadow\nx-forwarded-for: 127.0.0.77,PROXY",
                "GET / HTTP/1.1\nhost: other.test\nx-forwarded-host: {row}:{port}",
            ),
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_do_not_notice() {
    let ok = same("200 - via_upstream 127.0.0.1");
    let behind = |name, behaviour| {
        row(name)
            .upstream(COPY, behaviour)
            .get(ok)
            .see(Step::Post(100_000, HOST), ok)
            .see(Step::Burst(3, HOST), same("3 x 200 - via_upstream 127.0.0.1"))
    };
    let mut refused = row("copy-refused");
    refused.upstreams.retain(|(ip, _)| *ip != COPY);
    compare(vec![
        refused.get(ok).get(ok),
        behind("copy-black-holed", Behaviour::Full),
        behind("copy-hangs", Behaviour::Hang),
        behind("copy-closed", Behaviour::Close),
        behind("copy-reset", Behaviour::Abort),
        behind("copy-not-answered", Behaviour::Mute),
        behind("copy-answered-late", Behaviour::Answer(200, Duration::from_secs(5))),
        behind("copy-fails", Behaviour::Answer(500, Duration::ZERO)),
        behind("copy-is-no-http", Behaviour::Write("what is this\r\n\r\n")),
    ])
    .await;
}
