//! Servers that do not take an OPT record in questions, of which there are several kinds (RFC 6891 6.2.2 and 7).

use std::future::pending;
use std::time::Duration;

use backstay_dns_cache::{Answer, DnsServer as Ask, RecordKind, Resolve, SystemResolver};
use hickory_proto::op::{Edns, ResponseCode};

use super::wire::{Act, Asked, Wire};

const GOOD: [u8; 4] = [10, 0, 0, 1];

fn resolver(server: &Wire) -> SystemResolver {
    SystemResolver::new(&[server.address.into()]).unwrap()
}

async fn ask(resolver: &SystemResolver, name: &str) -> Answer {
    resolver.query(name.into(), RecordKind::A).await
}

fn good() -> Answer {
    Answer::Addresses(vec![GOOD.into()], Duration::from_secs(60))
}

/// Whether the questions about a name carried an OPT record, one after the other.
fn forms(server: &Wire, name: &str) -> Vec<bool> {
    server.asked_about(name).iter().map(|asked| asked.edns).collect()
}

/// Says no to a question with an OPT record as the way says.
fn no(asked: &Asked, way: &str) -> Act {
    let id = asked.message.metadata.id.to_be_bytes();
    Act::Send(match way {
        "FORMERR" => asked.code(ResponseCode::FormErr),
        "NOTIMP" => asked.code(ResponseCode::NotImp),
        "FORMERR, the question as it came" => {
            let mut answer = asked.response();
            answer.edns.clone_from(&asked.message.edns);
            answer.metadata.response_code = ResponseCode::FormErr;
            answer.to_vec().unwrap()
        }
        "FORMERR, the header alone" => [&id[..], &[0x80, 0x01, 0, 0, 0, 0, 0, 0, 0, 0]].concat(),
        "FORMERR, the header alone with its counts" => [&id[..], &[0x81, 0x01, 0, 1, 0, 0, 0, 0, 0, 1]].concat(),
        "BADVERS" => {
            let mut answer = asked.response();
            // Its higher bits are in the OPT record.
            answer.edns = Some(Edns::new());
            answer.metadata.response_code = ResponseCode::BADVERS;
            answer.to_vec().unwrap()
        }
        way => unreachable!("{way}"),
    })
}

const WAYS: [&str; 6] = [
    "FORMERR",
    "NOTIMP",
    "FORMERR, the question as it came",
    "FORMERR, the header alone",
    "FORMERR, the header alone with its counts",
    "BADVERS",
];

#[tokio::test]
async fn a_server_that_says_no_is_asked_without_from_then_on() {
    for way in WAYS {
        for transport in ["", "tcp://"] {
            let server = Wire::start(move |asked: Asked| async move {
                if asked.edns { no(&asked, way) } else { Act::Send(asked.answer(GOOD)) }
            })
            .await;
            let address: Ask = format!("{transport}{}", server.address).parse().unwrap();
            let resolver = SystemResolver::new(&[address]).unwrap();
            assert_eq!(ask(&resolver, "first.example").await, good(), "{way}");
            assert_eq!(forms(&server, "first.example"), [true, false], "{way}");
            assert_eq!(ask(&resolver, "second.example").await, good(), "{way}");
            // Whoever asks apart knows it as well.
            assert_eq!(ask(&resolver.apart(), "third.example").await, good(), "{way}");
            for name in ["second.example", "third.example"] {
                assert_eq!(forms(&server, name), [false], "{way}");
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_ignores_the_question_is_asked_without_from_then_on() {
    let server = Wire::start(async |asked: Asked| {
        if asked.edns {
            return pending().await;
        }
        Act::Send(asked.answer(GOOD))
    })
    .await;
    let resolver = resolver(&server);
    assert_eq!(ask(&resolver, "first.example").await, good());
    assert_eq!(forms(&server, "first.example"), [true, false]);
    assert_eq!(ask(&resolver, "second.example").await, good());
    assert_eq!(forms(&server, "second.example"), [false]);
}

#[tokio::test]
async fn what_fails_in_either_form_says_nothing_about_the_form() {
    let server = Wire::start(async |asked: Asked| match asked.name.as_str() {
        "mute.example" => pending().await,
        "bad.example" => Act::Send(asked.code(ResponseCode::FormErr)),
        "broken.example" => Act::Send(asked.code(ResponseCode::ServFail)),
        _ => Act::Send(asked.answer(GOOD)),
    })
    .await;
    let resolver = resolver(&server);
    for (name, reason) in
        [("bad.example", "formerr"), ("broken.example", "servfail"), ("mute.example", "server_timeout")]
    {
        assert_eq!(ask(&resolver, name).await, Answer::Failed(reason.into()));
        let next = format!("after-{name}");
        assert_eq!(ask(&resolver, &next).await, good());
        assert_eq!(forms(&server, &next), [true], "{name}");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_asked_for_in_the_form_that_is_taken() {
    for refuses_over_tcp_alone in [false, true] {
        let server = Wire::start(move |asked: Asked| async move {
            match (asked.edns, asked.over_tcp) {
                (true, over_tcp) if over_tcp || !refuses_over_tcp_alone => no(&asked, "FORMERR"),
                (_, false) => Act::Send(asked.truncated(None)),
                (_, true) => Act::Send(asked.answer(GOOD)),
            }
        })
        .await;
        assert_eq!(ask(&resolver(&server), "big.example").await, good());
        let asked: Vec<_> = server.asked().iter().map(|asked| (asked.over_tcp, asked.edns)).collect();
        let expected = if refuses_over_tcp_alone {
            [(false, true), (true, true), (true, false)]
        } else {
            [(false, true), (false, false), (true, false)]
        };
        assert_eq!(asked, expected);
    }
}
