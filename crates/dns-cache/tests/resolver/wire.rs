//! A DNS server whose every answer is up to the test, over UDP and TCP. Over TCP it answers strictly in order.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{RData, Record};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;

/// A question as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) name: String,
    pub(crate) over_tcp: bool,
    pub(crate) edns: bool,
    /// The number of the connection, or the client's port.
    pub(crate) from: usize,
    pub(crate) message: Message,
}

/// What to do about a question.
pub(crate) enum Act {
    Send(Vec<u8>),
    /// Several datagrams, or messages, one behind the other.
    SendAll(Vec<Vec<u8>>),
    /// Over TCP: bytes as they are, and the end of the connection.
    Break(Vec<u8>),
}

type Behaviour = Arc<dyn Fn(Asked) -> BoxFuture<'static, Act> + Send + Sync>;

#[derive(Clone)]
struct Zone {
    behaviour: Behaviour,
    asked: Arc<Mutex<Vec<Asked>>>,
}

pub(crate) struct Wire {
    pub(crate) address: SocketAddr,
    zone: Zone,
    connections: Arc<Mutex<usize>>,
    _tasks: JoinSet<()>,
}

impl Asked {
    /// The answer with this address.
    pub(crate) fn answer(&self, address: [u8; 4]) -> Vec<u8> {
        let mut answer = self.response();
        let name = self.message.queries.first().unwrap().name().clone();
        answer.add_answer(Record::from_rdata(name, 60, RData::A(A(address.into()))));
        answer.to_vec().unwrap()
    }

    /// The sign that the answer does not fit, beside a part of it.
    pub(crate) fn truncated(&self, part: Option<[u8; 4]>) -> Vec<u8> {
        let mut answer = part.map_or_else(|| self.response(), |part| Message::from_vec(&self.answer(part)).unwrap());
        answer.metadata.truncation = true;
        answer.to_vec().unwrap()
    }

    pub(crate) fn code(&self, code: ResponseCode) -> Vec<u8> {
        let mut answer = self.response();
        answer.metadata.response_code = code;
        answer.to_vec().unwrap()
    }

    pub(crate) fn response(&self) -> Message {
        let mut answer = self.message.clone();
        answer.metadata.message_type = MessageType::Response;
        answer.edns = None;
        answer
    }
}

impl Wire {
    pub(crate) async fn start<F: Future<Output = Act> + Send + 'static>(
        behaviour: impl Fn(Asked) -> F + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(behaviour, true).await
    }

    /// Nobody listens for TCP there.
    pub(crate) async fn without_tcp<F: Future<Output = Act> + Send + 'static>(
        behaviour: impl Fn(Asked) -> F + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(behaviour, false).await
    }

    async fn start_with<F: Future<Output = Act> + Send + 'static>(
        behaviour: impl Fn(Asked) -> F + Send + Sync + 'static,
        with_tcp: bool,
    ) -> Self {
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
                break (Arc::new(udp), tcp);
            }
        };
        let address = udp.local_addr().unwrap();
        let zone = Zone { behaviour: Arc::new(move |asked| Box::pin(behaviour(asked))), asked: Arc::default() };
        let connections = Arc::new(Mutex::new(0));
        let mut tasks = JoinSet::new();
        tasks.spawn(datagrams(udp, zone.clone()));
        if with_tcp {
            let (zone, connections) = (zone.clone(), Arc::clone(&connections));
            tasks.spawn(async move {
                let mut open = JoinSet::new();
                while let Ok((stream, _)) = tcp.accept().await {
                    let number = next(&connections);
                    open.spawn(in_order(stream, zone.clone(), number));
                }
            });
        }
        Self { address, zone, connections, _tasks: tasks }
    }

    /// Answers on a connection that is there already, whatever carries it.
    pub(crate) fn serve(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        tokio::spawn(in_order(stream, self.zone.clone(), next(&self.connections)));
    }

    /// All that was asked, in the order of arrival.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.zone.asked.lock().unwrap().clone()
    }

    /// What was asked about one name.
    pub(crate) fn asked_about(&self, name: &str) -> Vec<Asked> {
        self.asked().into_iter().filter(|asked| asked.name == name).collect()
    }

    /// Waits until what was asked is as `so` says.
    pub(crate) async fn until(&self, so: impl Fn(&[Asked]) -> bool) {
        while !so(&self.asked()) {
            tokio::task::yield_now().await;
        }
    }

    /// TCP connections that ever were.
    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

fn next(connections: &Mutex<usize>) -> usize {
    let mut connections = connections.lock().unwrap();
    *connections += 1;
    *connections
}

impl Zone {
    fn take(&self, bytes: &[u8], over_tcp: bool, from: usize) -> BoxFuture<'static, Act> {
        let message = Message::from_vec(bytes).unwrap();
        let name = message.queries.first().unwrap().name().to_string().trim_end_matches('.').to_owned();
        let asked = Asked { name, over_tcp, edns: message.edns.is_some(), from, message };
        self.asked.lock().unwrap().push(asked.clone());
        (self.behaviour)(asked)
    }
}

async fn datagrams(socket: Arc<UdpSocket>, zone: Zone) {
    let mut buffer = [0; 4096];
    let mut open = JoinSet::new();
    loop {
        let (length, peer) = socket.recv_from(&mut buffer).await.unwrap();
        let (act, socket) = (zone.take(&buffer[..length], false, peer.port().into()), Arc::clone(&socket));
        open.spawn(async move {
            let replies = match act.await {
                Act::Send(reply) => vec![reply],
                Act::SendAll(replies) => replies,
                Act::Break(_) => Vec::new(),
            };
            for reply in replies {
                // Whoever asked may be gone.
                let _ = socket.send_to(&reply, peer).await;
            }
        });
    }
}

async fn in_order(mut stream: impl AsyncRead + AsyncWrite + Unpin, zone: Zone, number: usize) {
    while let Ok(length) = stream.read_u16().await {
        let mut question = vec![0; length.into()];
        if stream.read_exact(&mut question).await.is_err() {
            return;
        }
        let replies = match zone.take(&question, true, number).await {
            Act::Send(reply) => vec![reply],
            Act::SendAll(replies) => replies,
            Act::Break(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
                return;
            }
        };
        for reply in replies {
            let mut frame = u16::try_from(reply.len()).unwrap().to_be_bytes().to_vec();
            frame.extend(reply);
            if stream.write_all(&frame).await.is_err() || stream.flush().await.is_err() {
                return;
            }
        }
    }
}
