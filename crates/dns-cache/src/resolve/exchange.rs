//! One question to all servers.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use hickory_proto::op::Message;

use super::attempt::{self, Way};
use super::edns::EdnsMemory;
use super::message::{Fault, Question};

/// How long one question may take, its repetitions and all servers included. Below half of the default query timeout, so that when
/// a server is mute about one family, the other is still asked in time.
const QUESTION_TIMEOUT: Duration = Duration::from_millis(2400);
/// Servers asked at once, so that one which is away costs no time. Nothing is noted about servers that do not answer: that a name is
/// mute must not send other names elsewhere.
const AT_ONCE: usize = 2;
/// After how long without an answer one server more is asked.
const ONE_MORE: Duration = Duration::from_millis(600);

/// A server as one asks it who shares its sockets with nobody, and what is known of it, with everybody.
pub(super) struct NameServer {
    pub(super) way: Way,
    pub(super) edns: Arc<EdnsMemory>,
}

/// The first answer of any of `servers`, in their order. With an OPT record if `edns` says so.
pub(super) async fn exchange(servers: &[NameServer], question: &Question, edns: bool) -> Result<Arc<Message>, Fault> {
    let mut worst = Fault::Timeout;
    let rounds = async {
        // A server that says at once that it cannot answer may say better the next moment, and the wait after a failure is long. It
        // may also be that it does not take the OPT record, and says something else.
        for edns in [edns, false] {
            match round(servers, question, edns, &mut worst).await {
                Err(Fault::Timeout) => break,
                Err(_) => {}
                Ok(answer) => return Some(answer),
            }
        }
        None
    };
    let answer = tokio::time::timeout(QUESTION_TIMEOUT, rounds).await;
    answer.ok().flatten().ok_or(worst)
}

async fn round(
    servers: &[NameServer],
    question: &Question,
    edns: bool,
    worst: &mut Fault,
) -> Result<Arc<Message>, Fault> {
    let mut waiting = servers.iter().map(|server| attempt::ask(&server.way, &server.edns, question, edns));
    let mut asked: FuturesUnordered<_> = waiting.by_ref().take(AT_ONCE).collect();
    let mut fault = Fault::Timeout;
    loop {
        tokio::select! {
            biased;
            outcome = asked.next() => match outcome {
                Some(Ok(answer)) => return Ok(answer),
                Some(Err(its_fault)) => {
                    fault = fault.min(its_fault);
                    *worst = (*worst).min(its_fault);
                    asked.extend(waiting.next());
                }
                None => return Err(fault),
            },
            () = tokio::time::sleep(ONE_MORE), if waiting.len() > 0 => asked.extend(waiting.next()),
        }
    }
}
