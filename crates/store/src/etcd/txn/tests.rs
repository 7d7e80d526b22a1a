use backstay_proto::etcd::etcdserverpb::{DeleteRangeResponse, PutResponse, RangeResponse, ResponseHeader};
use backstay_proto::etcd::mvccpb::KeyValue;

use super::*;
use crate::Key;

fn lane() -> Lane {
    Lane { key: Bytes::from_static(b"/p/lanes/x/0"), modified: 7 }
}

fn key(name: &str) -> Key {
    Key::new("r", "", name)
}

fn put_of(name: &str, expect: Expect) -> Write {
    Write { key: key(name), expect, operation: Operation::Put("new".into()) }
}

fn kept(name: &str, modified: i64) -> KeyValue {
    let key = format!("/p/objects/r//{name}").into();
    KeyValue { key, create_revision: 3, mod_revision: modified, version: 1, value: "old".into(), lease: 0 }
}

fn found(kvs: Vec<KeyValue>) -> ResponseOp {
    let range = RangeResponse { kvs, ..RangeResponse::default() };
    ResponseOp { response: Some(response_op::Response::ResponseRange(range)) }
}

fn lane_at(modified: i64) -> ResponseOp {
    found((modified > 0).then(|| KeyValue { mod_revision: modified, ..KeyValue::default() }).into_iter().collect())
}

fn answer(succeeded: bool, responses: Vec<ResponseOp>) -> TxnResponse {
    TxnResponse { header: Some(ResponseHeader { revision: 20, ..ResponseHeader::default() }), succeeded, responses }
}

fn read(writes: &[Write], answer: TxnResponse) -> Outcome {
    outcome(&Keys::new("/p", None), &lane(), writes, answer)
}

#[test]
fn what_is_done_has_the_revision_of_the_answer() {
    let delete = Write { key: key("b"), expect: Expect::Present, operation: Operation::Delete };
    let writes = [Write::guard(key("g"), Expect::Any), put_of("a", Expect::Any), delete];
    let nothing = || ResponseOp { response: Some(response_op::Response::ResponsePut(PutResponse::default())) };
    let put = PutResponse { prev_kv: Some(kept("a", 9)), ..PutResponse::default() };
    let deleted = DeleteRangeResponse { prev_kvs: vec![kept("b", 11)], ..DeleteRangeResponse::default() };
    let responses = vec![
        nothing(),
        nothing(),
        ResponseOp { response: Some(response_op::Response::ResponsePut(put)) },
        ResponseOp { response: Some(response_op::Response::ResponseDeleteRange(deleted)) },
    ];
    let Outcome::Done(committed) = read(&writes, answer(true, responses)) else { panic!("it is done") };
    assert_eq!(committed.revision, 19);
    let told: Vec<_> =
        committed.entries.iter().map(|entry| (entry.created, entry.modified, entry.value.to_bytes())).collect();
    assert_eq!(told, [(2, 19, "new".into()), (2, 10, "old".into())]);
}

#[test]
fn a_conflict_names_the_first_that_is_not_as_expected() {
    let writes = [put_of("a", Expect::Present), put_of("b", Expect::Absent)];
    let responses = vec![lane_at(7), found(vec![kept("a", 4)]), found(vec![kept("b", 5)])];
    let Outcome::Conflict(CommitError::Conflict { key: named, current }) = read(&writes, answer(false, responses))
    else {
        panic!("it conflicts");
    };
    assert_eq!((named, current.map(|entry| entry.modified)), (key("b"), Some(4)));
}

#[test]
fn an_attempt_that_was_done_before_is_known_by_its_lane() {
    let writes = [put_of("a", Expect::Absent)];
    let at = |modified| read(&writes, answer(false, vec![lane_at(modified), found(vec![kept("a", 12)])]));
    assert!(matches!(at(12), Outcome::DoneBefore(12)));
    assert!(matches!(at(0), Outcome::LaneCleared));
    assert!(matches!(at(7), Outcome::Conflict(_)));
}

#[test]
fn who_does_not_lead_any_more_writes_nothing_as_the_leader() {
    let writes = [put_of("a", Expect::Absent)];
    let txn = request(&Keys::new("/p", None), Some(Term(4)), &lane(), &writes);
    assert!(txn.compare.iter().any(|compare| compare.target_union == Some(TargetUnion::CreateRevision(5))));
    assert!(matches!(read(&writes, answer(false, vec![lane_at(7), found(Vec::new())])), Outcome::Superseded));
}

#[test]
fn a_fence_tells_whether_something_was_done() {
    let mut untouched = lane();
    assert_eq!(fenced(&mut untouched, answer(true, Vec::new())), None);
    assert_eq!(untouched.modified, 20);
    let mut moved = lane();
    assert_eq!(fenced(&mut moved, answer(false, vec![lane_at(12)])), Some(12));
    assert_eq!(moved.modified, 12);
}

#[test]
fn nothing_can_be_deleted_that_must_be_absent() {
    let delete = Write { key: key("a"), expect: Expect::Absent, operation: Operation::Delete };
    let txn = request(&Keys::new("/p", None), None, &lane(), &[delete]);
    let results: Vec<_> = txn.compare.iter().skip(1).map(|compare| compare.result()).collect();
    assert_eq!(results, [CompareResult::Equal, CompareResult::Greater]);
}
