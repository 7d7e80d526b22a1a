mod body;
mod connection;
mod pace;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::sync::Semaphore;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::{HeaderValue, Request, Response, header};
use tonic::server::NamedService;
use tonic::service::{Routes, RoutesBuilder};

use self::body::Outgoing;
use self::connection::{Connection, Opening, Requests};
use self::pace::Pace;
use super::envoy::SERVICES;
use super::{Identity, Options, Refusal, Source, StreamId};
use crate::Variant;

/// The discovery services, to be added to a tonic server: the aggregated one, and one for each type of Envoy's.
///
/// Streams live until one side ends them, so a graceful shutdown has to drop the watches of the source. Keepalive, TLS and
/// connection limits are the server's: set an HTTP/2 keepalive there, or half-open connections stay.
pub fn services<S: Source>(source: Arc<S>, options: Options) -> Routes {
    let service = service(source, options);
    let mut routes = RoutesBuilder::default();
    routes.add_service(service.of::<1>()).add_service(service.of::<2>()).add_service(service.of::<3>());
    routes
        .add_service(service.of::<4>())
        .add_service(service.of::<5>())
        .add_service(service.of::<6>())
        .add_service(service);
    routes.routes()
}

/// The aggregated discovery service alone.
pub fn service<S: Source>(source: Arc<S>, options: Options) -> Service<S> {
    let permits = |limit: usize| Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS)));
    let shared = Shared {
        source,
        streams: permits(options.max_streams),
        bulk: permits(options.max_bulk_responses.max(1)),
        pace: Pace::new(options.max_new_streams_a_second),
        options: Arc::new(options),
        opened: AtomicU64::new(0),
    };
    Service(Arc::new(shared))
}

/// Serves the streams of a [`Source`]: the aggregated service, or with another number one of a single type.
pub struct Service<S, const NUMBER: usize = 0>(Arc<Shared<S>>);

/// What all streams have in common.
struct Shared<S> {
    source: Arc<S>,
    options: Arc<Options>,
    /// One permit for each stream.
    streams: Arc<Semaphore>,
    /// One permit for each bulk response that may be unanswered.
    bulk: Arc<Semaphore>,
    pace: Pace,
    opened: AtomicU64,
}

impl<S, const NUMBER: usize> Clone for Service<S, NUMBER> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S, const NUMBER: usize> NamedService for Service<S, NUMBER> {
    const NAME: &'static str = SERVICES[NUMBER].name;
}

impl<S> Service<S> {
    fn of<const NUMBER: usize>(&self) -> Service<S, NUMBER> {
        Service(self.0.clone())
    }
}

impl<S: Source, const NUMBER: usize> tonic::codegen::Service<Request<Body>> for Service<S, NUMBER> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let service = &SERVICES[NUMBER];
        let method = request.uri().path().rsplit('/').next().unwrap_or_default();
        let opened = if method == service.incremental {
            self.open(request, Variant::Incremental)
        } else if Some(method) == service.state_of_the_world {
            self.open(request, Variant::StateOfTheWorld)
        } else {
            let other = service.state_of_the_world.map(|method| format!(" or {method}")).unwrap_or_default();
            let (path, method) = (request.uri().path(), service.incremental);
            Err(Status::unimplemented(format!("{path} is not served: open a stream with {method}{other}")))
        };
        ready(Ok(opened.unwrap_or_else(Status::into_http)))
    }
}

impl<S: Source, const NUMBER: usize> Service<S, NUMBER> {
    fn open(&self, request: Request<Body>, variant: Variant) -> Result<Response<Body>, Status> {
        check_encoding(&request)?;
        let Shared { source, options, streams, bulk, pace, opened } = &*self.0;
        if let Err(retry) = pace.take() {
            source.refused(Refusal::TooFast);
            let limit = options.max_new_streams_a_second;
            return Err(pace::refusal(limit, retry));
        }
        let Ok(permit) = streams.clone().try_acquire_owned() else {
            source.refused(Refusal::TooMany);
            let limit = options.max_streams;
            return Err(Status::resource_exhausted(format!("the control plane serves its limit of {limit} streams")));
        };
        let identity = request.extensions().get::<Identity>().cloned();
        let request = tonic::Request::from_http(request);
        let (address, body) = (request.remote_addr(), request.into_inner());
        let requests = Requests::new(body, variant, SERVICES[NUMBER].type_url, options.max_request_bytes);
        let opening = Opening {
            id: StreamId(opened.fetch_add(1, Ordering::Relaxed)),
            variant,
            source: source.clone(),
            options: options.clone(),
            bulk: bulk.clone(),
            address,
            identity,
        };
        let connection = Connection::new(opening, requests, permit);
        let mut response = Response::new(Body::new(Outgoing::new(connection)));
        let grpc = HeaderValue::from_static("application/grpc");
        response.headers_mut().insert(header::CONTENT_TYPE, grpc);
        Ok(response)
    }
}

/// Responses are shared between streams as they are, and requests are small: nothing is compressed.
fn check_encoding(request: &Request<Body>) -> Result<(), Status> {
    match request.headers().get("grpc-encoding") {
        Some(encoding) if encoding != "identity" => {
            let mut status =
                Status::unimplemented(format!("{encoding:?} is not understood: send requests uncompressed"));
            let identity = tonic::metadata::MetadataValue::from_static("identity");
            status.metadata_mut().insert("grpc-accept-encoding", identity);
            Err(status)
        }
        _ => Ok(()),
    }
}
