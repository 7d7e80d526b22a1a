//! Answers that are meant to do harm.

use std::sync::Arc;
use std::time::Duration;

use backstay_dns_cache::{Answer, Cache, Family, RecordKind, Resolve, Settings, SystemResolver};
use hickory_proto::op::{Message, MessageType, Query};
use hickory_proto::rr::rdata::{A, CNAME};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::server::{DnsServer, Reply};

/// Replies to each question, over UDP and TCP, with whatever `forge` makes of it.
async fn forging(forge: impl Fn(Message) -> Vec<Vec<u8>> + Clone + Send + 'static) -> (SystemResolver, JoinSet<()>) {
    let (udp, tcp) = loop {
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
            break (udp, tcp);
        }
    };
    let resolver = SystemResolver::new(&[udp.local_addr().unwrap().into()]).unwrap();
    let mut tasks = JoinSet::new();
    let over_tcp = forge.clone();
    tasks.spawn(async move {
        let mut buffer = [0; 4096];
        loop {
            let (length, peer) = udp.recv_from(&mut buffer).await.unwrap();
            let question = Message::from_vec(&buffer[..length]).unwrap();
            for mut reply in forge(question.clone()) {
                if reply.len() > 1200 {
                    let mut too_long = found(&question, 0, []);
                    too_long.metadata.truncation = true;
                    reply = too_long.to_vec().unwrap();
                }
                udp.send_to(&reply, peer).await.unwrap();
            }
        }
    });
    tasks.spawn(async move {
        loop {
            let (mut stream, _) = tcp.accept().await.unwrap();
            let forge = over_tcp.clone();
            tokio::spawn(async move {
                while let Ok(length) = stream.read_u16().await {
                    let mut question = vec![0; length.into()];
                    stream.read_exact(&mut question).await.unwrap();
                    for reply in forge(Message::from_vec(&question).unwrap()) {
                        let _ = stream.write_u16(reply.len().try_into().unwrap()).await;
                        let _ = stream.write_all(&reply).await;
                    }
                }
            });
        }
    });
    (resolver, tasks)
}

/// An answer to `question` with these addresses for its name.
fn found(question: &Message, ttl: u32, addresses: impl IntoIterator<Item = [u8; 4]>) -> Message {
    let mut answer = question.clone();
    answer.metadata.message_type = MessageType::Response;
    let name = question.queries.first().unwrap().name().clone();
    answer.add_answers(
        addresses.into_iter().map(|address| Record::from_rdata(name.clone(), ttl, RData::A(A(address.into())))),
    );
    answer
}

fn alias(from: &Name, to: &str) -> Record {
    Record::from_rdata(from.clone(), 60, RData::CNAME(CNAME(to.parse().unwrap())))
}

const GOOD: [u8; 4] = [10, 0, 0, 1];
const EVIL: [u8; 4] = [10, 6, 6, 6];

async fn ask(resolver: &SystemResolver) -> Answer {
    resolver.query("h.example".into(), RecordKind::A).await
}

fn good(ttl: u64) -> Answer {
    Answer::Addresses(vec![GOOD.into()], Duration::from_secs(ttl))
}

#[tokio::test]
async fn an_answer_to_another_question_is_none() {
    type Forge = fn(&Message) -> Vec<u8>;
    let forgeries: [Forge; 3] = [
        |question| {
            let mut answer = found(question, 60, [EVIL]);
            answer.metadata.id ^= 1;
            answer.to_vec().unwrap()
        },
        |question| {
            let mut answer = found(question, 60, [EVIL]);
            answer.queries = vec![Query::query("other.example.".parse().unwrap(), RecordType::A)];
            answer.to_vec().unwrap()
        },
        |_| vec![0xff; 300],
    ];
    for forge in forgeries {
        // The forged one comes first, as if its sender were nearer.
        let (resolver, _server) =
            forging(move |question| vec![forge(&question), found(&question, 60, [GOOD]).to_vec().unwrap()]).await;
        assert_eq!(ask(&resolver).await, good(60));
    }
}

#[tokio::test]
async fn records_of_other_names_do_not_count() {
    let (resolver, _server) = forging(|question| {
        let mut answer = found(&question, 60, []);
        answer.add_answer(Record::from_rdata("unrelated.example.".parse().unwrap(), 60, RData::A(A(EVIL.into()))));
        vec![answer.to_vec().unwrap()]
    })
    .await;
    assert!(matches!(ask(&resolver).await, Answer::Empty(_)));
}

