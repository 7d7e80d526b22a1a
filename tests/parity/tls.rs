//! Dynamic backends over TLS: the name that is sent, and the name that the certificate must carry.

use hickory_proto::rr::RecordType::A;

use crate::compare::compare;
use crate::dns::Reply;
use crate::row::{Cache, Family, REFUSED, Row, Step, same};

fn row(name: &'static str, certificate: &'static [&'static str]) -> Row {
    let cache = Cache { family: Some(Family::V4Only), ..Cache::default() };
    Row::dynamic(name, cache).certificate(certificate).resolves_to(&["127.0.0.1"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates() {
    compare(vec![
        row("right-name", &["right-name.test"]).get(same("200 - via_upstream 127.0.0.1:1 sni {row}")),
        row("right-name-upper-case", &["right-name-upper-case.test"])
            .see(Step::Get("Right-Name-Upper-Case.TEST:{port}"), same("200 - via_upstream 127.0.0.1:1 sni {row}")),
        row("wildcard", &["*.wildcard.test"])
            .record("a", A, Reply::Addresses(60, &["127.0.0.1"]))
            .see(Step::Get("a.{row}:{port}"), same("200 - via_upstream 127.0.0.1:1 sni a.{row}")),
        row("wildcard-of-two-labels", &["*.wildcard-of-two-labels.test"])
            .record("b.a", A, Reply::Addresses(60, &["127.0.0.1"]))
            .see(Step::Get("b.a.{row}:{port}"), same(REFUSED)),
        row("wrong-name", &["other.test"]).get(same(REFUSED)),
        row("address-in-certificate", &["127.0.0.1"])
            .see(Step::Get("127.0.0.1:{port}"), same("200 - via_upstream 127.0.0.1:1 sni none")),
        row("address-not-in-certificate", &["other.test"]).see(Step::Get("127.0.0.1:{port}"), same(REFUSED)),
    ])
    .await;
}
