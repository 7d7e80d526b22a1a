//! One name's trouble touches no other: whatever is wrong with a name, the others are asked and answered as if it were not there.
//!
//! A question is over by itself after 2.4 s. That a good name is answered while the clock stands still, and the troubled ones are still
//! asked for, shows that it waited for none of them.

use std::collections::HashSet;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backstay_dns_cache::{Answer, DnsServer as Ask, RecordKind, Resolve, SystemResolver};
use futures::FutureExt;
use hickory_proto::op::{Query, ResponseCode};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::wire::{Act, Asked, Wire};

const GOOD: [u8; 4] = [10, 0, 0, 1];
const EVIL: [u8; 4] = [10, 6, 6, 6];

fn resolver(servers: &[&Wire]) -> Arc<SystemResolver> {
    let servers: Vec<Ask> = servers.iter().map(|server| server.address.into()).collect();
    Arc::new(SystemResolver::new(&servers).unwrap())
}

fn good() -> Answer {
    Answer::Addresses(vec![GOOD.into()], Duration::from_secs(60))
}

fn failed(reason: &str) -> Answer {
    Answer::Failed(reason.into())
}

async fn ask(resolver: &SystemResolver, name: &str) -> Answer {
    resolver.query(name.into(), RecordKind::A).await
}

/// Begins to ask for all of `names`.
fn asking(resolver: &Arc<SystemResolver>, names: impl IntoIterator<Item = String>) -> JoinSet<Answer> {
    let mut open = JoinSet::new();
    for name in names {
        let resolver = Arc::clone(resolver);
        open.spawn(async move { ask(&resolver, &name).await });
    }
    open
}

/// Lets the clock stand still, also while nothing happens, until the guard is dropped.
pub(crate) fn hold_the_clock() -> JoinSet<()> {
    tokio::time::pause();
    let mut busy = JoinSet::new();
    busy.spawn(async {
        loop {
            tokio::task::yield_now().await;
        }
    });
    busy
}

/// Longer than any question takes.
async fn time_passes() {
    tokio::time::advance(Duration::from_millis(2500)).await;
}

fn none_is_over(open: &mut JoinSet<Answer>) {
    assert!(open.try_join_next().is_none(), "it waited for the others");
}

/// `tc*`: does not fit, and over TCP never answered. `mute*`: never answered. `slow*`: when the test says so. Others: at once.
pub(crate) async fn troubled() -> (Wire, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let slow = Arc::clone(&gate);
    let server = Wire::start(move |asked: Asked| {
        let slow = Arc::clone(&slow);
        async move {
            match asked.name.as_str() {
                name if name.starts_with("tc") && !asked.over_tcp => Act::Send(asked.truncated(None)),
                name if name.starts_with("tc") || name.starts_with("mute") => pending().await,
                name if name.starts_with("slow") => {
                    let _open = slow.acquire().await.unwrap();
                    Act::Send(asked.answer(GOOD))
                }
                name if name.starts_with("big") && !asked.over_tcp => Act::Send(asked.truncated(Some(EVIL))),
                _ => Act::Send(asked.answer(GOOD)),
            }
        }
    })
    .await;
    (server, gate)
}

#[tokio::test]
async fn a_truncated_answer_and_a_mute_name_leave_the_others_where_they_were() {
    let _clock = hold_the_clock();
    let (server, gate) = troubled().await;
    let resolver = resolver(&[&server]);
    let mut mute = asking(&resolver, ["tc.a.example", "mute.a.example"].map(String::from));
    server.until(|asked| asked.iter().any(|asked| asked.over_tcp)).await;
    let mut slow = asking(&resolver, (0..6).map(|number| format!("slow{number}.b.example")));
    server.until(|asked| asked.iter().filter(|asked| asked.name.starts_with("slow")).count() >= 6).await;
    assert_eq!(ask(&resolver, "good.example").await, good());
    none_is_over(&mut mute);
    none_is_over(&mut slow);
    gate.add_permits(1);
    while let Some(answer) = slow.join_next().await {
        assert_eq!(answer.unwrap(), good());
    }
    none_is_over(&mut mute);
    for asked in server.asked() {
        assert!(!asked.over_tcp || asked.name == "tc.a.example", "TCP is for what does not fit alone: {}", asked.name);
    }
    assert_eq!(server.asked_about("good.example").len(), 1);
    time_passes().await;
    while let Some(answer) = mute.join_next().await {
        assert_eq!(answer.unwrap(), failed("server_timeout"));
    }
}

