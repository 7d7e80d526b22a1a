//! What authorities lead to.

use hickory_proto::rr::RecordType::A;

use crate::compare::compare;
use crate::dns::Reply;
use crate::row::{Cache, Family, HOST, REFUSED, Row, Step, differs, same};
use crate::upstream::Behaviour;

const MALFORMED: &str = "503 DF dns_resolution_failure{misformatted_domain_name} DNS resolution failure";
const INVALID: &str = "400 DPE invalid_host_header invalid host";
const STRICT: &str = "what is not a host with a port from 1 to 65535 is the client's mistake, not DNS's";
const ONE_SPELLING: &str = "names that DNS cannot tell apart share an entry";
const FLAGGED: &str = "a request that is no valid HTTP is flagged as what it is";
const SPELLINGS: &str = "what some programs take for an address and others for a name is neither: it would slip past rules that \
     read it the other way";

fn v4() -> Cache {
    Cache { family: Some(Family::V4Only), ..Cache::default() }
}

fn row(name: &'static str) -> Row {
    Row::dynamic(name, v4()).resolves_to(&["127.0.0.1"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses() {
    let ok = same("200 - via_upstream 127.0.0.1:1");
    let odd = |name, authority, envoy| {
        let refused = differs(envoy, MALFORMED, SPELLINGS);
        Row::dynamic(name, v4()).see(Step::Get(authority), refused)
    };
    let nxdomain = "503 DF dns_resolution_failure{nxdomain} DNS resolution failure";
    compare(vec![
        Row::dynamic("literal", v4()).see(Step::Get("127.0.0.1:{port}"), ok),
        Row::dynamic("literal-in-the-other-family", Cache { family: Some(Family::V6Only), ..Cache::default() })
            .see(Step::Get("127.0.0.1:{port}"), ok),
        Row::dynamic("v6-literal", Cache::default()).see(Step::Get("[::1]:{port}"), same(REFUSED)),
        Row::dynamic("v6-literal-in-the-other-family", v4()).see(
            Step::Get("[::1]:{port}"),
            differs(MALFORMED, REFUSED, "an address needs no lookup, so that the family of lookups does not matter"),
        ),
        odd("decimal", "2130706433:{port}", nxdomain),
        odd("hexadecimal", "0x7f000001:{port}", nxdomain),
        odd("short", "127.1:{port}", nxdomain),
        odd("octal", "0127.0.0.9:{port}", REFUSED),
        Row::dynamic("address-with-a-dot", v4()).see(
            Step::Get("127.0.0.1.:{port}"),
            differs(nxdomain, "200 - via_upstream 127.0.0.1:1", "a dot at the end of a host does not make it another"),
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ports_and_spellings() {
    let ok = same("200 - via_upstream 127.0.0.1:1");
    let refused = |name, authority, envoy| {
        row(name).see(Step::Get(authority), differs(envoy, INVALID, STRICT)).see(Step::Asked, same(""))
    };
    let long = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.{row}:{port}";
    compare(vec![
        row("upper-case")
            .get(ok)
            .see(
                Step::Get("UPPER-CASE.Test:{port}"),
                differs("200 - via_upstream 127.0.0.1:2", "200 - via_upstream 127.0.0.1:1", ONE_SPELLING),
            )
            .see(Step::Asked, differs("A A", "A", ONE_SPELLING)),
        row("trailing-dot")
            .get(ok)
            .see(
                Step::Get("{row}.:{port}"),
                differs("200 - via_upstream 127.0.0.1:2", "200 - via_upstream 127.0.0.1:1", ONE_SPELLING),
            )
            .see(Step::Asked, differs("A A", "A", ONE_SPELLING)),
        row("two-ports").get(ok).see(Step::Get("{row}:1"), same(REFUSED)).see(Step::Asked, same("A A")),
        row("well-known-port")
            .resolves_to(&["127.0.0.9"])
            .see(Step::Get("{row}"), same(REFUSED))
            .see(Step::Get("{row}:80"), same(REFUSED))
            .see(Step::Asked, same("A")),
        row("port-zero")
            .see(Step::Get("{row}:0"), differs(REFUSED, INVALID, "nothing can listen on port 0"))
            .see(Step::Asked, differs("A", "", "nothing can listen on port 0")),
        refused("port-too-high", "{row}:70000", MALFORMED),
        refused("port-of-letters", "{row}:abc", MALFORMED),
        row("port-after-port").see(
            Step::Get("{row}:{port}:1"),
            differs("503 UH dns_resolution_failure{misformatted_domain_name} no healthy upstream", INVALID, STRICT),
        ),
        refused("user-information", "user@{row}:{port}", MALFORMED),
        row("port-left-out").resolves_to(&["127.0.0.9"]).see(
            Step::Get("{row}:"),
            differs(MALFORMED, REFUSED, "RFC 3986, 3.2.3: an empty port is the scheme's own"),
        ),
        row("long-label").see(Step::Get(long), same(MALFORMED)).see(Step::Asked, same("")),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_requests() {
    let with_v4 = |name| Row::dynamic(name, v4()).record("", A, Reply::Addresses(60, &["127.0.0.1"]));
    compare(vec![
        with_v4("no-host").see(
            Step::Raw("GET / HTTP/1.1\r\n{id}\r\n"),
            differs("400 - missing_host_header", "400 DPE missing_host_header", FLAGGED),
        ),
        with_v4("empty-host").see(
            Step::Raw("GET / HTTP/1.1\r\nhost: \r\n{id}\r\n"),
            differs(
                "400 - empty_host_header Empty host header",
                "400 DPE empty_host_header Empty host header",
                FLAGGED,
            ),
        ),
        with_v4("blank-in-host").see(
            Step::Unlogged("GET / HTTP/1.1\r\nhost: a b\r\n{id}\r\n"),
            differs("400 Bad Request", "400 invalid host", "says what is wrong"),
        ),
        with_v4("two-hosts").see(
            Step::Raw("GET / HTTP/1.1\r\nhost: {row}:{port}\r\nhost: other.test\r\n{id}\r\n"),
            differs(
                MALFORMED,
                "400 DPE multiple_host_headers several host headers",
                "RFC 9112, 3.2: such a request is answered with 400",
            ),
        ),
        with_v4("absolute-form").upstream("127.0.0.1", Behaviour::Echo).see(
            Step::Raw("GET http://{row}:{port}/path HTTP/1.1\r\nhost: other.test\r\n{id}\r\n"),
            differs(
                "200 - via_upstream GET /path HTTP/1.1\nhost: {row}:{port}\nuser-agent: absolute-form/1\n\
                 x-forwarded-for: 127.0.0.77\nx-forwarded-proto: http\nx-request-id: random",
                "200 - via_upstream GET /path HTTP/1.1\ncdn-loop: backstay-random\nhost: {row}:{port}\n\
                 user-agent: absolute-form/1\nx-forwarded-for: 127.0.0.77\nx-forwarded-proto: http\n\
                 x-request-id: random",
                "RFC 8586: clients choose where these go, and one that comes back is known by its mark",
            ),
        ),
        with_v4("connect").see(
            Step::Raw("CONNECT {row}:{port} HTTP/1.1\r\nhost: {row}:{port}\r\n{id}\r\n"),
            differs(
                "404 NR route_not_found",
                "405 DPE connect_not_supported CONNECT is not supported",
                "no route could be made for it, so that it is the method and not the path",
            ),
        ),
        with_v4("original-destination-header").see(
            Step::Raw("GET / HTTP/1.1\r\nhost: {row}:{port}\r\nx-envoy-original-dst-host: 127.0.0.1:1\r\n{id}\r\n"),
            same("200 - via_upstream 127.0.0.1:1"),
        ),
        with_v4("another-host").only_host("here.test").see(Step::Get(HOST), same("404 NR route_not_found")),
    ])
    .await;
}
