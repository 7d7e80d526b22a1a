//! The gRPC dialect: the objects of the Kubernetes-style API, by Google's API improvement proposals.
//!
//! Nothing is done here that [`backstay_kube::Operations`] does not do: what is admitted, stored, bounded and counted is the same as
//! in REST, and what one writes the other reads byte for byte.
//!
//! # Layout
//!
//! - `server`: from a call to its answer, and which method does what. `unary`: calls that have one. `codec`, `body`, `deadline`, `answer`: calls and answers.
//! - `typed`: the services that have a message for each kind; `generic`: the one for any kind, as JSON. `events`: what watches tell.
//! - `transcode`: stored JSON to messages, and back.
//! - `names`, `filter`, `paging`, `etag`, `propagation`: what requests say. `refusal`, `status`: why they are not done.
//! - `beside`: for services that are not about objects. [`access`]: who calls. [`options`], [`meter`]: limits, and what is counted.

pub mod access;
mod answer;
mod beside;
mod body;
mod codec;
mod deadline;
mod etag;
mod events;
mod filter;
mod generic;
pub mod meter;
mod names;
pub mod options;
mod paging;
mod propagation;
mod refusal;
mod server;
mod status;
mod transcode;
mod typed;
mod unary;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::any;
use backstay_kube::Operations;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use tonic::Status;
use tonic::body::Body;
use tonic::service::Routes;
use tonic_health::server::HealthReporter;
use tonic_reflection::server::Builder;
use tonic_web::{GrpcWebLayer, GrpcWebService};
use tower::{Layer as _, ServiceExt as _};

pub use self::access::Access;
pub use self::beside::{Following, Paged, bad_field, check, page};
pub use self::meter::Meter;
pub use self::options::Options;
use self::server::Server;

/// Services that are not about objects, which are served beside these.
#[derive(Debug, Default)]
pub struct Beside {
    /// What serves them.
    pub routes: Router,
    /// Their full names.
    pub names: Vec<&'static str>,
}

/// The gRPC API.
#[derive(Debug)]
pub struct Admin {
    /// Every service, and reflection and health, also for gRPC-Web.
    pub router: Router,
    /// Says what the health service answers.
    pub health: HealthReporter,
    /// The full names of all services that have a health; the empty name is that of the whole server.
    pub services: Vec<String>,
}

/// The services cannot be described.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The description of a resource.
    #[error("the description of a resource: {0}")]
    Shape(String),
    /// What reflection tells.
    #[error("reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Serves the objects of `operations`, and what is `beside`.
///
/// # Errors
/// [`BuildError`] when the contracts that come with this program do not fit it, which every test of it would meet.
pub fn build(operations: Operations, options: Options, meter: Meter, beside: Beside) -> Result<Admin, BuildError> {
    let server = Server::new(operations, options, meter).map_err(|error| BuildError::Shape(error.to_string()))?;
    let mut services: Vec<String> = server.services().map(str::to_owned).collect();
    services.extend(beside.names.iter().map(|name| (*name).to_owned()));
    let (health, health_service) = tonic_health::server::health_reporter();
    let (v1, v1alpha) = (reflection(&services).build_v1()?, reflection(&services).build_v1alpha()?);
    let state = Arc::new(server);
    let mut inner =
        Routes::new(health_service).add_service(v1).add_service(v1alpha).into_axum_router().reset_fallback();
    for service in state.services() {
        inner = inner.route(&format!("/{service}/{{method}}"), any(server::serve).with_state(Arc::clone(&state)));
    }
    let inner = inner.merge(beside.routes).fallback(|| async { Status::unimplemented("").into_http::<Body>() });
    let plain = Routes::from(inner);
    let spoken = Spoken { web: GrpcWebLayer::new().layer(plain.clone()), plain };
    let more =
        ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"];
    let mut router = Router::new();
    for name in beside.names.iter().copied().chain(more) {
        router = router.route(&format!("/{name}/{{*method}}"), any(answer).with_state(spoken.clone()));
    }
    for name in state.services() {
        let of_objects = any(answer_of_objects).with_state((Arc::clone(&state), spoken.clone()));
        router = router.route(&format!("/{name}/{{*method}}"), of_objects);
    }
    Ok(Admin { router, health, services })
}

/// The services, as gRPC and as gRPC-Web are spoken with them.
#[derive(Clone)]
struct Spoken {
    plain: Routes,
    web: GrpcWebService<Routes>,
}

/// Answers in what the client speaks. Whether a web page may speak at all has been decided before.
async fn answer(State(Spoken { plain, web }): State<Spoken>, request: Request) -> Response<Body> {
    let answered = if is_web(&request) { web.oneshot(request).await } else { plain.oneshot(request).await };
    answered.unwrap_or_else(|never| match never {})
}

/// The same for the services that are about objects, which are called so often that their calls do not look for their way twice.
async fn answer_of_objects(State((server, spoken)): State<(Arc<Server>, Spoken)>, request: Request) -> Response<Body> {
    if is_web(&request) { answer(State(spoken), request).await } else { server::serve(State(server), request).await }
}

fn is_web(request: &Request) -> bool {
    let media_type = request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    media_type.starts_with(b"application/grpc-web")
}

/// What clients are told who ask which services there are. The contracts of discovery are in the same description and not served
/// here, so that those that are have to be named.
fn reflection(services: &[String]) -> Builder<'static> {
    let builder = Builder::configure()
        .register_encoded_file_descriptor_set(backstay_proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
        .with_service_name("grpc.health.v1.Health");
    services.iter().fold(builder, |builder, service| builder.with_service_name(service.as_str()))
}
