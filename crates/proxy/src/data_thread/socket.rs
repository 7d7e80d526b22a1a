//! What a listening socket serves, as connections see it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use crate::config::Socket;

/// One thread's own count on a socket's configuration: to count on the shared [`Arc`] with each request would have all
/// threads contend for it.
#[derive(Debug)]
pub(crate) struct Serving(Arc<Socket>);

impl std::ops::Deref for Serving {
    type Target = Socket;

    fn deref(&self) -> &Socket {
        &self.0
    }
}

/// What a socket serves now. Connections keep it and look at each request.
#[derive(Debug)]
pub(crate) struct CurrentSocket {
    socket: RefCell<Rc<Serving>>,
    /// The socket is gone from the configuration.
    closed: Cell<bool>,
}

impl CurrentSocket {
    /// A socket that serves `socket`.
    pub(crate) fn new(socket: &Arc<Socket>) -> Rc<Self> {
        Rc::new(Self { socket: RefCell::new(Rc::new(Serving(Arc::clone(socket)))), closed: Cell::new(false) })
    }

    /// Serves `socket` from now on.
    pub(crate) fn replace(&self, socket: &Arc<Socket>) {
        *self.socket.borrow_mut() = Rc::new(Serving(Arc::clone(socket)));
    }

    /// The socket is gone from the configuration.
    pub(crate) fn close(&self) {
        self.closed.set(true);
    }

    /// Whether the socket is gone from the configuration.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// What to serve a request with.
    pub(crate) fn load(&self) -> Rc<Serving> {
        Rc::clone(&self.socket.borrow())
    }
}
