//! Where hyper's work on the requests of one HTTP/2 connection runs.

use std::future::Future;
use std::rc::Rc;

use crate::exchange::ClientConnection;

/// Runs the requests of one HTTP/2 connection.
#[derive(Debug, Clone)]
pub(super) struct Executor(pub(super) Rc<ClientConnection>);

impl<F: Future<Output: 'static> + 'static> hyper::rt::Executor<F> for Executor {
    fn execute(&self, work: F) {
        // What hyper runs is what came of the request that it handed over last.
        match self.0.begun.take() {
            Some(activity) => self.0.thread.streams.run(activity, work),
            None => drop(tokio::task::spawn_local(work)),
        }
    }
}
