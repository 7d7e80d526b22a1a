//! One question to one server: sent, sent again, and asked in other forms, until there is an answer.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use hickory_proto::op::Message;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::connections::{Connections, OnConnection};
use super::edns::EdnsMemory;
use super::message::{Fault, Question, Reading};
use super::port::{OnPort, Ports};
use super::tcp::Tcp;
use super::waiters::{ARRIVALS, Arrival};

/// After how long without an answer it is sent for the second and the third time.
const AGAIN: [Duration; 2] = [Duration::from_millis(600), Duration::from_millis(1400)];
/// How often it is sent anew because what it was sent over was closed under it.
const MAX_LOST: u32 = 2;

/// What a server is asked over: datagrams or connections.
pub(super) enum Way {
    /// Each question over UDP first, and over TCP alone what does not fit.
    Datagrams(Ports, Tcp),
    Connections(Connections),
}

/// A question on its way: in which forms it went out under one id, and over what.
struct Sent<'a> {
    with: bool,
    without: bool,
    over: Over<'a>,
}

enum Over<'a> {
    Port(OnPort),
    Connection(OnConnection<'a>),
}

impl Way {
    async fn send<'a>(
        &'a self,
        question: &Question,
        edns: bool,
        arrivals: mpsc::Sender<Arrival>,
        others: Vec<usize>,
    ) -> io::Result<Sent<'a>> {
        let bytes = |id| question.to_bytes(id, edns);
        let over = match self {
            Self::Datagrams(ports, _) => Over::Port(ports.send(arrivals, bytes).await?),
            Self::Connections(connections) => Over::Connection(connections.send(arrivals, &others, bytes).await?),
        };
        Ok(Sent { with: edns, without: !edns, over })
    }
}

impl Sent<'_> {
    fn id(&self) -> u16 {
        match &self.over {
            Over::Port(port) => port.id(),
            Over::Connection(connection) => connection.id(),
        }
    }

    /// Sends a datagram again, from the same port and under the same id: the answer to any of them counts.
    fn again(&mut self, question: &Question, edns: bool) {
        if let Over::Port(port) = &self.over
            && let Some(bytes) = question.to_bytes(port.id(), edns)
        {
            port.again(&bytes);
            self.with |= edns;
            self.without |= !edns;
        }
    }

    fn connection(&self) -> Option<usize> {
        match &self.over {
            Over::Port(_) => None,
            Over::Connection(connection) => Some(connection.connection()),
        }
    }
}

/// Asks, with an OPT record if `edns` says so and the server is not known to need it otherwise. Not limited in time.
pub(super) async fn ask(
    way: &Way,
    memory: &EdnsMemory,
    question: &Question,
    edns: bool,
) -> Result<Arc<Message>, Fault> {
    let began = Instant::now();
    let (arrivals, mut arrived) = mpsc::channel(ARRIVALS);
    let (mut sent, mut sending) = (Vec::<Sent<'_>>::new(), FuturesUnordered::new());
    let mut forms = Forms { memory, edns: edns && memory.ask_with(), refused: false, count: 0 };
    let mut again = AGAIN.iter().map(|after| began + *after);
    let mut lost = 0;
    let mut now = true;
    let mut next = again.next();
    loop {
        if std::mem::take(&mut now) {
            let others = sent.iter().filter_map(Sent::connection).collect();
            sending.push(way.send(question, forms.next(), arrivals.clone(), others));
        }
        let timer = async {
            match next {
                Some(time) => tokio::time::sleep_until(time).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Some((id, bytes)) = arrived.recv() => {
                let Some(position) = sent.iter().position(|sent| sent.id() == id) else { continue };
                let Some(bytes) = bytes else {
                    sent.remove(position);
                    // A connection may be closed at any time, for reasons that have nothing to do with this question.
                    if matches!(way, Way::Connections(_)) && lost < MAX_LOST {
                        (lost, now) = (lost + 1, true);
                    } else if sent.is_empty() && sending.is_empty() {
                        return Err(Fault::Unreachable);
                    }
                    continue;
                };
                let form = sent.get(position).map(|sent| (sent.with, sent.without)).unwrap_or_default();
                match question.read(id, &bytes) {
                    Reading::Foreign => {}
                    Reading::Answer(answer) => {
                        forms.answered(form, answer.edns.is_some());
                        return Ok(answer);
                    }
                    Reading::Truncated { edns } => {
                        let edns = forms.answered(form, edns);
                        return match way {
                            Way::Datagrams(_, tcp) => over_tcp(tcp, question, edns).await,
                            Way::Connections(_) => Err(Fault::Malformed),
                        };
                    }
                    // Said of one that went out before, once is enough.
                    Reading::NotWithEdns(_) if form.0 => now = !std::mem::replace(&mut forms.refused, true),
                    Reading::NotWithEdns(code) | Reading::Code(code) => return Err(Fault::Code(code)),
                    Reading::Malformed => return Err(Fault::Malformed),
                }
            }
            Some(outcome) = sending.next() => match outcome {
                Ok(one) => sent.push(one),
                Err(_) if sent.is_empty() && sending.is_empty() => return Err(Fault::Unreachable),
                Err(_) => {}
            },
            () = timer => {
                next = again.next();
                match sent.last_mut() {
                    Some(last) if last.connection().is_none() => last.again(question, forms.next()),
                    _ => now = true,
                }
            }
        }
    }
}

/// The whole answer, of which a datagram holds only a part.
async fn over_tcp(tcp: &Tcp, question: &Question, edns: bool) -> Result<Arc<Message>, Fault> {
    let mut reading = tcp.ask(question, edns).await?;
    if edns && matches!(reading, Reading::NotWithEdns(_)) {
        reading = tcp.ask(question, false).await?;
    }
    match reading {
        Reading::Answer(answer) => Ok(answer),
        Reading::Code(code) | Reading::NotWithEdns(code) => Err(Fault::Code(code)),
        Reading::Truncated { .. } | Reading::Malformed | Reading::Foreign => Err(Fault::Malformed),
    }
}

/// With an OPT record or without: in which form to ask next, and what is learned of the server from which one is answered.
struct Forms<'a> {
    memory: &'a EdnsMemory,
    edns: bool,
    refused: bool,
    count: u32,
}

impl Forms<'_> {
    fn next(&mut self) -> bool {
        // Silence may be a lost datagram; but of a server that was not seen to take an OPT record, it may as well be for that.
        let silent = self.count > 1 || self.count == 1 && !self.memory.is_proven();
        self.count += 1;
        self.edns && !self.refused && !silent
    }

    /// There is an answer to what was sent in these forms, with an OPT record or without. Says whether it is one to a question with.
    fn answered(&self, (with, without): (bool, bool), has_opt: bool) -> bool {
        let with = with && (has_opt || !without);
        if with {
            self.memory.took_it();
        } else if self.refused {
            self.memory.refused_it();
        } else if self.edns {
            self.memory.ignored_it();
        }
        with
    }
}