#[tokio::test]
async fn aliases_that_lead_nowhere_end() {
    // To itself, around, and to a new name each time.
    for way in 0..3 {
        let asked = Arc::new(std::sync::atomic::AtomicU32::new(0));
        let count = Arc::clone(&asked);
        let (resolver, _server) = forging(move |question| {
            let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let name = question.queries.first().unwrap().name().clone();
            let mut answer = found(&question, 60, []);
            match way {
                0 => {
                    answer.add_answer(alias(&name, &name.to_string()));
                }
                1 => {
                    answer.add_answer(alias(&name, "b.example."));
                    answer.add_answer(alias(&"b.example.".parse().unwrap(), &name.to_string()));
                }
                _ => {
                    answer.add_answer(alias(&name, &format!("n{number}.example.")));
                }
            }
            vec![answer.to_vec().unwrap()]
        })
        .await;
        assert!(!matches!(ask(&resolver).await, Answer::Addresses(..)), "{way}");
        assert!(asked.load(std::sync::atomic::Ordering::Relaxed) < 50, "{way}");
    }
}

#[tokio::test]
async fn a_flood_of_addresses_is_cut() {
    let addresses = |count: u16| (0..count).map(|number| [10, 1, (number >> 8) as u8, number as u8]);
    let (resolver, _server) =
        forging(move |question| vec![found(&question, 60, addresses(2000)).to_vec().unwrap()]).await;
    let answer = ask(&resolver).await;
    let Answer::Addresses(found, _) = answer else { panic!("{answer:?}") };
    assert_eq!(found.len(), 1024);
}

#[tokio::test]
async fn a_time_to_live_is_believed_within_reason() {
    for (ttl, at_most) in [(0, 0), (1 << 31, 7 * 24 * 3600), (u32::MAX, 7 * 24 * 3600)] {
        let (resolver, _server) = forging(move |question| vec![found(&question, ttl, [GOOD]).to_vec().unwrap()]).await;
        let cache = Cache::new(
            Settings { family: Family::V4Only, ..Settings::default() },
            Arc::new(resolver),
            &Handle::current(),
        )
        .unwrap();
        cache.lookup("h.example", 80).await.unwrap();
        let host = cache.hosts().remove(0);
        assert!(host.ttl_left.unwrap() <= Duration::from_secs(at_most), "{ttl}");
        // Never at once, never too late to notice.
        let next = host.next_refresh.unwrap();
        assert!(next > Duration::from_secs(4) && next <= Duration::from_secs(7 * 24 * 3600), "{ttl}: {next:?}");
    }
}

#[tokio::test]
async fn what_is_no_message_is_a_failure_and_no_more() {
    type Forge = fn(&Message) -> Vec<u8>;
    let forgeries: [Forge; 4] = [
        // The head of an answer, and nonsense.
        |question| [&question.id.to_be_bytes()[..], &[0x81, 0x80], &[0xff; 300]].concat(),
        // A name that points to itself.
        |question| {
            let head = [&question.id.to_be_bytes()[..], &[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]].concat();
            [&head[..], &[0xc0, 0x0c, 0, 1, 0, 1], &[0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 10, 6, 6, 6]].concat()
        },
        // An address of three bytes.
        |question| {
            let mut answer = found(question, 60, [EVIL]).to_vec().unwrap();
            let length = answer.len();
            answer.truncate(length - 1);
            answer[length - 5] = 3;
            answer
        },
        |_| Vec::new(),
    ];
    for (number, forge) in forgeries.into_iter().enumerate() {
        let (resolver, _server) = forging(move |question| vec![forge(&question)]).await;
        assert!(matches!(ask(&resolver).await, Answer::Failed(_)), "{number}");
    }
}

#[tokio::test]
async fn a_connection_that_brings_anything_but_the_answer_is_given_up() {
    // Too long for a datagram, so that it is asked for over TCP; and there, under another id.
    let (resolver, _server) = forging(|question| {
        let mut other = found(&question, 60, (0..100).map(|number| [10, 6, 6, number]));
        other.metadata.id ^= 1;
        vec![other.to_vec().unwrap(); 9]
    })
    .await;
    assert_eq!(ask(&resolver).await, Answer::Failed("malformed_answer".into()));
}

#[tokio::test]
async fn names_that_nobody_answers_hold_up_nobody_else() {
    let server = DnsServer::start().await;
    let resolver = SystemResolver::new(&[server.address.into()]).unwrap();
    server.set("h.example", RecordType::A, Reply::Addresses(60, vec!["10.0.0.1"]));
    let flooded = Arc::new(resolver.apart());
    let mut mute = JoinSet::new();
    for number in 0..2000 {
        server.set(&format!("mute{number}.example"), RecordType::A, Reply::Silence);
        let flooded = Arc::clone(&flooded);
        mute.spawn(async move { flooded.query(format!("mute{number}.example").into(), RecordKind::A).await });
    }
    // As many as there may be at once have been asked, and are not answered.
    let mut asked = 0;
    while asked < 256 {
        asked += server.asked().len();
        tokio::task::yield_now().await;
    }
    assert_eq!(ask(&resolver.apart()).await, good(60));
    let ended = std::iter::from_fn(|| mute.try_join_next()).count();
    assert!(ended < 1000, "the others still wait: {ended} have ended");
}
