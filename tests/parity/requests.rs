//! Targets and hosts as clients may write them, and what becomes of them on the way.

use serde_json::json;

use crate::compare::compare;
use crate::row::{Row, Step, differs, raw, same, unlogged};
use crate::upstream::Behaviour;

const HERE: &[&str] = &["127.0.0.1"];
const WORDING: &str = "the status is what matters to clients; the texts differ";
const FLAGGED: &str = "a request that is no valid HTTP is flagged as what it is";
const HOST_RULE: &str = "RFC 9112, 3.2: such a request is answered with 400";
const NO_HOST: &str = "what is not a host with a port from 1 to 65535 leads nowhere that anybody could have meant";
const REWRITTEN: &str = "the upstream learns which host the client asked for; Envoy tells it by a setting";
const METHODS: &str = "RFC 9110, 9.1: there are methods beyond those that a proxy knows, and their case matters";
const VERSION: &str = "RFC 9112, 2.3 and RFC 9113, 3.3: what is neither HTTP/1.0 nor HTTP/1.1 has no text form";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn targets() {
    compare(vec![
        raw(
            "dot-segments",
            "GET /a/./b/%2e%2e/c HTTP/1.1\r\nhost: {row}\r\n{id}\r\n",
            same("200 - via_upstream GET /a/./b/%2e%2e/c HTTP/1.1\nhost: {row}"),
        ),
        raw(
            "backslash",
            "GET /a\\b HTTP/1.1\r\nhost: {row}\r\n{id}\r\n",
            same("200 - via_upstream GET /a\\b HTTP/1.1\nhost: {row}"),
        ),
        raw(
            "encoded",
            "GET /%41%c3%a4%00%zz HTTP/1.1\r\nhost: {row}\r\n{id}\r\n",
            same("200 - via_upstream GET /%41%c3%a4%00%zz HTTP/1.1\nhost: {row}"),
        ),
        unlogged(
            "fragment",
            "GET /a#b HTTP/1.1\r\nhost: {row}\r\n{id}\r\n",
            differs(
                "400",
                "200 GET /a HTTP/1.1\nhost: {row}",
                "RFC 9110, 4.2.5: a fragment is not for servers; nothing is looked up or sent by it",
            ),
        ),
        unlogged(
            "no-slash",
            "GET a HTTP/1.1\r\nhost: {row}\r\n{id}\r\n",
            differs("400 Bad Request", "400 invalid request target", WORDING),
        ),
        unlogged(
            "bytes-beyond-ascii",
            "GET /ä HTTP/1.1\r\nhost: {row}\r\n{id}\r\n",
            differs("400 Bad Request", "400 invalid request target", WORDING),
        ),
        unlogged(
            "only-a-query",
            "GET ?a=b HTTP/1.1\r\nhost: {row}\r\n{id}\r\n",
            differs("400 Bad Request", "400", WORDING),
        ),
        unlogged(
            "blank-in-target",
            "GET /a b HTTP/1.1\r\nhost: {row}\r\n{id}\r\n",
            differs("400 Bad Request", "400", WORDING),
        ),
        unlogged("asterisk", "OPTIONS * HTTP/1.1\r\nhost: {row}\r\n{id}\r\n", same("404")),
        raw(
            "absolute",
            "GET http://{row}/a?b HTTP/1.1\r\nhost: {row}\r\n{id}\r\n",
            same("200 - via_upstream GET /a?b HTTP/1.1\nhost: {row}"),
        ),
        unlogged(
            "absolute-of-another-scheme",
            "GET https://{row}/a HTTP/1.1\r\nhost: {row}\r\n{id}\r\n",
            differs(
                "403 Forbidden",
                "200 GET /a HTTP/1.1\nhost: {row}",
                "whoever ended TLS before this proxy may have left the target as it was",
            ),
        ),
        raw(
            "absolute-without-a-path",
            "GET http://{row} HTTP/1.1\r\nhost: other.test\r\n{id}\r\n",
            same("200 - via_upstream GET / HTTP/1.1\nhost: {row}"),
        ),
        unlogged(
            "absolute-with-user",
            "GET http://me@{row}/ HTTP/1.1\r\nhost: {row}\r\n{id}\r\n",
            differs("200 GET / HTTP/1.1\nhost: {row}", "400 invalid host", NO_HOST),
        ),
        raw(
            "absolute-without-host",
            "GET http://{row}/ HTTP/1.1\r\n{id}\r\n",
            same("200 - via_upstream GET / HTTP/1.1\nhost: {row}"),
        ),
        unlogged(
            "lower-case-method",
            "get / HTTP/1.1\r\nhost: {row}\r\n{id}\r\n",
            differs("400 Bad Request", "200 get / HTTP/1.1\nhost: {row}", METHODS),
        ),
        unlogged(
            "method-of-ones-own",
            "BREW /pot HTTP/1.1\r\nhost: {row}\r\n{id}\r\n",
            differs("400 Bad Request", "200 BREW /pot HTTP/1.1\nhost: {row}", METHODS),
        ),
        unlogged("trace", "TRACE / HTTP/1.1\r\nhost: {row}\r\n{id}\r\n", same("200 TRACE / HTTP/1.1\nhost: {row}")),
        unlogged(
            "http-1.2",
            "GET / HTTP/1.2\r\nhost: {row}\r\n{id}\r\n",
            differs("426 Upgrade Required", "400", VERSION),
        ),
        unlogged(
            "http-2-in-text",
            "GET / HTTP/2.0\r\nhost: {row}\r\n{id}\r\n",
            differs("426 Upgrade Required", "400", VERSION),
        ),
        unlogged(
            "leading-line",
            "\r\nGET / HTTP/1.1\r\nhost: {row}\r\n{id}\r\n",
            same("200 GET / HTTP/1.1\nhost: {row}"),
        ),
        unlogged(
            "bare-line-feeds",
            "GET / HTTP/1.1\nhost: {row}\nuser-agent: x\n\n",
            differs(
                "200 GET / HTTP/1.1\nhost: {row}\nuser-agent: x",
                "400",
                "what one reader takes for the end of a line another takes for a part of it",
            ),
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts() {
    let here = |name: &'static str, authority, expected| {
        Row::fixed(name, HERE)
            .upstream("127.0.0.1", Behaviour::Bare)
            .only_host("here.test")
            .see(Step::Get(authority), expected)
    };
    let to = |name, request, expected| {
        Row::fixed(name, HERE).upstream("127.0.0.1", Behaviour::Bare).see(Step::Raw(request), expected)
    };
    compare(vec![
        here("host-in-upper-case", "HERE.Test", same("200 - via_upstream GET / HTTP/1.1\nhost: HERE.Test")),
        here(
            "host-with-a-dot",
            "here.test.",
            differs(
                "404 NR route_not_found",
                "200 - via_upstream GET / HTTP/1.1\nhost: here.test.",
                "a dot at the end of a host does not make it another",
            ),
        ),
        here(
            "host-with-its-port",
            "here.test:80",
            differs(
                "404 NR route_not_found",
                "200 - via_upstream GET / HTTP/1.1\nhost: here.test:80",
                "Gateway API: the port of an authority does not matter",
            ),
        ),
        here("host-of-a-subdomain", "a.here.test", same("404 NR route_not_found")),
        to(
            "no-host-to-a-fixed-one",
            "GET / HTTP/1.1\r\n{id}\r\n",
            differs("400 - missing_host_header", "400 DPE missing_host_header", FLAGGED),
        ),
        to(
            "empty-host-to-a-fixed-one",
            "GET / HTTP/1.1\r\nhost:\r\n{id}\r\n",
            differs(
                "200 - via_upstream GET / HTTP/1.1\nhost: ",
                "400 DPE empty_host_header Empty host header",
                HOST_RULE,
            ),
        ),
        to(
            "two-hosts-to-a-fixed-one",
            "GET / HTTP/1.1\r\nhost: {row}\r\nhost: other.test\r\n{id}\r\n",
            differs(
                "200 - via_upstream GET / HTTP/1.1\nhost: {row},other.test",
                "400 DPE multiple_host_headers several host headers",
                HOST_RULE,
            ),
        ),
        to(
            "host-twice",
            "GET / HTTP/1.1\r\nhost: {row}\r\nhost: {row}\r\n{id}\r\n",
            differs(
                "200 - via_upstream GET / HTTP/1.1\nhost: {row},{row}",
                "400 DPE multiple_host_headers several host headers",
                HOST_RULE,
            ),
        ),
        to(
            "host-with-underscore",
            "GET / HTTP/1.1\r\nhost: a_b.test\r\n{id}\r\n",
            same("200 - via_upstream GET / HTTP/1.1\nhost: a_b.test"),
        ),
        to(
            "host-with-user",
            "GET / HTTP/1.1\r\nhost: me@{row}\r\n{id}\r\n",
            differs(
                "200 - via_upstream GET / HTTP/1.1\nhost: me@{row}",
                "400 DPE invalid_host_header invalid host",
                NO_HOST,
            ),
        ),
        unlogged(
            "host-with-slash",
            "GET / HTTP/1.1\r\nhost: {row}/a\r\n{id}\r\n",
            differs("400 Bad Request", "400 invalid host", NO_HOST),
        ),
        to(
            "host-with-port-zero",
            "GET / HTTP/1.1\r\nhost: {row}:0\r\n{id}\r\n",
            differs(
                "200 - via_upstream GET / HTTP/1.1\nhost: {row}:0",
                "400 DPE invalid_host_header invalid host",
                NO_HOST,
            ),
        ),
        to(
            "host-with-port-of-letters",
            "GET / HTTP/1.1\r\nhost: {row}:a\r\n{id}\r\n",
            differs(
                "200 - via_upstream GET / HTTP/1.1\nhost: {row}:a",
                "400 DPE invalid_host_header invalid host",
                NO_HOST,
            ),
        ),
        to(
            "host-with-port-too-high",
            "GET / HTTP/1.1\r\nhost: {row}:65536\r\n{id}\r\n",
            differs(
                "200 - via_upstream GET / HTTP/1.1\nhost: {row}:65536",
                "400 DPE invalid_host_header invalid host",
                NO_HOST,
            ),
        ),
        to(
            "host-is-an-address",
            "GET / HTTP/1.1\r\nhost: [::1]:80\r\n{id}\r\n",
            same("200 - via_upstream GET / HTTP/1.1\nhost: [::1]:80"),
        ),
        Row::fixed("rewritten-to-a-literal", HERE).upstream("127.0.0.1", Behaviour::Bare).rewrite("other.test").see(
            Step::Raw("GET / HTTP/1.1\r\nhost: {row}:{port}\r\n{id}\r\n"),
            differs(
                "200 - via_upstream GET / HTTP/1.1\nhost: other.test",
                "200 - via_upstream GET / HTTP/1.1\nhost: other.test\nx-forwarded-host: {row}:{port}",
                REWRITTEN,
            ),
        ),
        Row::fixed("rewritten-by-policy", HERE)
            .upstream("127.0.0.1", Behaviour::Bare)
            .policy(json!({"host": {"literal": "other.test"}}))
            .action(json!({"host_rewrite_literal": "other.test"}))
            .see(
                Step::Raw("GET / HTTP/1.1\r\nhost: {row}\r\n{id}\r\n"),
                differs(
                    "200 - via_upstream GET / HTTP/1.1\nhost: other.test",
                    "200 - via_upstream GET / HTTP/1.1\nhost: other.test\nx-forwarded-host: {row}",
                    REWRITTEN,
                ),
            ),
        Row::of("rewritten-to-the-endpoint", vec![crate::row::Endpoint::new("{row}")])
            .resolves_to(HERE)
            .upstream("127.0.0.1", Behaviour::Bare)
            .policy(json!({"host": {"automatic": true}}))
            .action(json!({"auto_host_rewrite": true}))
            .see(
                Step::Raw("GET / HTTP/1.1\r\nhost: other.test\r\n{id}\r\n"),
                differs(
                    "200 - via_upstream GET / HTTP/1.1\nhost: {row}",
                    "200 - via_upstream GET / HTTP/1.1\nhost: {row}\nx-forwarded-host: other.test",
                    REWRITTEN,
                ),
            ),
    ])
    .await;
}
