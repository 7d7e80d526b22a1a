//! What upstreams see of a request, and clients of an answer's head.

use crate::compare::compare;
use crate::row::{Row, Step, differs, same};
use crate::upstream::Behaviour;

const HERE: &[&str] = &["127.0.0.1"];
const GET: &str = "GET / HTTP/1.1\r\nhost: {row}\r\n{id}\r\n";
const WORDING: &str = "the status is what matters to clients; the texts differ";

fn echo(name: &'static str) -> Row {
    Row::fixed(name, HERE).upstream("127.0.0.1", Behaviour::Echo)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests() {
    compare(vec![
        echo("path-and-query").see(
            Step::Raw("GET /a/../b//c%2Fd?x=%20y&z HTTP/1.1\r\nHost: {row}\r\nx-multi: 1\r\nX-Multi: 2\r\n{id}\r\n"),
            same(
                "200 - via_upstream GET /a/../b//c%2Fd?x=%20y&z HTTP/1.1\nhost: {row}\nuser-agent: path-and-query/1\n\
                 x-forwarded-for: 127.0.0.77\nx-forwarded-proto: http\nx-multi: 1\nx-multi: 2\nx-request-id: random",
            ),
        ),
        echo("no-path-before-a-query").see(
            Step::Raw("GET http://{row}?q=1 HTTP/1.1\r\nhost: {row}\r\n{id}\r\n"),
            differs(
                "404 - absolute_path_rejected",
                "200 - via_upstream GET /?q=1 HTTP/1.1\nhost: {row}\nuser-agent: no-path-before-a-query/1\n\
                 x-forwarded-for: 127.0.0.77\nx-forwarded-proto: http\nx-request-id: random",
                "RFC 9110, 4.2.3: a path that is left out is a slash",
            ),
        ),
        echo("connection-headers").see(
            Step::Raw(
                "GET / HTTP/1.1\r\nhost: {row}\r\nconnection: keep-alive, x-hop\r\nkeep-alive: timeout=5\r\nx-hop: 1\r\n\
                 proxy-connection: keep-alive\r\n{id}\r\n",
            ),
            same(
                "200 - via_upstream GET / HTTP/1.1\nhost: {row}\nuser-agent: connection-headers/1\n\
                 x-forwarded-for: 127.0.0.77\nx-forwarded-proto: http\nx-request-id: random",
            ),
        ),
        echo("te").see(
            Step::Raw("GET / HTTP/1.1\r\nhost: {row}\r\nconnection: te\r\nte: trailers, deflate\r\n{id}\r\n"),
            differs(
                "200 - via_upstream GET / HTTP/1.1\nhost: {row}\nte: trailers\nuser-agent: te/1\n\
                 x-forwarded-for: 127.0.0.77\nx-forwarded-proto: http\nx-request-id: random",
                "200 - via_upstream GET / HTTP/1.1\nconnection: te\nhost: {row}\nte: trailers\nuser-agent: te/1\n\
                 x-forwarded-for: 127.0.0.77\nx-forwarded-proto: http\nx-request-id: random",
                "RFC 9110, 10.1.4: whoever sends TE names it in Connection",
            ),
        ),
        echo("forwarded-headers").see(
            Step::Raw(
                "GET / HTTP/1.1\r\nhost: {row}\r\nx-forwarded-for: 192.0.2.7\r\nx-forwarded-proto: https\r\n\
                 x-forwarded-host: a.test\r\nforwarded: for=192.0.2.7\r\nvia: 1.1 a\r\n{id}\r\n",
            ),
            differs(
                "200 - via_upstream GET / HTTP/1.1\nforwarded: for=192.0.2.7\nhost: {row}\n\
                 user-agent: forwarded-headers/1\nvia: 1.1 a\nx-forwarded-for: 192.0.2.7,127.0.0.77\n\
                 x-forwarded-host: a.test\nx-forwarded-proto: http\nx-request-id: random",
                "200 - via_upstream GET / HTTP/1.1\nforwarded: for=192.0.2.7\nhost: {row}\n\
                 user-agent: forwarded-headers/1\nvia: 1.1 a\nx-forwarded-for: 192.0.2.7, 127.0.0.77\n\
                 x-forwarded-host: a.test\nx-forwarded-proto: http\nx-request-id: random",
                "RFC 9110, 5.3: elements of a list are joined by a comma and a blank",
            ),
        ),
        echo("id-of-the-client").see(
            Step::Raw("GET / HTTP/1.1\r\nhost: {row}\r\nx-request-id: mine\r\n{id}\r\n"),
            differs(
                "200 - via_upstream GET / HTTP/1.1\nhost: {row}\nuser-agent: id-of-the-client/1\n\
                 x-forwarded-for: 127.0.0.77\nx-forwarded-proto: http\nx-request-id: random",
                "200 - via_upstream GET / HTTP/1.1\nhost: {row}\nuser-agent: id-of-the-client/1\n\
                 x-forwarded-for: 127.0.0.77\nx-forwarded-proto: http\nx-request-id: mine",
                "who names a request can find it again on both sides of the proxy",
            ),
        ),
        Row::fixed("own-headers", HERE).upstream("127.0.0.1", Behaviour::EchoOwn).see(
            Step::Raw("GET / HTTP/1.1\r\nhost: {row}\r\nx-envoy-max-retries: 9\r\n{id}\r\n"),
            differs(
                "200 - via_upstream x-envoy-expected-rq-timeout-ms\nx-envoy-external-address: 127.0.0.77",
                "200 - via_upstream",
                "these are what Envoys tell each other; Backstay has nothing to tell them",
            ),
        ),
        echo("chunked-with-trailers").see(
            Step::Raw("POST / HTTP/1.1\r\nhost: {row}\r\ntransfer-encoding: chunked\r\n{id}\r\n2\r\nab\r\n0\r\nx-sum: 7\r\n\r\n"),
            same(
                "200 - via_upstream POST / HTTP/1.1\nhost: {row}\ntransfer-encoding: chunked\n\
                 user-agent: chunked-with-trailers/1\nx-forwarded-for: 127.0.0.77\nx-forwarded-proto: http\n\
                 x-request-id: random\n(2) ab",
            ),
        ),
        echo("empty-post").see(
            Step::Raw("POST / HTTP/1.1\r\nhost: {row}\r\ncontent-length: 0\r\n{id}\r\n"),
            same(
                "200 - via_upstream POST / HTTP/1.1\ncontent-length: 0\nhost: {row}\nuser-agent: empty-post/1\n\
                 x-forwarded-for: 127.0.0.77\nx-forwarded-proto: http\nx-request-id: random",
            ),
        ),
        echo("upgrade").see(
            Step::Raw("GET / HTTP/1.1\r\nhost: {row}\r\nconnection: upgrade\r\nupgrade: websocket\r\n{id}\r\n"),
            differs(
                "403 - upgrade_failed",
                "200 - via_upstream GET / HTTP/1.1\nconnection: upgrade\nhost: {row}\nupgrade: websocket\n\
                 user-agent: upgrade/1\nx-forwarded-for: 127.0.0.77\nx-forwarded-proto: http\nx-request-id: random",
                "WebSockets work without a setting",
            ),
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_requests() {
    let bad_request = differs("400 Bad Request", "400", WORDING);
    compare(vec![
        echo("length-and-chunks-sent").see(
            Step::Unlogged(
                "POST / HTTP/1.1\r\nhost: {row}\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n{id}\r\n0\r\n\r\n",
            ),
            bad_request,
        ),
        echo("chunks-and-length-sent").see(
            Step::Unlogged(
                "POST / HTTP/1.1\r\nhost: {row}\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n{id}\r\n0\r\n\r\n",
            ),
            bad_request,
        ),
        echo("two-codings-sent").see(
            Step::Unlogged("POST / HTTP/1.1\r\nhost: {row}\r\ntransfer-encoding: gzip, chunked\r\n{id}\r\n0\r\n\r\n"),
            differs("501 Not Implemented", "501 transfer coding not supported", WORDING),
        ),
        echo("two-lengths-sent").see(
            Step::Unlogged("POST / HTTP/1.1\r\nhost: {row}\r\ncontent-length: 1\r\ncontent-length: 2\r\n{id}\r\nab"),
            bad_request,
        ),
        echo("blank-before-colon").see(Step::Unlogged("GET / HTTP/1.1\r\nhost: {row}\r\nx-a : 1\r\n{id}\r\n"), bad_request),
        echo("folded-line").upstream("127.0.0.1", Behaviour::ADDRESS).see(
            Step::Unlogged("GET / HTTP/1.1\r\nhost: {row}\r\nx-a: 1\r\n 2\r\n{id}\r\n"),
            differs("200 127.0.0.1", "400", "RFC 9112, 5.2: nobody has sent these for decades, except to be misread"),
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers() {
    const SERVER: &str = "Backstay says nothing of itself, and leaves what upstreams say of themselves";
    let writes = |name, raw| Row::fixed(name, HERE).upstream("127.0.0.1", Behaviour::Write(raw));
    let ask = Step::Head(GET);
    compare(vec![
        writes("answer-head", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nserver: mine\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n\r\nok")
            .see(
                ask.clone(),
                differs(
                    "200\ncontent-length: 2\ndate\nserver: envoy\nset-cookie: a=1\nset-cookie: b=2\n\
                     x-envoy-upstream-service-time\n\nok",
                    "200\ncontent-length: 2\ndate\nserver: mine\nset-cookie: a=1\nset-cookie: b=2\n\nok",
                    SERVER,
                ),
            ),
        writes("answer-connection-headers", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close, x-hop\r\nx-hop: 1\r\nkeep-alive: timeout=5\r\nproxy-authenticate: Basic\r\n\r\nok")
            .see(
                ask.clone(),
                differs(
                    "200\ncontent-length: 2\ndate\nproxy-authenticate: Basic\nserver: envoy\n\
                     x-envoy-upstream-service-time\nx-hop: 1\n\nok",
                    "200\ncontent-length: 2\ndate\nproxy-authenticate: Basic\n\nok",
                    "RFC 9110, 7.6.1: what Connection names goes no further",
                ),
            ),
        Row::fixed("local-answer", HERE).see(
            ask,
            differs(
                "503\ncontent-length: 98\ncontent-type: text/plain\ndate\nserver: envoy\n\n\
                 upstream connect error or disconnect/reset before headers. reset reason: remote connection failure",
                "503\ncontent-length: 98\ncontent-type: text/plain\ndate\n\n\
                 upstream connect error or disconnect/reset before headers. reset reason: remote connection failure",
                SERVER,
            ),
        ),
    ])
    .await;
}
