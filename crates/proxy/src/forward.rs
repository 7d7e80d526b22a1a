//! The life of a request: which rule, which backend, which endpoint, and back.
//!
//! [`answer`] is called once per request and never fails: what goes wrong becomes an answer, with the words and flags that
//! operators know from Envoy. Everything that the configuration decides is decided first, without waiting (`decision`); what
//! waits for the network afterwards (`outbound`, `attempt`) does not look at the configuration again. That also keeps the
//! futures small, which are moved several times on the way into hyper.

mod aim;
mod attempt;
mod authority;
mod body;
mod decision;
mod endpoint;
mod failure;
mod grpc;
mod hash;
mod head;
mod headers;
mod loops;
mod mirror;
mod outbound;
mod progress;
mod replay;
mod reply;
mod request_target;
mod retries;
mod sequence;
mod tap;
mod trailers;
mod tunnel;

pub(crate) use body::{Body, RequestBody};
pub(crate) use progress::BodyProgress;

use std::convert::Infallible;
use std::rc::Rc;

use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;

use crate::server::Exchange;
use decision::Decision;

/// Serves one request.
pub(crate) async fn answer(exchange: Exchange, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let client = Rc::clone(&exchange.client);
    let mut response = match decision::decide(exchange, request) {
        Decision::Answered(response) => response,
        Decision::Forward(outbound) => outbound.send().await,
    };
    // A connection that was about to send its first request when a drain began has not been told yet.
    if client.is_closing() && !client.is_multiplexed() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}
