//! What a request knows about the connection it came on.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use http::{HeaderValue, Method, Request};

use super::accept::Permit;
use super::activity::Activity;
use super::data_thread::{CurrentSocket, DataThread, Shared};
use super::ending::Cause;
use super::streams::StreamActivity;
use crate::access::Record;

/// One connection from a client.
#[derive(Debug)]
pub(crate) struct ClientConnection {
    pub(crate) thread: Rc<DataThread>,
    pub(crate) socket: Rc<CurrentSocket>,
    /// The client's address.
    pub(crate) peer: SocketAddr,
    /// The client's address as a header carries it.
    pub(crate) peer_value: HeaderValue,
    /// Port that the client connected to.
    pub(crate) port: u16,
    /// Whether the client speaks TLS.
    pub(crate) secure: bool,
    pub(super) activity: Arc<Activity>,
    /// The request that hyper hands over in this moment, on a connection that several share.
    pub(super) begun: RefCell<Option<Rc<StreamActivity>>>,
    /// Held until the connection, or the tunnel it became, has ended.
    pub(super) _permit: Permit,
}

impl ClientConnection {
    /// `http` or `https`.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    /// Whether the connection should take no more requests.
    pub(crate) fn is_closing(&self) -> bool {
        self.socket.closed.get() || self.thread.registry.is_closing()
    }

    /// The connection is about to change to another protocol. Returns whether it may: what the client has sent beyond its
    /// request was refused for what is no request, and nothing of the other protocol is to be had of it.
    pub(crate) fn enter_tunnel(&self) -> bool {
        self.activity.enter_tunnel()
    }

    /// Whether the client speaks HTTP/2.
    pub(crate) fn is_multiplexed(&self) -> bool {
        self.activity.is_multiplexed()
    }
}

/// What a request expects of an answer, whoever gives it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ReplyFormat {
    /// No body.
    pub(crate) head: bool,
    /// A gRPC status instead of an HTTP one.
    pub(crate) grpc: bool,
}

/// A request's body that may not have been read to its end, whatever became of the request.
#[derive(Debug)]
pub(crate) struct Reading(Arc<Activity>);

impl Reading {
    pub(crate) fn begin(client: &ClientConnection) -> Self {
        client.activity.enter_body();
        Self(Arc::clone(&client.activity))
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.leave_body();
    }
}

/// A request in flight: from its head to the last byte of its answer, or the end of the tunnel it became.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) client: Rc<ClientConnection>,
    pub(crate) started: Instant,
    /// What an answer of the proxy's own must look like.
    pub(crate) format: ReplyFormat,
    /// Line for the access log, when there is one.
    pub(crate) record: Option<Box<Record>>,
    /// How far the request has come, where it shares its connection with others (HTTP/2).
    pub(crate) stream: Option<Rc<StreamActivity>>,
}

impl Exchange {
    pub(super) fn start<B>(client: &Rc<ClientConnection>, request: &Request<B>) -> Self {
        let Shared { limits, metrics, .. } = &*client.thread.shared;
        if client.activity.enter() == limits.max_streams && client.is_multiplexed() {
            metrics.streams_full.increment(1);
        }
        let record = client.thread.shared.access_log.is_some().then(|| Box::new(Record::start(client.peer, request)));
        let stream = client.is_multiplexed().then(Rc::<StreamActivity>::default);
        client.begun.borrow_mut().clone_from(&stream);
        let format = ReplyFormat { head: request.method() == Method::HEAD, grpc: false };
        Self { client: Rc::clone(client), started: Instant::now(), format, record, stream }
    }

    /// The answer, which has begun, must have ended at `end`, whether or not the client reads it.
    pub(crate) fn end_by(&self, end: Option<tokio::time::Instant>) {
        match &self.stream {
            Some(stream) => stream.end_by(end),
            None => self.client.activity.end_by(end),
        }
    }

    /// The request ends before its end, because of `cause` unless another cause came before.
    pub(crate) fn ends(&self, cause: Cause) {
        if self.cause().is_none() {
            match &self.stream {
                Some(stream) => stream.cause().set(cause),
                None => self.client.activity.cause().set(cause),
            }
        }
    }

    /// Nobody waits for the answer any more, which should have ended at `due`. Returns why.
    pub(crate) fn left(&self, due: Option<tokio::time::Instant>) -> Cause {
        // A client that leaves is noticed at once, a time that is over perhaps not: it came first.
        let cause = if due.is_some_and(|due| due <= tokio::time::Instant::now()) {
            Cause::Deadline
        } else if self.client.thread.registry.has_ended() {
            Cause::Shutdown
        } else {
            Cause::Client
        };
        self.ends(cause);
        self.cause().unwrap_or(cause)
    }

    /// Why the request ends before its end, if it does.
    pub(crate) fn cause(&self) -> Option<Cause> {
        let of_stream = self.stream.as_ref().and_then(|stream| stream.cause().get());
        of_stream.or_else(|| self.client.activity.cause().get())
    }

    /// Notes something for the access log.
    pub(crate) fn note(&mut self, note: impl FnOnce(&mut Record)) {
        if let Some(record) = &mut self.record {
            note(record);
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let told = self.record.as_ref().and_then(|_| self.cause()?.told());
        self.client.activity.leave();
        if let Some(mut record) = self.record.take()
            && let Some(log) = &self.client.thread.shared.access_log
        {
            if let Some((flag, details)) = told {
                record.flag = flag;
                record.details = details.into();
            }
            record.duration = self.started.elapsed();
            if !log.write(record) {
                self.client.thread.shared.metrics.log_lines_dropped.increment(1);
            }
        }
    }
}
