//! Requests that go on while something else happens.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Client, PATIENCE};

/// Clients that send one GET after the other, each on a connection of its own.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
    tasks: JoinSet<Tally>,
    answered: watch::Receiver<u64>,
}

/// What came back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Answers by status and body.
    pub answers: BTreeMap<(u16, String), u64>,
    /// Connections that could not be made or broke, each in words.
    pub errors: Vec<String>,
}

impl Tally {
    /// How many answers had this status.
    pub fn with_status(&self, status: u16) -> u64 {
        self.answers.iter().filter(|((code, _), _)| *code == status).map(|(_, count)| count).sum()
    }

    /// How many answers of status 200 had this body.
    pub fn with_body(&self, body: &str) -> u64 {
        self.answers.get(&(200, body.to_owned())).copied().unwrap_or_default()
    }

    /// Fails the test unless every request was answered with 200.
    pub fn assert_all_ok(&self) {
        assert!(self.errors.is_empty(), "broken connections: {:?}", self.errors);
        let bad: Vec<_> = self.answers.keys().filter(|(status, _)| *status != 200).collect();
        assert!(bad.is_empty(), "answers other than 200: {bad:?}");
        assert!(!self.answers.is_empty(), "nothing was asked");
    }
}

impl Load {
    /// Starts `clients` clients that ask `address` for `path` with the host `host`.
    pub fn start(clients: usize, address: SocketAddr, host: &str, path: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (counter, answered) = watch::channel(0);
        let counter = Arc::new(counter);
        let mut tasks = JoinSet::new();
        for _ in 0..clients {
            let (stop, counter) = (Arc::clone(&stop), Arc::clone(&counter));
            let (host, path) = (host.to_owned(), path.to_owned());
            tasks.spawn(async move {
                let client = Client::new();
                let mut tally = Tally::default();
                while !stop.load(Ordering::Relaxed) {
                    match client.get(address, &host, &path).await {
                        Ok(answer) => *tally.answers.entry((answer.status.as_u16(), answer.text())).or_default() += 1,
                        Err(error) => tally.errors.push(error),
                    }
                    counter.send_modify(|answered| *answered += 1);
                }
                tally
            });
        }
        Self { stop, tasks, answered }
    }

    /// Waits for `count` more answers.
    pub async fn more(&mut self, count: u64) {
        let until = *self.answered.borrow() + count;
        let reached = self.answered.wait_for(|answered| *answered >= until);
        drop(tokio::time::timeout(PATIENCE, reached).await.expect("the load goes on").unwrap());
    }

    /// Lets every client finish its request, and adds up.
    pub async fn stop(mut self) -> Tally {
        self.stop.store(true, Ordering::Relaxed);
        let mut sum = Tally::default();
        while let Some(tally) = self.tasks.join_next().await {
            let tally = tally.unwrap();
            for (answer, count) in tally.answers {
                *sum.answers.entry(answer).or_default() += count;
            }
            sum.errors.extend(tally.errors);
        }
        sum
    }
}
