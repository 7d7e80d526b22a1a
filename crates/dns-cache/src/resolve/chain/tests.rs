use hickory_proto::op::{MessageType, OpCode};
use hickory_proto::rr::Record;
use hickory_proto::rr::rdata::{A, CNAME};

use super::*;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// `host TTL A address` or `host TTL CNAME target`.
fn answer(records: &[(&str, u32, &str)]) -> Message {
    let mut message = Message::new(1, MessageType::Response, OpCode::Query);
    message.add_answers(records.iter().map(|(of, ttl, data)| {
        let data = data.parse().map_or_else(|_| RData::CNAME(CNAME(name(data))), |address| RData::A(A(address)));
        Record::from_rdata(name(of), *ttl, data)
    }));
    message
}

fn led(message: &Message) -> (String, u64) {
    let (led, ttl) = follow(message, &name("h.example."), RecordType::A);
    let said = match led {
        Led::To(records) => records.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        Led::On(target) => format!("-> {target}"),
        Led::NoName => "no name".to_owned(),
        Led::NoData => "no data".to_owned(),
    };
    (said, ttl.as_secs())
}

#[test]
fn aliases_are_followed_to_the_records_whatever_their_order() {
    for (records, expected) in [
        (vec![("h.example.", 60, "10.0.0.1"), ("h.example.", 50, "10.0.0.2")], ("10.0.0.1 10.0.0.2", 50)),
        (vec![("H.Example.", 60, "10.0.0.1")], ("10.0.0.1", 60)),
        (
            vec![("b.example.", 9, "10.0.0.1"), ("a.example.", 8, "b.example."), ("h.example.", 7, "a.example.")],
            ("10.0.0.1", 7),
        ),
        (
            vec![("a.example.", 9, "10.0.0.1"), ("x.example.", 1, "10.9.9.9"), ("h.example.", 7, "a.example.")],
            ("10.0.0.1", 7),
        ),
        (vec![("h.example.", 60, "a.example."), ("x.example.", 1, "10.0.0.1")], ("-> a.example.", 60)),
        (vec![("x.example.", 1, "10.0.0.1")], ("no data", 86_400)),
        (vec![], ("no data", 86_400)),
    ] {
        assert_eq!(led(&answer(&records)), (expected.0.to_owned(), expected.1), "{records:?}");
    }
}

#[test]
fn aliases_that_lead_around_end() {
    let around = answer(&[("h.example.", 60, "a.example."), ("a.example.", 60, "h.example.")]);
    assert!(matches!(follow(&around, &name("h.example."), RecordType::A).0, Led::On(_) | Led::NoData));
    let itself = answer(&[("h.example.", 60, "h.example.")]);
    assert_eq!(led(&itself).0, "no data");
}

#[test]
fn a_chain_that_is_too_long_is_not_followed_to_its_end() {
    let alias = |number: usize| format!("n{number}.example.");
    for (length, expected) in [(16, "10.0.0.1"), (17, "-> n16.example."), (3000, "-> n16.example.")] {
        let mut chain = answer(&[("h.example.", 60, "n1.example.")]);
        chain.add_answers(
            (1..length).map(|number| {
                Record::from_rdata(name(&alias(number)), 60, RData::CNAME(CNAME(name(&alias(number + 1)))))
            }),
        );
        chain.add_answer(Record::from_rdata(name(&alias(length)), 60, RData::A(A([10, 0, 0, 1].into()))));
        assert_eq!(led(&chain).0, expected, "{length}");
    }
}

#[test]
fn that_a_name_does_not_exist_is_said_of_the_last_of_its_aliases() {
    let mut none = answer(&[("h.example.", 60, "a.example.")]);
    none.metadata.response_code = ResponseCode::NXDomain;
    assert_eq!(led(&none).0, "no name");
}

#[test]
fn that_a_name_does_not_exist_counts_more_than_a_record_beside_it() {
    for records in [
        vec![("h.example.", 60, "10.0.0.1")],
        vec![("h.example.", 60, "a.example."), ("a.example.", 60, "10.0.0.1")],
        vec![("x.example.", 60, "10.0.0.1")],
    ] {
        let mut stray = answer(&records);
        stray.metadata.response_code = ResponseCode::NXDomain;
        assert_eq!(led(&stray).0, "no name", "{records:?}");
    }
}

#[test]
fn a_time_to_live_is_a_day_at_most_and_none_if_it_is_negative() {
    for (ttl, taken) in [(0, 0), (86_401, 86_400), (u32::MAX >> 1, 86_400), (1 << 31, 0), (u32::MAX, 0)] {
        assert_eq!(led(&answer(&[("h.example.", ttl, "10.0.0.1")])).1, taken, "{ttl}");
    }
}
