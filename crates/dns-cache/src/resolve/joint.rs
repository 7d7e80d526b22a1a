//! Those who ask the same at the same time ask together: many open questions for one name are as many chances to forge its answer
//! (RFC 5452 5).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use hickory_proto::op::Message;
use hickory_proto::rr::{Name, RecordType};

use super::exchange::{NameServer, exchange};
use super::message::{Fault, Question};

type Reply = Result<Arc<Message>, Fault>;
type Asked = BoxFuture<'static, Reply>;
type Key = (Name, RecordType);

/// The servers, and the questions that are open.
pub(super) struct Joint {
    servers: Arc<[NameServer]>,
    edns: bool,
    open: Mutex<HashMap<Key, WeakShared<Asked>>>,
}

/// One who asks. The question is dropped with the last of them.
struct Asking<'a> {
    joint: &'a Joint,
    key: Key,
    reply: Option<Shared<Asked>>,
}

impl Joint {
    /// Asks `servers`, with an OPT record if `edns` says so.
    pub(super) fn new(servers: Vec<NameServer>, edns: bool) -> Self {
        Self { servers: servers.into(), edns, open: Mutex::default() }
    }

    /// The answer of the servers.
    pub(super) async fn ask(&self, question: &Question) -> Reply {
        let asking = self.join(question);
        match &asking.reply {
            Some(reply) => reply.clone().await,
            None => Err(Fault::Timeout),
        }
    }

    fn join(&self, question: &Question) -> Asking<'_> {
        let key = (question.name().clone(), question.kind());
        let mut open = self.open();
        // One that is over has an answer of the past.
        let joined = open.get(&key).and_then(WeakShared::upgrade).filter(|reply| reply.peek().is_none());
        let reply = joined.unwrap_or_else(|| {
            let (servers, edns, question) = (Arc::clone(&self.servers), self.edns, question.clone());
            let asked = async move { exchange(&servers, &question, edns).await }.boxed().shared();
            if let Some(weak) = asked.downgrade() {
                open.insert(key.clone(), weak);
            }
            asked
        });
        drop(open);
        Asking { joint: self, key, reply: Some(reply) }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Key, WeakShared<Asked>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.reply = None;
        let mut open = self.joint.open();
        if open.get(&self.key).is_some_and(|reply| reply.upgrade().is_none()) {
            open.remove(&self.key);
        }
    }
}