#[tokio::test]
async fn each_question_goes_over_udp_first_from_a_port_of_its_own() {
    let _clock = hold_the_clock();
    let (server, _gate) = troubled().await;
    let resolver = resolver(&[&server]);
    for number in 0..3 {
        assert_eq!(ask(&resolver, &format!("big{number}.example")).await, good(), "not the part that came first");
        assert_eq!(ask(&resolver, &format!("good{number}.example")).await, good());
    }
    let ways: Vec<_> = server.asked().iter().map(|asked| asked.over_tcp).collect();
    assert_eq!(ways, [false, true, false].repeat(3));
    assert_eq!(server.connections(), 3, "a connection for each answer that does not fit");
    // All at once: none has to wait for a port, and none shares one with another.
    let open = asking(&resolver, (0..50).map(|number| format!("slow{number}.example")));
    server.until(|asked| asked.iter().filter(|asked| asked.name.starts_with("slow")).count() >= 50).await;
    let mut ports: Vec<_> = server
        .asked()
        .into_iter()
        .filter(|asked| asked.name.starts_with("slow"))
        .take(50)
        .map(|asked| asked.from)
        .collect();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 50);
    drop(open);
}

#[tokio::test]
async fn tcp_that_fails_fails_the_name_that_needs_it() {
    // Refused.
    let server = Wire::without_tcp(async |asked: Asked| match asked.name.as_str() {
        "big.example" => Act::Send(asked.truncated(Some(EVIL))),
        _ => Act::Send(asked.answer(GOOD)),
    })
    .await;
    let refused = resolver(&[&server]);
    assert_eq!(ask(&refused, "big.example").await, failed("server_unreachable"), "a part of an answer is none");
    assert_eq!(ask(&refused, "good.example").await, good());

    // Closed within the answer, before it, and behind nonsense; and answered with as little as before.
    for way in 0..4 {
        let server = Wire::start(move |asked: Asked| async move {
            let frame = |answer: &[u8]| [&u16::try_from(answer.len()).unwrap().to_be_bytes()[..], answer].concat();
            match (asked.name.as_str(), asked.over_tcp, way) {
                ("big.example", true, 0) => {
                    let whole = frame(&asked.answer(EVIL));
                    Act::Break(whole[..whole.len() - 3].to_vec())
                }
                ("big.example", true, 1) => Act::Break(Vec::new()),
                ("big.example", true, 2) => Act::Break(frame(&[0xff; 40])),
                ("big.example", ..) => Act::Send(asked.truncated(Some(EVIL))),
                _ => Act::Send(asked.answer(GOOD)),
            }
        })
        .await;
        let resolver = resolver(&[&server]);
        assert!(matches!(ask(&resolver, "big.example").await, Answer::Failed(_)), "{way}");
        assert_eq!(ask(&resolver, "good.example").await, good(), "{way}");
        assert!(!server.asked_about("good.example").iter().any(|asked| asked.over_tcp), "{way}");
    }
}

#[tokio::test]
async fn however_many_names_are_mute_the_next_one_is_asked() {
    let _clock = hold_the_clock();
    let (server, _gate) = troubled().await;
    let resolver = resolver(&[&server]);
    let mut mute = Vec::new();
    // Some at a time, so that no datagram is lost.
    for turn in 1..=20 {
        mute.push(asking(&resolver, (0..100).map(|number| format!("mute{turn}-{number}.a.example"))));
        server.until(|asked| asked.len() >= turn * 100).await;
    }
    assert_eq!(ask(&resolver, "good.example").await, good());
    mute.iter_mut().for_each(none_is_over);
}

