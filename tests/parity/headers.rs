//! Headers as clients may write them, and what becomes of them on the way.

use crate::compare::compare;
use crate::row::{Row, Step, bare, differs, raw, same, unlogged};
use crate::said::failure;
use crate::upstream::Behaviour;

const HERE: &[&str] = &["127.0.0.1"];
const WORDING: &str = "the status is what matters to clients; the texts differ";
const BLANKS: &str = "RFC 9110, 5.3: elements of a list are joined by a comma and a blank";
const PRIVATE: &str = "what starts so is for proxies to say: none of it is taken \
                 from clients, and nothing is added that only Envoy knows the meaning of";
const OWN: &str = "these mean something to Envoy, and are nothing special to others";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers() {
    let names =
        |name, behaviour, step, expected| Row::fixed(name, HERE).upstream("127.0.0.1", behaviour).see(step, expected);
    compare(vec![
        names(
            "everything-of-envoys-own",
            Behaviour::EchoOwn,
            Step::Raw(
                "GET / HTTP/1.1\r\nhost: {row}\r\nx-envoy-attempt-count: \
                 1\r\nx-envoy-decorator-operation: 1\r\nx-envoy-downstream-service-cluster: \
                 1\r\nx-envoy-downstream-service-node: 1\r\nx-envoy-expected-rq-timeout-ms: \
                 1\r\nx-envoy-external-address: 192.0.2.9\r\nx-envoy-force-trace: \
                 1\r\nx-envoy-hedge-on-per-try-timeout: true\r\nx-envoy-internal: \
                 true\r\nx-envoy-ip-tags: 1\r\nx-envoy-is-timeout-retry: \
                 1\r\nx-envoy-max-retries: 1\r\nx-envoy-original-dst-host: \
                 127.0.0.1:1\r\nx-envoy-original-host: a\r\nx-envoy-original-path: \
                 /a\r\nx-envoy-original-url: /a\r\nx-envoy-peer-metadata: \
                 1\r\nx-envoy-retriable-header-names: a\r\nx-envoy-retriable-status-codes: \
                 1\r\nx-envoy-retry-grpc-on: internal\r\nx-envoy-retry-on: \
                 5xx\r\nx-envoy-upstream-alt-stat-name: a\r\nx-envoy-upstream-rq-per-try-timeout-ms: \
                 1\r\nx-envoy-upstream-rq-timeout-alt-response: 1\r\nx-envoy-upstream-rq-timeout-ms: \
                 1\r\nx-envoy-upstream-stream-duration-ms: 1\r\nx-envoy-of-the-future: 1\r\n{id}\r\n",
            ),
            differs(
                "200 - via_upstream x-envoy-attempt-count: 1\nx-envoy-expected-rq-timeout-ms\n\
                 x-envoy-external-address: 127.0.0.77\nx-envoy-is-timeout-retry: \
                 1\nx-envoy-of-the-future: 1\nx-envoy-original-dst-host: \
                 127.0.0.1:1\nx-envoy-peer-metadata: 1",
                "200 - via_upstream",
                PRIVATE,
            ),
        ),
        names(
            "names-as-written",
            Behaviour::Names,
            Step::Raw("GET / HTTP/1.1\r\nHost: {row}\r\nX-Mixed-Case: 1\r\nACCEPT: a\r\n{id}\r\n"),
            differs(
                "200 - via_upstream accept host user-agent x-envoy-expected-rq-timeout-ms \
                 x-envoy-external-address x-forwarded-for x-forwarded-proto x-mixed-case x-request-id",
                "200 - via_upstream accept host user-agent x-forwarded-for \
                 x-forwarded-proto x-mixed-case x-request-id",
                OWN,
            ),
        ),
        names(
            "names-of-an-answer",
            Behaviour::Write(
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Mixed-Case: 1\r\n\
                 Server: mine\r\nDATE: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\nok",
            ),
            Step::Names("GET / HTTP/1.1\r\nhost: {row}\r\n{id}\r\n"),
            differs(
                "200 content-length date server x-envoy-upstream-service-time x-mixed-case",
                "200 content-length date server x-mixed-case",
                OWN,
            ),
        ),
        raw(
            "underscore",
            "GET / HTTP/1.1\r\nhost: {row}\r\nx_a: 1\r\n{id}\r\n",
            same("200 - via_upstream GET / HTTP/1.1\nhost: {row}\nx_a: 1"),
        ),
        raw(
            "odd-name",
            "GET / HTTP/1.1\r\nhost: {row}\r\nx!#$%&'*+.^_`|~9: 1\r\n{id}\r\n",
            same("200 - via_upstream GET / HTTP/1.1\nhost: {row}\nx!#$%&'*+.^_`|~9: 1"),
        ),
        unlogged(
            "name-with-a-bracket",
            "GET / HTTP/1.1\r\nhost: {row}\r\nx(a): 1\r\n{id}\r\n",
            differs("400 Bad Request", "400", WORDING),
        ),
        unlogged(
            "no-name",
            "GET / HTTP/1.1\r\nhost: {row}\r\n: 1\r\n{id}\r\n",
            differs("400 Bad Request", "400", WORDING),
        ),
        raw(
            "no-value",
            "GET / HTTP/1.1\r\nhost: {row}\r\nx-a:\r\n{id}\r\n",
            same("200 - via_upstream GET / HTTP/1.1\nhost: {row}\nx-a: "),
        ),
        raw(
            "blanks-around",
            "GET / HTTP/1.1\r\nhost: {row}\r\nx-a:  \t 1 2 \t\r\n{id}\r\n",
            same("200 - via_upstream GET / HTTP/1.1\nhost: {row}\nx-a: 1 2"),
        ),
        raw(
            "value-beyond-ascii",
            "GET / HTTP/1.1\r\nhost: {row}\r\nx-a: ä\r\n{id}\r\n",
            same("200 - via_upstream GET / HTTP/1.1\nhost: {row}\nx-a: ä"),
        ),
        unlogged(
            "null-in-a-value",
            "GET / HTTP/1.1\r\nhost: {row}\r\nx-a: a\0b\r\n{id}\r\n",
            differs("400 Bad Request", "400", WORDING),
        ),
        unlogged(
            "return-in-a-value",
            "GET / HTTP/1.1\r\nhost: {row}\r\nx-a: a\rb\r\n{id}\r\n",
            differs(
                "200 GET / HTTP/1.1\nhost: {row}\nx-a: ab",
                "400",
                "RFC 9112, 2.2: a bare CR is refused; to take it out would make another value of it",
            ),
        ),
        unlogged(
            "length-twice-the-same",
            "POST / HTTP/1.1\r\nhost: {row}\r\ncontent-length: 2\r\ncontent-length: 2\r\n{id}\r\nab",
            differs("400 Bad Request", "400", WORDING),
        ),
        unlogged(
            "length-in-a-list",
            "POST / HTTP/1.1\r\nhost: {row}\r\ncontent-length: 2, 2\r\n{id}\r\nab",
            differs("400 Bad Request", "400", WORDING),
        ),
        unlogged(
            "length-with-a-sign",
            "POST / HTTP/1.1\r\nhost: {row}\r\ncontent-length: +2\r\n{id}\r\nab",
            differs("400 Bad Request", "400", WORDING),
        ),
        unlogged(
            "length-of-a-get",
            "GET / HTTP/1.1\r\nhost: {row}\r\ncontent-length: 2\r\n{id}\r\nab",
            same("200 GET / HTTP/1.1\ncontent-length: 2\nhost: {row}\n(2) ab"),
        ),
        unlogged(
            "chunk-with-extension",
            "POST / HTTP/1.1\r\nhost: {row}\r\ntransfer-encoding: chunked\r\n{id}\r\n2;a=b\r\nab\r\n0\r\n\r\n",
            same("200 POST / HTTP/1.1\nhost: {row}\ntransfer-encoding: chunked\n(2) ab"),
        ),
        unlogged(
            "coding-in-upper-case",
            "POST / HTTP/1.1\r\nhost: {row}\r\ntransfer-encoding: Chunked\r\n{id}\r\n2\r\nab\r\n0\r\n\r\n",
            same("200 POST / HTTP/1.1\nhost: {row}\ntransfer-encoding: chunked\n(2) ab"),
        ),
        unlogged(
            "coding-identity",
            "POST / HTTP/1.1\r\nhost: {row}\r\ntransfer-encoding: identity\r\n{id}\r\n",
            differs(
                "501 Not Implemented",
                "400",
                "RFC 9112, 6.3: where chunked is not the last coding, nobody knows where the body ends",
            ),
        ),
        raw(
            "expectation",
            "POST / HTTP/1.1\r\nhost: {row}\r\ncontent-length: 1\r\nexpect: 100-continue\r\n{id}\r\nx",
            same("100 200 - via_upstream POST / HTTP/1.1\ncontent-length: 1\nhost: {row}\n(1) x"),
        ),
        raw(
            "expectation-without-a-body",
            "GET / HTTP/1.1\r\nhost: {row}\r\nexpect: 100-continue\r\n{id}\r\n",
            differs(
                "100 200 - via_upstream GET / HTTP/1.1\nhost: {row}",
                "200 - via_upstream GET / HTTP/1.1\nhost: {row}",
                "RFC 9110, 10.1.1: there is nothing to continue with",
            ),
        ),
        unlogged(
            "another-expectation",
            "POST / HTTP/1.1\r\nhost: {row}\r\ncontent-length: 1\r\nexpect: more\r\n{id}\r\nx",
            same("200 POST / HTTP/1.1\ncontent-length: 1\nexpect: more\nhost: {row}\n(1) x"),
        ),
        raw(
            "forwarded-for-in-two-lines",
            "GET / HTTP/1.1\r\nhost: {row}\r\nx-forwarded-for: 192.0.2.7\r\n\
                 x-forwarded-for: 192.0.2.8\r\n{id}\r\n",
            differs(
                "200 - via_upstream GET / HTTP/1.1\nhost: {row}\nx-forwarded-for: 192.0.2.7,192.0.2.8,127.0.0.77",
                "200 - via_upstream GET / HTTP/1.1\nhost: {row}\nx-forwarded-for: 192.0.2.7, 192.0.2.8, 127.0.0.77",
                BLANKS,
            ),
        ),
        raw(
            "empty-forwarded-for",
            "GET / HTTP/1.1\r\nhost: {row}\r\nx-forwarded-for:\r\n{id}\r\n",
            same("200 - via_upstream GET / HTTP/1.1\nhost: {row}"),
        ),
        raw(
            "other-forwarded-headers",
            "GET / HTTP/1.1\r\nhost: {row}\r\nx-forwarded-port: 443\r\n\
                 x-forwarded-client-cert: a\r\nx-real-ip: 192.0.2.7\r\nx-forwarded-scheme: https\r\n{id}\r\n",
            same(
                "200 - via_upstream GET / HTTP/1.1\nhost: {row}\nx-forwarded-port: \
                 443\nx-forwarded-scheme: https\nx-real-ip: 192.0.2.7",
            ),
        ),
        raw(
            "empty-request-id",
            "GET / HTTP/1.1\r\nhost: {row}\r\nx-request-id:\r\n{id}\r\n",
            same("200 - via_upstream GET / HTTP/1.1\nhost: {row}"),
        ),
        raw(
            "scheme-header",
            "GET / HTTP/1.1\r\nhost: {row}\r\nx-forwarded-proto: ftp\r\n{id}\r\n",
            same("200 - via_upstream GET / HTTP/1.1\nhost: {row}"),
        ),
        unlogged(
            "hop-by-names",
            "GET / HTTP/1.1\r\nhost: {row}\r\nconnection: close, x-forwarded-for, \
                 authorization, content-length\r\nauthorization: Basic\r\n{id}\r\n",
            differs(
                "400 Bad Request",
                "200 GET / HTTP/1.1\nhost: {row}",
                "RFC 9110, 7.6.1: what Connection names goes no further; the proxy's own are added after that",
            ),
        ),
        raw(
            "trailer-header",
            "GET / HTTP/1.1\r\nhost: {row}\r\ntrailer: x-sum\r\n{id}\r\n",
            same("200 - via_upstream GET / HTTP/1.1\nhost: {row}\ntrailer: x-sum"),
        ),
        raw(
            "proxy-authorization",
            "GET / HTTP/1.1\r\nhost: {row}\r\nproxy-authorization: Basic\r\n{id}\r\n",
            same("200 - via_upstream GET / HTTP/1.1\nhost: {row}\nproxy-authorization: Basic"),
        ),
        raw(
            "upgrade-without-connection",
            "GET / HTTP/1.1\r\nhost: {row}\r\nupgrade: websocket\r\n{id}\r\n",
            same("200 - via_upstream GET / HTTP/1.1\nhost: {row}"),
        ),
        raw(
            "upgrade-to-http-2",
            "GET / HTTP/1.1\r\nhost: {row}\r\nconnection: upgrade, http2-settings\r\n\
                 upgrade: h2c\r\nhttp2-settings: AAMAAABkAARAAAAAAAIAAAAA\r\n{id}\r\n",
            same("200 - via_upstream GET / HTTP/1.1\nhost: {row}"),
        ),
        bare("http-2-client").see(
            Step::Http2("GET /a?b HTTP/1.1\r\nhost: {row}\r\nx-a: 1\r\n{id}\r\n"),
            same("200 - via_upstream GET /a?b HTTP/1.1\nhost: {row}\nx-a: 1"),
        ),
        bare("http-2-client-with-a-body").see(
            Step::Http2("POST / HTTP/1.1\r\nhost: {row}\r\ncontent-length: 2\r\n{id}\r\nab"),
            same("200 - via_upstream POST / HTTP/1.1\ncontent-length: 2\nhost: {row}\n(2) ab"),
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sizes() {
    fn request(line: &str, headers: &str) -> &'static str {
        format!("GET {line} HTTP/1.1\r\nhost: {{row}}\r\n{headers}\r\n").leak()
    }
    let of = |name, request, expected| {
        Row::fixed(name, HERE).upstream("127.0.0.1", Behaviour::ADDRESS).see(Step::Unlogged(request), expected)
    };
    let long = |size| format!("x-a: {}\r\n", "a".repeat(size));
    let many = |count| (0..count).map(|number| format!("x-{number}: 1\r\n")).collect::<String>();
    let answer = |name, headers: &str, expected| {
        let raw: &'static str = format!("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n{headers}\r\nok").leak();
        Row::fixed(name, HERE).upstream("127.0.0.1", Behaviour::Write(raw)).get(expected)
    };
    compare(vec![
        of("header-of-50000", request("/", &long(50_000)), same("200 127.0.0.1")),
        of(
            "header-of-70000",
            request("/", &long(70_000)),
            differs("431 Request Header Fields Too Large", "431", WORDING),
        ),
        of(
            "headers-of-70000",
            request("/", &many(99).replace(": 1", &format!(": {}", "a".repeat(700)))),
            differs("431 Request Header Fields Too Large", "431", WORDING),
        ),
        of("90-headers", request("/", &many(90)), same("200 127.0.0.1")),
        of("110-headers", request("/", &many(110)), differs("431 Request Header Fields Too Large", "431", WORDING)),
        of("target-of-20000", request(&format!("/{}", "a".repeat(20_000)), ""), same("200 127.0.0.1")),
        of(
            "target-of-70000",
            request(&format!("/{}", "a".repeat(70_000)), ""),
            differs("431 Request Header Fields Too Large", "431", WORDING),
        ),
        answer("110-headers-of-an-answer", &many(110), same(failure("502 UPE", "protocol error"))),
        answer("50000-bytes-of-an-answer", &long(50_000), same("200 - via_upstream ok")),
        answer(
            "70000-bytes-of-an-answer",
            &long(70_000),
            differs(
                "200 - via_upstream ok",
                failure("502 UPE", "protocol error"),
                "the limit on heads, 64 KiB, holds both ways; Envoy lets answers have more than requests, 80 KiB",
            ),
        ),
    ])
    .await;
}
