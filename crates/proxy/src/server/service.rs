//! Where hyper hands over requests.

use std::convert::Infallible;
use std::rc::Rc;

use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};

use super::context::{Exchange, Local};
use crate::forward::{self, Body};

/// Serves the requests of one connection.
pub(super) fn serve(
    local: Rc<Local>,
) -> impl Service<Request<Incoming>, Response = Response<Body>, Error = Infallible, Future: 'static> {
    service_fn(move |request| {
        let exchange = Exchange::start(&local, &request);
        let local = Rc::clone(&local);
        async move {
            let mut response = forward::answer(exchange, request).await;
            // A connection that was about to send its first request when a drain began has not been told yet.
            if local.is_closing() && !local.is_multiplexed() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response)
        }
    })
}