#[tokio::test]
async fn however_many_names_are_mute_over_tcp_the_next_one_gets_its_connection() {
    let (server, _gate) = troubled().await;
    let resolver = resolver(&[&server]);
    let _mute = asking(&resolver, (0..600).map(|number| format!("tc{number}.a.example")));
    server.until(|asked| asked.iter().filter(|asked| asked.over_tcp).count() >= 200).await;
    assert_eq!(ask(&resolver, "big.example").await, good());
}

#[tokio::test]
async fn answers_that_come_late_or_are_none_do_not_count() {
    // The first is answered when the second has come, after one under another id and one to another question.
    let gate = Arc::new(Semaphore::new(0));
    let server = {
        let gate = Arc::clone(&gate);
        Wire::start(move |asked: Asked| {
            let gate = Arc::clone(&gate);
            async move {
                let mut other_id = asked.response();
                other_id.metadata.id ^= 1;
                let mut other_name = hickory_proto::op::Message::from_vec(&asked.answer(EVIL)).unwrap();
                other_name.queries =
                    vec![Query::query("other.example.".parse().unwrap(), hickory_proto::rr::RecordType::A)];
                if gate.available_permits() == 0 {
                    gate.add_permits(1);
                    while gate.available_permits() < 2 {
                        tokio::task::yield_now().await;
                    }
                    let forged = [other_id.to_vec().unwrap(), other_name.to_vec().unwrap()];
                    return Act::SendAll([&forged[..], &[asked.answer(GOOD)]].concat());
                }
                gate.add_permits(1);
                pending().await
            }
        })
        .await
    };
    let resolver = resolver(&[&server]);
    assert_eq!(ask(&resolver, "late.example").await, good());
    let asked: Vec<_> = server.asked().iter().map(|asked| (asked.from, asked.message.metadata.id)).collect();
    assert!(asked.len() >= 2, "it was asked again");
    assert!(asked.iter().all(|one| *one == asked[0]), "so that the answer to the first still counts");
}

#[tokio::test]
async fn a_name_that_one_server_does_not_answer_sends_no_other_name_elsewhere() {
    let serve = |mute: &'static str| {
        Wire::start(move |asked: Asked| async move {
            if asked.name.starts_with(mute) {
                return pending().await;
            }
            Act::Send(asked.answer(GOOD))
        })
    };
    let (first, second, third) = (serve("one").await, serve("").await, serve("none").await);
    let resolver = resolver(&[&first, &second, &third]);
    for number in 0..3 {
        assert_eq!(ask(&resolver, &format!("one{number}.example")).await, good(), "the third knows it");
        assert_eq!(ask(&resolver, &format!("other{number}.example")).await, good());
    }
    for number in 0..3 {
        let name = format!("other{number}.example");
        assert_eq!((first.asked_about(&name).len(), third.asked_about(&name).len()), (1, 0), "{name}");
    }
}

#[tokio::test]
async fn servers_that_fail_or_are_away_leave_it_to_the_others() {
    let good_one = || Wire::start(async |asked: Asked| Act::Send(asked.answer(GOOD)));
    for code in [ResponseCode::ServFail, ResponseCode::Refused, ResponseCode::NotImp, ResponseCode::FormErr] {
        let bad = [
            Wire::start(move |asked: Asked| async move { Act::Send(asked.code(code)) }).await,
            Wire::start(move |asked: Asked| async move { Act::Send(asked.code(code)) }).await,
        ];
        let other = good_one().await;
        assert_eq!(ask(&resolver(&[&bad[0], &bad[1], &other]), "h.example").await, good(), "{code}");
    }
    // Nobody listens there.
    let away = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let other = good_one().await;
    let servers: Vec<Ask> = vec![away.into(), other.address.into()];
    assert_eq!(ask(&SystemResolver::new(&servers).unwrap(), "h.example").await, good());
    assert_eq!(ask(&SystemResolver::new(&servers[..1]).unwrap(), "h.example").await, failed("server_unreachable"));
}

