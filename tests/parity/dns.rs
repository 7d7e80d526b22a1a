//! A DNS server that answers as it is told, remembers what it was asked and when, and can change its mind.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What to answer to one question.
#[derive(Debug, Clone)]
pub enum Reply {
    /// These addresses, with this TTL in seconds, in this order.
    Addresses(u32, &'static [&'static str]),
    /// An alias with its TTL, and the addresses of its target with theirs, in one answer.
    Alias(u32, &'static str, u32, &'static [&'static str]),
    /// An error, or that there is no such name.
    Code(ResponseCode),
    /// That there are no records of this type.
    NoData,
    /// Nothing.
    Mute,
    /// Over UDP only the sign that it does not fit; over TCP these addresses.
    Truncated(&'static [&'static str]),
    /// The same, later.
    After(Duration, Box<Reply>),
}

/// A question that arrived.
#[derive(Debug, Clone)]
pub struct Question {
    pub name: String,
    pub kind: RecordType,
    pub transport: &'static str,
    /// The number that a resolver gave it; one that is sent again keeps it.
    pub id: u16,
    pub at: Instant,
}

#[derive(Debug, Default)]
struct Zone {
    replies: HashMap<(String, RecordType), Reply>,
    asked: Vec<Question>,
}

/// Serves UDP and TCP on one port until it is dropped.
#[derive(Debug)]
pub struct DnsServer {
    pub address: SocketAddr,
    zone: Arc<Mutex<Zone>>,
    count: watch::Receiver<usize>,
    _tasks: JoinSet<()>,
}

#[derive(Clone)]
struct Serving {
    zone: Arc<Mutex<Zone>>,
    count: Arc<watch::Sender<usize>>,
}

impl DnsServer {
    /// What it was not told of does not exist.
    pub async fn start() -> Self {
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
                break (Arc::new(udp), tcp);
            }
        };
        let address = udp.local_addr().unwrap();
        let (sender, count) = watch::channel(0);
        let serving = Serving { zone: Arc::default(), count: Arc::new(sender) };
        let mut tasks = JoinSet::new();
        tasks.spawn(serve_udp(udp, serving.clone()));
        tasks.spawn(serve_tcp(tcp, serving.clone()));
        Self { address, zone: serving.zone, count, _tasks: tasks }
    }

    /// From now on `name` has this answer to questions of this type.
    pub fn set(&self, name: &str, kind: RecordType, reply: Reply) {
        self.zone.lock().unwrap().replies.insert((name.to_owned(), kind), reply);
    }

    /// What was asked so far of `domain` and the names below, in order.
    pub fn asked(&self, domain: &str) -> Vec<Question> {
        let is_within = |name: &str| {
            let name = name.to_ascii_lowercase();
            name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        self.zone.lock().unwrap().asked.iter().filter(|question| is_within(&question.name)).cloned().collect()
    }

    /// Waits until `holds` of the questions about `domain`.
    pub async fn until(&self, domain: &str, holds: impl Fn(&[Question]) -> bool) {
        let mut count = self.count.clone();
        while !holds(&self.asked(domain)) {
            count.changed().await.unwrap();
        }
    }
}

async fn serve_udp(socket: Arc<UdpSocket>, serving: Serving) {
    let mut buffer = [0; 4096];
    let mut answering = JoinSet::new();
    loop {
        let (length, peer) = socket.recv_from(&mut buffer).await.unwrap();
        let Some((delay, answer)) = serving.answer(&buffer[..length], "udp") else { continue };
        let socket = Arc::clone(&socket);
        answering.spawn(async move {
            tokio::time::sleep(delay).await;
            // Whoever asked may be gone.
            let _ = socket.send_to(&answer, peer).await;
        });
        while answering.try_join_next().is_some() {}
    }
}

async fn serve_tcp(listener: TcpListener, serving: Serving) {
    let mut connections = JoinSet::new();
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let serving = serving.clone();
        connections.spawn(async move {
            while let Ok(length) = stream.read_u16().await {
                let mut question = vec![0; length.into()];
                stream.read_exact(&mut question).await.unwrap();
                let Some((delay, answer)) = serving.answer(&question, "tcp") else { continue };
                tokio::time::sleep(delay).await;
                let framed = [&u16::try_from(answer.len()).unwrap().to_be_bytes()[..], &answer].concat();
                let _ = stream.write_all(&framed).await;
            }
        });
    }
}

impl Serving {
    fn answer(&self, question: &[u8], transport: &'static str) -> Option<(Duration, Vec<u8>)> {
        let mut message = Message::from_vec(question).unwrap();
        let query = message.queries.first().unwrap().clone();
        let name = query.name().to_string().trim_end_matches('.').to_owned();
        let kind = query.query_type();
        let reply = {
            let mut zone = self.zone.lock().unwrap();
            let asked = Question { name: name.clone(), kind, transport, id: message.metadata.id, at: Instant::now() };
            zone.asked.push(asked);
            // Names are found in any case, as RFC 4343 has it.
            zone.replies.get(&(name.to_ascii_lowercase(), kind)).cloned()
        };
        self.count.send_modify(|count| *count += 1);
        message.metadata.message_type = MessageType::Response;
        let mut delay = Duration::ZERO;
        let mut reply = reply.unwrap_or(Reply::Code(ResponseCode::NXDomain));
        while let Reply::After(by, then) = reply {
            delay += by;
            reply = *then;
        }
        match reply {
            Reply::Mute | Reply::After(..) => return None,
            Reply::NoData => {}
            Reply::Code(code) => message.metadata.response_code = code,
            Reply::Addresses(ttl, list) => {
                message.add_answers(records(query.name(), ttl, list));
            }
            Reply::Alias(alias_ttl, target, ttl, list) => {
                let target: Name = format!("{target}.").parse().unwrap();
                let alias = RData::CNAME(CNAME(target.clone()));
                message.add_answer(Record::from_rdata(query.name().clone(), alias_ttl, alias));
                message.add_answers(records(&target, ttl, list));
            }
            Reply::Truncated(_) if transport == "udp" => message.metadata.truncation = true,
            Reply::Truncated(list) => {
                message.add_answers(records(query.name(), 60, list));
            }
        }
        Some((delay, message.to_vec().unwrap()))
    }
}

fn records(name: &Name, ttl: u32, list: &[&str]) -> Vec<Record> {
    let record = |text: &&str| {
        let data = match text.parse().unwrap() {
            IpAddr::V4(address) => RData::A(A(address)),
            IpAddr::V6(address) => RData::AAAA(AAAA(address)),
        };
        Record::from_rdata(name.clone(), ttl, data)
    };
    list.iter().map(record).collect()
}
