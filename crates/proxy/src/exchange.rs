//! A request in flight, and the connection that it came on: what whoever serves it is told of both.

mod client;
mod interim;
mod service;
mod stream_tunnel;
mod upgrade;

use std::rc::Rc;
use std::time::Instant;

use http::{Method, Request, Version};

use crate::access::Record;
use crate::activity::{Cause, StreamActivity};
use crate::data_thread::Shared;

pub(crate) use client::{ClientConnection, ClientPermit};
pub(crate) use interim::Interims;
pub(crate) use service::Service;
pub(crate) use stream_tunnel::StreamTunnel;
pub(crate) use upgrade::{ClientTunnel, ClientUpgrade, StreamUpgrade};

/// What a request expects of an answer, whoever gives it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ReplyFormat {
    /// No body.
    pub(crate) head: bool,
    /// A gRPC status instead of an HTTP one.
    pub(crate) grpc: bool,
    /// Interim answers may come before it (RFC 9110, 15.2).
    pub(crate) interim: bool,
}

/// A request in flight: from its head to the last byte of its answer, or the end of the tunnel it became.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) client: Rc<ClientConnection>,
    pub(crate) started: Instant,
    /// What an answer of the proxy's own must look like.
    pub(crate) format: ReplyFormat,
    /// Line for the access log, when there is one, or for whoever looks.
    pub(crate) record: Option<Box<Record>>,
    /// How far the request has come, where it shares its connection with others (HTTP/2).
    pub(crate) stream: Option<Rc<StreamActivity>>,
}

impl Exchange {
    /// `request` has come, on `stream` if it shares its connection with others.
    pub(crate) fn start<B>(
        client: &Rc<ClientConnection>,
        request: &Request<B>,
        stream: Option<Rc<StreamActivity>>,
    ) -> Self {
        let Shared { limits, metrics, .. } = &*client.thread.shared;
        if client.activity.enter() == limits.max_streams && client.is_multiplexed() {
            metrics.streams_full.increment(1);
        }
        let shared = &client.thread.shared;
        let is_watched = shared.live.is_watched();
        let record = (is_watched || shared.access_log.is_some()).then(|| {
            let mut record = Box::new(Record::start(client.peer, request));
            if is_watched {
                record.headers = shared.live.headers(request.headers());
            }
            record
        });
        let format = ReplyFormat {
            head: request.method() == Method::HEAD,
            grpc: false,
            interim: request.version() > Version::HTTP_10,
        };
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

    /// Where interim answers go; `None` where the client knows none.
    pub(crate) fn interims(&self) -> Option<Interims> {
        self.format.interim.then(|| Interims::new(&self.client, self.stream.as_ref()))
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
        let Some(mut record) = self.record.take() else { return };
        if let Some((flag, details)) = told {
            record.flag = flag;
            record.details = details.into();
        }
        record.duration = self.started.elapsed();
        let shared = &self.client.thread.shared;
        if shared.live.is_watched() {
            shared.live.ended(&record);
        }
        if let Some(log) = &shared.access_log
            && !log.write(record)
        {
            shared.metrics.log_lines_dropped.increment(1);
        }
    }
}