#[tokio::test]
async fn whoever_asks_the_same_meanwhile_shares_the_question() {
    let _clock = hold_the_clock();
    let (server, gate) = troubled().await;
    let resolver = resolver(&[&server]);
    let mut open = asking(&resolver, vec!["slow.example".to_owned(); 100]);
    server.until(|asked| !asked.is_empty()).await;
    let also = ask(&resolver, "slow.example");
    tokio::pin!(also);
    assert!(also.as_mut().now_or_never().is_none());
    let ports =
        |server: &Wire| server.asked().iter().map(|asked| asked.from).collect::<std::collections::BTreeSet<_>>();
    gate.add_permits(1);
    while let Some(answer) = open.join_next().await {
        assert_eq!(answer.unwrap(), good());
    }
    assert_eq!(also.await, good());
    assert_eq!(server.asked().len(), 1);
    assert_eq!(ask(&resolver, "slow.example").await, good());
    assert_eq!(ports(&server).len(), 2, "nothing is kept of an answer");
}

#[tokio::test]
async fn over_tcp_alone_a_question_waits_behind_no_other() {
    let (server, gate) = troubled().await;
    let address: Ask = format!("tcp://{}", server.address).parse().unwrap();
    let resolver = Arc::new(SystemResolver::new(&[address]).unwrap());
    over_connections(&server, &resolver, &gate).await;
}

/// Names that are mute and slow, and a good one while they are asked for, of a server that answers in order.
pub(crate) async fn over_connections(server: &Wire, resolver: &Arc<SystemResolver>, gate: &Semaphore) {
    let _clock = hold_the_clock();
    let mut mute = asking(resolver, ["mute.a.example".to_owned()]);
    let mut slow = asking(resolver, (0..6).map(|number| format!("slow{number}.b.example")));
    server.until(|asked| asked.len() >= 7).await;
    assert_eq!(ask(resolver, "good.example").await, good());
    none_is_over(&mut mute);
    none_is_over(&mut slow);
    gate.add_permits(1);
    while let Some(answer) = slow.join_next().await {
        assert_eq!(answer.unwrap(), good());
    }
    time_passes().await;
    assert_eq!(mute.join_next().await.unwrap().unwrap(), failed("server_timeout"));
    // The connections that were not held up are kept, and those that were are not used.
    let before = server.connections();
    for number in 0..20 {
        assert_eq!(ask(resolver, &format!("good{number}.example")).await, good());
    }
    assert_eq!(server.connections(), before);
    assert!(server.asked().iter().all(|asked| asked.over_tcp));
}

#[tokio::test]
async fn questions_on_a_connection_that_is_closed_are_asked_again() {
    // Each connection ends at its second question.
    let seen = Mutex::new(HashSet::new());
    let server = Wire::start(move |asked: Asked| {
        let is_first = seen.lock().unwrap().insert(asked.from);
        async move { if is_first { Act::Send(asked.answer(GOOD)) } else { Act::Break(Vec::new()) } }
    })
    .await;
    let address: Ask = format!("tcp://{}", server.address).parse().unwrap();
    let resolver = SystemResolver::new(&[address]).unwrap();
    for number in 0..10 {
        assert_eq!(ask(&resolver, &format!("h{number}.example")).await, good());
    }
    assert!(server.connections() >= 10);
}

#[tokio::test]
async fn a_server_that_takes_few_connections_gets_the_questions_over_those() {
    let (server, gate) = troubled().await;
    // Two are served; those beyond are closed, or left to wait.
    for closes in [true, false] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: Ask = format!("tcp://{}", listener.local_addr().unwrap()).parse().unwrap();
        let resolver = Arc::new(SystemResolver::new(&[address]).unwrap());
        let mut slow = asking(&resolver, ["slow1.example", "slow2.example"].map(String::from));
        let before = server.asked().len();
        for _ in 0..2 {
            server.serve(listener.accept().await.unwrap().0);
        }
        server.until(|asked| asked.len() >= before + 2).await;
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let others = tokio::spawn(async move {
            let mut kept = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                tell.send(()).unwrap();
                if !closes {
                    kept.push(stream);
                }
            }
        });
        let also = asking(&resolver, ["good.example".to_owned()]);
        told.recv().await.unwrap();
        gate.add_permits(1);
        for mut open in [also, std::mem::take(&mut slow)] {
            while let Some(answer) = open.join_next().await {
                assert_eq!(answer.unwrap(), good(), "{closes}");
            }
        }
        gate.forget_permits(1);
        others.abort();
    }
}
