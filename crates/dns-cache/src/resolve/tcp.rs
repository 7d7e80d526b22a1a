//! One question over a connection of its own.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpStream;

use super::frame;
use super::message::{Fault, Question, Reading};
use super::preemptible::PreemptiblePermits;

/// Connections open at once to one server for answers that do not fit into a datagram.
const MAX_CONNECTIONS: usize = 256;
/// Messages read for one question: nobody else asks there, and a server that goes on about other things does not come to it.
const MAX_MESSAGES: usize = 8;

/// Where answers that do not fit into a datagram are asked for.
#[derive(Debug)]
pub(super) struct Tcp {
    server: SocketAddr,
    permits: PreemptiblePermits,
}

impl Tcp {
    pub(super) fn new(server: SocketAddr) -> Self {
        Self { server, permits: PreemptiblePermits::new(MAX_CONNECTIONS) }
    }

    /// Asks on a connection that nobody else waits on, and closes it. Not limited in time.
    pub(super) async fn ask(&self, question: &Question, edns: bool) -> Result<Reading, Fault> {
        match self.permits.run(self.exchange(question, edns)).await {
            Some(Ok(reading)) => Ok(reading),
            Some(Err(_)) => Err(Fault::Unreachable),
            None => Err(Fault::Timeout),
        }
    }

    async fn exchange(&self, question: &Question, edns: bool) -> io::Result<Reading> {
        let id = rand::random();
        let bytes = question.to_bytes(id, edns).ok_or(io::ErrorKind::InvalidInput)?;
        let mut stream = TcpStream::connect(self.server).await?;
        stream.set_nodelay(true)?;
        frame::write(&mut stream, &bytes).await?;
        for _ in 0..MAX_MESSAGES {
            match question.read(id, &frame::read(&mut stream).await?) {
                Reading::Foreign => {}
                reading => return Ok(reading),
            }
        }
        Ok(Reading::Malformed)
    }
}
