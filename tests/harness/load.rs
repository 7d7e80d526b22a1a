//! Requests that go on while something else happens.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{Method, Request};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Client, PATIENCE};

/// How a client sends one request after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A GET over HTTP/1.1, on a connection that is kept.
    Get,
    /// A GET over HTTP/1.1, each on a new connection.
    GetOnce,
    /// A POST over HTTP/1.1 with [`Way::BODY`], on a connection that is kept.
    Post,
    /// A GET over HTTP/2, on a connection that is kept.
    Http2Get,
    /// A POST over HTTP/2 with [`Way::BODY`], on a connection that is kept.
    Http2Post,
}

impl Way {
    pub const ALL: [Self; 5] = [Self::Get, Self::GetOnce, Self::Post, Self::Http2Get, Self::Http2Post];

    /// What is sent by POST.
    pub const BODY: &[u8] = &[b'x'; 8 << 10];

    fn client(self) -> Client {
        match self {
            Self::Http2Get | Self::Http2Post => Client::http2(),
            Self::Get | Self::GetOnce | Self::Post => Client::new(),
        }
    }

    fn request(self, address: SocketAddr, host: &str, path: &str) -> Request<http_body_util::Full<bytes::Bytes>> {
        let (method, body) = match self {
            Self::Post | Self::Http2Post => (Method::POST, Self::BODY),
            Self::Get | Self::GetOnce | Self::Http2Get => (Method::GET, &[][..]),
        };
        let mut request = Request::builder().method(method).uri(format!("http://{address}{path}"));
        // Over HTTP/2 it is the authority, and that is what is connected to.
        if !matches!(self, Self::Http2Get | Self::Http2Post) {
            request = request.header(http::header::HOST, host);
        }
        request.body(bytes::Bytes::from_static(body).into()).unwrap()
    }
}

/// Clients that send one request after the other, each on connections of its own.
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
        Self::start_by(&vec![Way::Get; clients], address, host, path)
    }

    /// Starts a client for each of these ways. Over HTTP/2 the host is `address`.
    pub fn start_by(ways: &[Way], address: SocketAddr, host: &str, path: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (counter, answered) = watch::channel(0);
        let counter = Arc::new(counter);
        let mut tasks = JoinSet::new();
        for way in ways.iter().copied() {
            let (stop, counter) = (Arc::clone(&stop), Arc::clone(&counter));
            let (host, path) = (host.to_owned(), path.to_owned());
            tasks.spawn(async move {
                let mut client = way.client();
                let mut tally = Tally::default();
                while !stop.load(Ordering::Relaxed) {
                    if way == Way::GetOnce {
                        client = way.client();
                    }
                    match client.send(way.request(address, &host, &path)).await {
                        Ok(answer) => *tally.answers.entry((answer.status.as_u16(), answer.text())).or_default() += 1,
                        Err(error) => tally.errors.push(format!("{way:?}: {error}")),
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
