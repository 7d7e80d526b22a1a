//! How much a cache holds.

use std::time::Duration;

use hickory_proto::rr::RecordType::A;

use crate::compare::compare;
use crate::dns::Reply;
use crate::row::{Cache, Family, Row, Step, differs, same};
use crate::upstream::Behaviour;

const FULL: &str = "503 - dns_cache_overflow DNS cache overflow";
const OK: &str = "200 - via_upstream 127.0.0.1";
const NXDOMAIN: &str = "503 DF dns_resolution_failure{nxdomain} DNS resolution failure";
const APART: &str = "names that do not resolve have a place of their own, so that junk cannot keep out the rest";

fn row(name: &'static str, max_hosts: u32) -> Row {
    let here = Reply::Addresses(60, &["127.0.0.1"]);
    let slow = Reply::After(Duration::from_millis(600), Box::new(here.clone()));
    let cache = Cache { family: Some(Family::V4Only), max_hosts: Some(max_hosts), ..Cache::default() };
    Row::dynamic(name, cache)
        .record("a", A, here.clone())
        .record("b", A, here.clone())
        .record("c", A, here)
        .record("slow", A, slow)
        .upstream("127.0.0.1", Behaviour::ADDRESS)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cache_holds_as_many_hosts_as_it_may() {
    let (a, b, c) = (Step::Get("a.{row}:{port}"), Step::Get("b.{row}:{port}"), Step::Get("c.{row}:{port}"));
    compare(vec![
        row("full", 2)
            .see(a.clone(), same(OK))
            .see(b.clone(), same(OK))
            .see(c, same(FULL))
            .see(a.clone(), same(OK))
            .see(Step::Asked, same("a/A b/A")),
        row("full-for-another-port", 1).see(a.clone(), same(OK)).see(Step::Get("a.{row}:1"), same(FULL)),
        row("full-for-an-address", 1).see(a.clone(), same(OK)).see(
            Step::Get("127.0.0.1:{port}"),
            differs(FULL, OK, "an address needs no entry: there is nothing to look up"),
        ),
        row("junk-fills-it", 1)
            .see(Step::Get("junk.{row}:{port}"), same(NXDOMAIN))
            .see(a, differs(FULL, OK, APART))
            .see(b, same(FULL)),
        row("full-while-looking-up", 1)
            .then(Step::Begin("slow.{row}:{port}"))
            .then(Step::Await(A, 1))
            .then(Step::Begin("slow.{row}:{port}"))
            .see(Step::End, same(OK))
            .see(
                Step::End,
                differs(FULL, OK, "whoever asks for a name that is being looked up needs no room of its own"),
            )
            .see(Step::Asked, same("slow/A")),
    ])
    .await;
}
