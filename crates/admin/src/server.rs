//! From a call to its answer.

mod methods;

use std::pin::pin;
use std::sync::Arc;

use axum::extract::{Request, State};
use backstay_kube::Operations;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use http::Response;
use tokio::time::{Instant, sleep_until, timeout_at};
use tonic::body::Body;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::server::Grpc;
use tonic::{Code, Status};

use self::methods::{Method, Methods};
use crate::access::Caller;
use crate::body::{CallBody, HEAD};
use crate::codec::Plain;
use crate::deadline;
use crate::meter::Meter;
use crate::options::Options;
use crate::transcode::shape::ShapeError;
use crate::unary;

#[cfg(test)]
pub(crate) use self::methods::TYPED;

/// The services that are about objects.
#[derive(Debug)]
pub(crate) struct Server {
    operations: Operations,
    methods: Methods,
    meter: Meter,
}

impl Server {
    pub(crate) fn new(operations: Operations, options: Options, meter: Meter) -> Result<Self, ShapeError> {
        let methods = Methods::new(&operations, options)?;
        Ok(Self { operations, methods, meter })
    }

    /// The names of the services.
    pub(crate) fn services(&self) -> impl Iterator<Item = &str> {
        self.methods.services()
    }
}

/// Answers a call of any method of these services.
pub(crate) async fn serve(State(server): State<Arc<Server>>, request: Request) -> Response<Body> {
    let Some(method) = server.methods.find(request.uri().path()) else {
        return Status::unimplemented("there is no such method").into_http();
    };
    let deadline = match deadline::of(request.headers()) {
        Ok(deadline) => deadline.and_then(|wait| Instant::now().checked_add(wait)),
        Err(status) => return status.into_http(),
    };
    let options = server.operations.options();
    let (limit, gzip_over) = (options.max_body_bytes, options.gzip_over_bytes);
    let (parts, body) = request.into_parts();
    // What the message takes of the room for all is held until it has been answered.
    let (body, share) = server.operations.receive(body, HEAD);
    let body = CallBody::new(body, limit);
    let (response, code) = if !method.is_streaming() && unary::is_plain(&parts.headers) {
        let caller = Caller::of(&parts.headers, &parts.extensions);
        let work = async { method.call(&caller, unary::message(body).await?).await };
        let answer = within(deadline, pin!(work)).await;
        let code = answer.as_ref().map_or_else(Status::code, |_| Code::Ok);
        (unary::response(answer, &parts.headers, gzip_over), code)
    } else {
        let request = http::Request::from_parts(parts, Body::new(body));
        // Boxed, so that other calls do not carry its room about.
        let response = Box::pin(by_tonic(method, request, deadline, (limit, gzip_over))).await;
        let code = Status::from_header_map(response.headers()).map_or(Code::Ok, |status| status.code());
        (response, code)
    };
    drop(share);
    method.counters.answered(&server.meter, &method.label, code);
    // The name of the method and no more: what is asked and answered may be a Secret.
    tracing::debug!(method = %method.label, ?code, "answered");
    response
}

/// The same of a call that has many answers, or is compressed.
async fn by_tonic(
    method: &Method,
    request: http::Request<Body>,
    deadline: Option<Instant>,
    (limit, gzip_over): (usize, usize),
) -> Response<Body> {
    let grpc = Grpc::new(Plain).accept_compressed(Gzip).max_decoding_message_size(limit);
    let mut grpc = grpc.max_encoding_message_size(usize::MAX);
    if method.is_streaming() {
        let call = tower::service_fn(move |request: tonic::Request<Bytes>| async move {
            let caller = Caller::of(request.metadata().as_ref(), request.extensions());
            let stream = within(deadline, method.watch(&caller, request.into_inner())).await?;
            Ok::<_, Status>(tonic::Response::new(until(stream, deadline)))
        });
        return grpc.server_streaming(call, request).await;
    }
    let call = tower::service_fn(move |request: tonic::Request<Bytes>| async move {
        let caller = Caller::of(request.metadata().as_ref(), request.extensions());
        let answer = within(deadline, method.call(&caller, request.into_inner())).await?;
        Ok::<_, Status>(answer.response(gzip_over))
    });
    grpc.send_compressed(Gzip).unary(call, request).await
}

/// Waits as long as the client does.
async fn within<T>(deadline: Option<Instant>, work: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    match deadline {
        Some(deadline) => timeout_at(deadline, work).await.unwrap_or_else(|_| Err(deadline::passed())),
        None => work.await,
    }
}

/// A stream that ends with an error when the client has waited long enough.
fn until(
    stream: BoxStream<'static, Result<Bytes, Status>>,
    deadline: Option<Instant>,
) -> BoxStream<'static, Result<Bytes, Status>> {
    let Some(deadline) = deadline else { return stream };
    let ended = move |stream: Option<BoxStream<'static, Result<Bytes, Status>>>| async move {
        let mut stream = stream?;
        tokio::select! {
            biased;
            () = sleep_until(deadline) => Some((Err(deadline::passed()), None)),
            item = stream.next() => item.map(|item| (item, Some(stream))),
        }
    };
    stream::unfold(Some(stream), ended).boxed()
}
