//! Where hyper hands over requests.

use std::convert::Infallible;
use std::rc::Rc;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};

use super::context::{ClientConnection, Exchange};
use crate::forward::{self, Body};

/// Serves the requests of one connection.
pub(super) fn serve(
    client: Rc<ClientConnection>,
) -> impl Service<Request<Incoming>, Response = Response<Body>, Error = Infallible, Future: 'static> {
    service_fn(move |request| {
        let exchange = Exchange::start(&client, &request);
        forward::answer(exchange, request)
    })
}
