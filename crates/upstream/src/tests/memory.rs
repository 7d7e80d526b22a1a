//! An endpoint in memory, and what is needed to reach it.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use backstay_balancer::{Breakers, Limits};
use backstay_http1::{HeadLimits, RequestBody};
use backstay_model::{BackendSpec, Protocol};
use bytes::Bytes;
use http_body::Frame;
use tokio::io::{DuplexStream, duplex};

use crate::{
    Backend, BackendParts, ConnectError, Connector, Destination, Discovery, Endpoint, Settings, Upstream, Upstreams,
};

/// A request's body that is in memory; the default is none.
#[derive(Debug, Default)]
pub(crate) struct Body(pub(crate) Option<Bytes>);

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.get_mut().0.take().map(|data| Ok(Frame::data(data))))
    }
}

impl RequestBody for Body {
    fn empty() -> Self {
        Self::default()
    }

    fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

/// Endpoints that hold the other end of every connection that was opened.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// In the order in which they were opened.
    pub(crate) opened: RefCell<Vec<DuplexStream>>,
    /// Connections cannot be opened now.
    pub(crate) fails: Cell<bool>,
}

/// Connects to [`Memory`].
#[derive(Debug, Clone)]
pub(crate) struct InMemory(pub(crate) Rc<Memory>);

impl Connector for InMemory {
    type Body = Body;
    type Stream = DuplexStream;

    async fn connect(&self, _: &Backend, _: &Destination) -> Result<DuplexStream, ConnectError> {
        if self.0.fails.get() {
            return Err(ConnectError::Io(Arc::new(std::io::ErrorKind::ConnectionRefused.into())));
        }
        let (near, far) = duplex(64 << 10);
        self.0.opened.borrow_mut().push(far);
        Ok(near)
    }
}

/// A backend with one endpoint, that is held to `limits`.
pub(crate) fn backend(protocol: Protocol, limits: &Limits) -> Arc<Backend> {
    Backend::new(BackendParts {
        name: "backend/test".into(),
        spec: Arc::new(BackendSpec { protocol, ..BackendSpec::default() }),
        discovery: Discovery::addresses(vec![Endpoint::ip([192, 0, 2, 1].into())]),
        tls: None,
        metrics: Arc::default(),
        breakers: Breakers::new(limits),
    })
}

/// What a thread keeps for `backend`, and the memory that its endpoint is in.
pub(crate) fn upstream(backend: &Arc<Backend>) -> (Upstreams<InMemory>, Rc<Upstream<InMemory>>, Rc<Memory>) {
    let memory = Rc::<Memory>::default();
    let head = HeadLimits { max_size: 4096, max_headers: 20 };
    let settings = Settings { stream_window: 65_535, head, max_idle: 8 };
    let upstreams = Upstreams::new(InMemory(Rc::clone(&memory)), settings);
    let upstream = upstreams.get(backend, || 0);
    (upstreams, upstream, memory)
}
