//! Where hyper hands over requests of HTTP/1.1.

use std::convert::Infallible;
use std::rc::Rc;

use hyper::body::Incoming;
use hyper::service::{HttpService, service_fn};

use crate::body::ClientBody;
use crate::exchange::{ClientConnection, Exchange, Service};

/// Serves the requests of one connection with `service`.
pub(super) fn serve<S: Service>(
    client: Rc<ClientConnection>,
    service: S,
) -> impl HttpService<Incoming, ResBody = S::Body, Error = Infallible, Future: 'static> {
    service_fn(move |request| {
        let exchange = Exchange::start(&client, &request, None);
        service.serve(exchange, request.map(ClientBody::Http1))
    })
}
