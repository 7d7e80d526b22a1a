//! A DNS server that answers as it is told and remembers what it was asked.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, SRV};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;

/// What to answer to one question.
#[derive(Clone)]
pub(crate) enum Reply {
    Addresses(u32, Vec<&'static str>),
    /// An alias with its TTL, and the addresses of its target with theirs, in one answer.
    Alias(u32, &'static str, u32, Vec<&'static str>),
    Code(ResponseCode),
    NoData,
    Silence,
    /// Over UDP only the sign that it does not fit; over TCP these addresses.
    Truncated(Vec<&'static str>),
    /// Servers of a service: priority, weight, port and target of each, with their TTL.
    Services(u32, Vec<(u16, u16, u16, &'static str)>),
}

#[derive(Default)]
struct Zone {
    replies: HashMap<(String, RecordType), Reply>,
    asked: Vec<(String, RecordType, &'static str)>,
}

pub(crate) struct DnsServer {
    pub(crate) address: SocketAddr,
    zone: Arc<Mutex<Zone>>,
    _tasks: JoinSet<()>,
}

impl DnsServer {
    /// Serves UDP and TCP on one free port. What it was not told of does not exist.
    pub(crate) async fn start() -> Self {
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
                break (udp, tcp);
            }
        };
        let address = udp.local_addr().unwrap();
        let zone = Arc::new(Mutex::new(Zone::default()));
        let mut tasks = JoinSet::new();
        let udp_zone = Arc::clone(&zone);
        tasks.spawn(async move {
            let mut buffer = [0; 4096];
            loop {
                let (length, peer) = udp.recv_from(&mut buffer).await.unwrap();
                if let Some(answer) = answer(&udp_zone, &buffer[..length], "udp") {
                    udp.send_to(&answer, peer).await.unwrap();
                }
            }
        });
        let tcp_zone = Arc::clone(&zone);
        tasks.spawn(async move {
            loop {
                let (stream, _) = tcp.accept().await.unwrap();
                tokio::spawn(serve_stream(stream, Arc::clone(&tcp_zone), "tcp"));
            }
        });
        Self { address, zone, _tasks: tasks }
    }

    /// Answers on a connection that is there already, whatever carries it.
    pub(crate) fn serve(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, transport: &'static str) {
        tokio::spawn(serve_stream(stream, Arc::clone(&self.zone), transport));
    }

    pub(crate) fn set(&self, name: &str, kind: RecordType, reply: Reply) {
        self.zone.lock().unwrap().replies.insert((name.to_owned(), kind), reply);
    }

    /// What was asked since the last call: name, type and transport.
    pub(crate) fn asked(&self) -> Vec<(String, RecordType, &'static str)> {
        std::mem::take(&mut self.zone.lock().unwrap().asked)
    }
}

async fn serve_stream(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    zone: Arc<Mutex<Zone>>,
    transport: &'static str,
) {
    while let Ok(length) = stream.read_u16().await {
        let mut question = vec![0; length.into()];
        stream.read_exact(&mut question).await.unwrap();
        if let Some(answer) = answer(&zone, &question, transport) {
            stream.write_u16(answer.len().try_into().unwrap()).await.unwrap();
            stream.write_all(&answer).await.unwrap();
            stream.flush().await.unwrap();
        }
    }
}

fn answer(zone: &Mutex<Zone>, question: &[u8], transport: &'static str) -> Option<Vec<u8>> {
    let question = Message::from_vec(question).unwrap();
    let query = question.queries.first().unwrap().clone();
    let name = query.name().to_string().trim_end_matches('.').to_owned();
    let reply = {
        let mut zone = zone.lock().unwrap();
        zone.asked.push((name.clone(), query.query_type(), transport));
        zone.replies.get(&(name, query.query_type())).cloned().unwrap_or(Reply::Code(ResponseCode::NXDomain))
    };
    let mut message = question;
    message.metadata.message_type = MessageType::Response;
    let address_records = |name: &Name, ttl: u32, list: Vec<&'static str>| {
        list.into_iter()
            .map(move |text| {
                let data = match text.parse().unwrap() {
                    IpAddr::V4(address) => RData::A(A(address)),
                    IpAddr::V6(address) => RData::AAAA(AAAA(address)),
                };
                Record::from_rdata(name.clone(), ttl, data)
            })
            .collect::<Vec<_>>()
    };
    match reply {
        Reply::Silence => return None,
        Reply::NoData => {}
        Reply::Code(code) => message.metadata.response_code = code,
        Reply::Addresses(ttl, list) => {
            message.add_answers(address_records(query.name(), ttl, list));
        }
        Reply::Alias(alias_ttl, target, ttl, list) => {
            let target: Name = format!("{target}.").parse().unwrap();
            message.add_answer(Record::from_rdata(
                query.name().clone(),
                alias_ttl,
                RData::CNAME(CNAME(target.clone())),
            ));
            message.add_answers(address_records(&target, ttl, list));
        }
        Reply::Services(ttl, list) => {
            message.add_answers(list.into_iter().map(|(priority, weight, port, target)| {
                let target: Name = format!("{}.", target.trim_end_matches('.')).parse().unwrap();
                Record::from_rdata(query.name().clone(), ttl, RData::SRV(SRV::new(priority, weight, port, target)))
            }));
        }
        Reply::Truncated(_) if transport == "udp" => message.metadata.truncation = true,
        Reply::Truncated(list) => {
            message.add_answers(address_records(query.name(), 60, list));
        }
    }
    Some(message.to_vec().unwrap())
}
