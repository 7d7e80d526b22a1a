//! The life of a request: which rule, which backend, which endpoint, and back.
//!
//! [`Forwarder`] is called once per request and never fails: what goes wrong becomes an answer, with the words and flags that
//! operators know from Envoy. Everything that the configuration decides is decided first, without waiting (`decision`); what
//! waits for the network afterwards (`outbound`, `attempt`) does not look at the configuration again. That also keeps the
//! futures small, which are moved several times on the way into hyper.
//!
//! # Layout
//!
//! In the order in which a request comes by:
//!
//! - `decision`: what the configuration says of it. `guards`: what it has to pass before that. `authority`, `request_target`: whether its host and its target are any.
//!   `loops`: whether it has been here before. `hash`: what endpoints are chosen by, where that is the request.
//! - `connect`: another protocol over a stream of HTTP/2, made what endpoints of HTTP/1.1 know.
//! - `head`: its head as the endpoint gets it. `headers`: those that belong to a connection, and those that tell of the client.
//! - `sequence`: steps that decide on it, of a rule that has some. `destination`: where these send it, and what its answer gets.
//! - `compose`: the calls of a rule that makes one response out of several backends' answers.
//! - `echo`: a request that is its own answer. `unmatched`: one that no rule matches. `redirection`: the page of one sent elsewhere.
//! - `aim`: what of it one backend gets. `asked`: what it asks for.
//! - `mirror`: a copy of it.
//! - `outbound`: on its way to a backend, and its answer on the way back. `request_state`: what is known of it meanwhile. `guard`:
//!   what it counts as.
//! - `retries`: its attempts. `attempt`: one of them. `endpoint`: a connection for it.
//! - `failure`: what can go wrong, and what the client is told. `reply`: the replies of the proxy's own. `grpc`: how these are
//!   told to clients of gRPC.
//! - `response_body`: the body of its answer. `silence`: when an endpoint has said nothing for too long. `tunnel`: a connection
//!   that changed protocols.

mod aim;
mod asked;
mod attempt;
mod authority;
mod compose;
mod connect;
mod decision;
mod destination;
mod echo;
mod endpoint;
mod failure;
mod grpc;
mod guard;
mod guards;
mod hash;
mod head;
mod headers;
mod loops;
mod mirror;
mod outbound;
mod redirection;
mod reply;
mod request_state;
mod request_target;
mod response_body;
mod retries;
mod sequence;
mod silence;
mod tunnel;
mod unmatched;

use std::convert::Infallible;
use std::rc::Rc;

use http::{HeaderValue, Request, Response, StatusCode, header};

use crate::body::ClientBody;
use crate::exchange::{Exchange, Service};
use crate::local_reply::{Flag, LocalReply};
use decision::{Course, Undecided};
use guards::Additions;
use response_body::ResponseBody;

/// To a request that could not be decided on, although it has waited.
const UNDECIDED: LocalReply = LocalReply::fixed(StatusCode::UNAUTHORIZED, "", Flag::None, "undecided");

/// Serves requests as the configuration of their socket says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Forwarder;

impl Service for Forwarder {
    type Body = ResponseBody;

    #[inline]
    fn serve(
        self,
        exchange: Exchange,
        request: Request<ClientBody>,
    ) -> impl Future<Output = Result<Response<ResponseBody>, Infallible>> + 'static {
        answer(exchange, request)
    }
}

async fn answer(exchange: Exchange, request: Request<ClientBody>) -> Result<Response<ResponseBody>, Infallible> {
    let client = Rc::clone(&exchange.client);
    let mut additions = Additions::default();
    let mut response = match decision::decide(exchange, request, &mut additions, false) {
        Course::Answered(response) => response,
        Course::Forward(outbound) => outbound.send().await,
        // Boxed: a future is as large as its largest part, and is moved.
        Course::Compose(composing) => Box::pin(composing.run()).await,
        Course::Direct(direct) => Box::pin(direct.send()).await,
        Course::Echo(echoing) => Box::pin(echoing.run()).await,
        Course::Wait(undecided) => Box::pin(wait(undecided, &mut additions)).await,
    };
    additions.apply(&mut response);
    let status = response.status();
    response.body_mut().answered(status);
    if response.body().tells_headers() {
        response_body::tell_headers(&mut response);
    }
    // A connection that was about to send its first request when a drain began has not been told yet.
    if client.is_closing() && !client.is_multiplexed() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// Answers a request that waits before it is decided on.
async fn wait(undecided: Box<Undecided>, additions: &mut Additions) -> Response<ResponseBody> {
    let (exchange, request) = undecided.wait().await;
    *additions = Additions::default();
    match decision::decide(exchange, request, additions, true) {
        Course::Answered(response) => response,
        Course::Forward(outbound) => outbound.send().await,
        Course::Compose(composing) => composing.run().await,
        Course::Direct(direct) => direct.send().await,
        Course::Echo(echoing) => echoing.run().await,
        // None waits twice.
        Course::Wait(undecided) => reply::refuse(undecided.exchange, UNDECIDED),
    }
}
