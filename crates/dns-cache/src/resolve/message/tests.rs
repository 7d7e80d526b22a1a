use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{RData, Record};

use super::*;

const ID: u16 = 0x1234;

fn question() -> Question {
    Question::new("host.example.".parse().unwrap(), RecordType::A)
}

fn answer(change: impl FnOnce(&mut Message)) -> Vec<u8> {
    let mut message = Message::from_vec(&question().to_bytes(ID, true).unwrap()).unwrap();
    message.metadata.message_type = MessageType::Response;
    change(&mut message);
    message.to_vec().unwrap()
}

#[test]
fn a_question_says_what_is_wanted_and_what_fits() {
    for edns in [true, false] {
        let message = Message::from_vec(&question().to_bytes(ID, edns).unwrap()).unwrap();
        assert_eq!((message.metadata.id, message.metadata.message_type), (ID, MessageType::Query));
        assert!(message.metadata.recursion_desired);
        assert_eq!(message.queries, [Query::query("host.example.".parse().unwrap(), RecordType::A)]);
        assert_eq!(message.edns.map(|edns| (edns.max_payload(), edns.version())), edns.then_some((1232, 0)));
    }
}

#[test]
fn only_answers_to_the_question_are_answers() {
    let read = |bytes: &[u8]| question().read(ID, bytes);
    assert!(matches!(read(&answer(|_| {})), Reading::Answer(_)));
    let upper = answer(|message| message.queries[0] = Query::query("HOST.Example.".parse().unwrap(), RecordType::A));
    assert!(matches!(read(&upper), Reading::Answer(_)), "case does not matter");
    let nothing = answer(|message| message.metadata.response_code = ResponseCode::NXDomain);
    assert!(matches!(read(&nothing), Reading::Answer(_)));
    let foreign: [Vec<u8>; 8] = [
        answer(|message| message.metadata.id ^= 1),
        answer(|message| message.metadata.message_type = MessageType::Query),
        answer(|message| message.queries[0] = Query::query("other.example.".parse().unwrap(), RecordType::A)),
        answer(|message| message.queries[0] = Query::query("host.example.".parse().unwrap(), RecordType::AAAA)),
        answer(|message| message.queries.clear()),
        answer(|message| message.queries.push(message.queries[0].clone())),
        vec![0x12, 0x34, 0x80],
        Vec::new(),
    ];
    for (number, bytes) in foreign.iter().enumerate() {
        assert!(matches!(read(bytes), Reading::Foreign), "{number}");
    }
}

#[test]
fn a_server_that_does_not_take_the_form_of_a_question_is_told_from_one_that_fails() {
    let read = |bytes: &[u8]| question().read(ID, bytes);
    let code = |code| answer(|message| message.metadata.response_code = code);
    assert!(matches!(read(&code(ResponseCode::FormErr)), Reading::NotWithEdns(Code::FormErr)));
    assert!(matches!(read(&code(ResponseCode::NotImp)), Reading::NotWithEdns(Code::NotImp)));
    // Its higher bits are in the OPT record.
    let bad_version = answer(|message| message.metadata.response_code = ResponseCode::BADVERS);
    assert!(matches!(read(&bad_version), Reading::NotWithEdns(Code::Other)));
    // The header alone, with the counts of the question and without.
    for counts in [1, 0] {
        let bare = [0x12, 0x34, 0x81, 0x81, 0, counts, 0, 0, 0, 0, 0, counts];
        assert!(matches!(read(&bare), Reading::NotWithEdns(Code::FormErr)), "{counts}");
    }
    assert!(matches!(read(&code(ResponseCode::ServFail)), Reading::Code(Code::ServFail)));
    assert!(matches!(read(&code(ResponseCode::Refused)), Reading::Code(Code::Refused)));
    assert!(matches!(read(&code(ResponseCode::YXDomain)), Reading::Code(Code::Other)));
}

#[test]
fn what_is_cut_short_or_broken_is_no_answer() {
    let read = |bytes: &[u8]| question().read(ID, bytes);
    let full = |truncated| {
        answer(|message| {
            message.metadata.truncation = truncated;
            message.add_answer(Record::from_rdata(
                "host.example.".parse().unwrap(),
                60,
                RData::A(A([10, 0, 0, 1].into())),
            ));
        })
    };
    assert!(matches!(read(&full(true)), Reading::Truncated { .. }), "what is there does not count");
    let within = |truncated| {
        let mut bytes = full(truncated);
        bytes.truncate(40);
        bytes
    };
    assert!(matches!(read(&within(true)), Reading::Truncated { .. }), "cut within a record");
    assert!(matches!(read(&within(false)), Reading::Malformed));
    let chaos = answer(|message| {
        let mut record = Record::from_rdata("host.example.".parse().unwrap(), 60, RData::A(A([10, 0, 0, 1].into())));
        record.dns_class = DNSClass::CH;
        message.add_answer(record);
    });
    assert!(matches!(read(&chaos), Reading::Malformed));
}
