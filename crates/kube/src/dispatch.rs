//! From a request to its answer.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use backstay_auth::Caller;
use backstay_resources::Verb;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use tokio::time::timeout;

use crate::accept::{self, Encoding, Form};
use crate::access_review::Question;
use crate::api::Api;
use crate::body::Received;
use crate::discovery::{Document, Root};
use crate::path::{self, Collection, Part, RequestTarget, Subject};
use crate::query::{Extent, Params};
use crate::respond::{Reply, Wire};
use crate::status::Failure;
use crate::write::Edit;
use crate::{body, delete, openapi, operations, query, read, watching};

/// A request, save its body.
struct Call {
    /// What its path names; `None` if nothing is served there.
    target: Option<RequestTarget>,
    parts: Parts,
}

/// Answers any request.
pub(crate) async fn handle(State(api): State<Arc<Api>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let target = path::parse(&api.kinds, parts.uri.path());
    let call = Arc::new(Call { target, parts });
    let response = match answer(&api, &call, body).await {
        Ok(response) => response,
        Err(failure) => failure.into_response(),
    };
    let Call { target, parts } = &*call;
    let resource = target.as_ref().and_then(RequestTarget::served).map_or("", |served| served.resource.as_str());
    api.options.meter.answered(&parts.method, resource, response.status());
    // The path and no more: a query may hold what a selector looks for, a body may be a Secret.
    tracing::debug!(method = %parts.method, path = parts.uri.path(), status = response.status().as_u16(), "answered");
    response
}

async fn answer(api: &Arc<Api>, call: &Arc<Call>, body: Body) -> Result<Response, Failure> {
    let Call { target, parts } = &**call;
    let changes = matches!(parts.method, Method::PUT | Method::PATCH | Method::DELETE);
    if changes && path::has_empty_segment(parts.uri.path()) {
        return Err(Failure::bad_request("resource name may not be empty: a name in the path of the request is"));
    }
    let target = target.as_ref().ok_or_else(Failure::no_such_path)?;
    let params = Params::parse(&parts.uri)?.written_by(&parts.headers).sent_by(&parts.extensions);
    match target {
        RequestTarget::Collection(collection) if params.watch && parts.method == Method::GET => {
            watching::start(api.of(&collection.served), collection, &params, parts).await
        }
        RequestTarget::Review(review) => {
            let review = timeout(api.options.request_timeout, review_answer(api, review, &params, parts, body));
            review.await.unwrap_or_else(|_| Err(Failure::timeout()))
        }
        RequestTarget::Collection(_) | RequestTarget::Object(_) => {
            let limit = api.options.request_timeout;
            let answered = if changes {
                let (api, call) = (Arc::clone(api), Arc::clone(call));
                let work = async move {
                    let target = call.target.as_ref().ok_or_else(Failure::no_such_path)?;
                    objects(&api, target, &params, &call.parts, body).await
                };
                timeout(limit, operations::to_end(work)).await
            } else {
                timeout(limit, Box::pin(objects(api, target, &params, parts, body))).await
            };
            answered.unwrap_or_else(|_| Err(Failure::timeout()))
        }
        _ => documents(api, target, &params, parts),
    }
}

/// Everything about objects but watches.
async fn objects(
    api: &Api,
    target: &RequestTarget,
    params: &Params,
    parts: &Parts,
    body: Body,
) -> Result<Response, Failure> {
    let form = accept::form(&parts.headers)?;
    let reads = matches!(parts.method, Method::GET | Method::HEAD);
    if !reads && !is_served(target, &parts.method) {
        return Err(Failure::method_not_allowed());
    }
    // Before the permit: who sends slowly keeps nobody from writing.
    let body = if reads { None } else { Some(body::receive(&api.bodies, &api.options, body).await?) };
    let (limit, name) = if reads { (&api.reading, "max_reading") } else { (&api.mutating, "max_mutating") };
    let _share = api.options.meter.admit(limit, name, &caller(parts).user.name).await?;
    let api = target.served().map_or(api, |served| api.of(served));
    let bytes = body.as_ref().map(Received::bytes).unwrap_or_default();
    let reply = match target {
        RequestTarget::Collection(collection) => on_collection(api, form, collection, params, parts, bytes).await?,
        RequestTarget::Object(subject) => on_object(api, form, subject, params, parts, bytes).await?,
        _ => return Err(Failure::no_such_path()),
    };
    Ok(wire(api, form.encoding, params, &parts.headers).finish(reply))
}

/// Who has sent a request; anyone where nothing before this dialect asks for that.
fn caller(parts: &Parts) -> Caller {
    parts.extensions.get::<Caller>().cloned().unwrap_or_else(Caller::anyone)
}

/// Whether the kind has the verb that a method stands for.
fn is_served(target: &RequestTarget, method: &Method) -> bool {
    let verb = match (target, method) {
        (RequestTarget::Collection(_), &Method::POST) => Verb::Create,
        (RequestTarget::Collection(_), &Method::DELETE) => Verb::DeleteCollection,
        (RequestTarget::Object(_), &Method::PUT) => Verb::Update,
        (RequestTarget::Object(_), &Method::PATCH) => Verb::Patch,
        (RequestTarget::Object(_), &Method::DELETE) => Verb::Delete,
        _ => return true,
    };
    target.served().is_none_or(|served| served.kind.verbs.contains(&verb))
}

async fn review_answer(
    api: &Api,
    review: &Question,
    params: &Params,
    parts: &Parts,
    body: Body,
) -> Result<Response, Failure> {
    if parts.method != Method::POST {
        return Err(Failure::method_not_allowed());
    }
    let body = body::receive(&api.bodies, &api.options, body).await?;
    let caller = caller(parts);
    let _share = api.options.meter.admit(&api.mutating, "max_mutating", &caller.user.name).await?;
    let answer = review.answer(&caller, &body::decode(&parts.headers, body.bytes())?.value).await?;
    let reply = Reply::new(StatusCode::CREATED, answer.to_string());
    Ok(wire(api, accept::encoding(&parts.headers)?, params, &parts.headers).finish(reply))
}

fn wire(api: &Api, encoding: Encoding, params: &Params, headers: &HeaderMap) -> Wire {
    Wire::new(headers, encoding, params.pretty, api.options.gzip_over_bytes)
}

async fn on_collection(
    api: &Api,
    form: Form,
    collection: &Collection,
    params: &Params,
    parts: &Parts,
    bytes: &[u8],
) -> Result<Reply, Failure> {
    let renderer = read::renderer(&collection.served, form.view, params);
    match (&parts.method, &collection.namespace) {
        (&Method::GET | &Method::HEAD, _) => read::list(api, renderer, params, collection).await,
        (&Method::POST, Some(namespace)) => {
            let decoded = body::decode(&parts.headers, bytes)?;
            let outcome = operations::create(api, &collection.served, namespace, params, decoded).await?;
            Ok(outcome.reply(&renderer))
        }
        (&Method::DELETE, Some(_)) => {
            query::check_deletion(&parts.uri, Extent::Collection)?;
            let options = delete::Options::parse(&parts.headers, bytes, params)?;
            Ok(operations::remove_collection(api, collection, params, &options).await?.reply(renderer))
        }
        _ => Err(Failure::method_not_allowed()),
    }
}

async fn on_object(
    api: &Api,
    form: Form,
    subject: &Subject,
    params: &Params,
    parts: &Parts,
    bytes: &[u8],
) -> Result<Reply, Failure> {
    let renderer = read::renderer(&subject.served, form.view, params);
    match (&parts.method, subject.part) {
        (&Method::GET | &Method::HEAD, _) => read::get(api, &renderer, params, &subject.namespace, &subject.name).await,
        (&Method::PUT, _) => {
            let edit = Edit::Replace(body::decode(&parts.headers, bytes)?);
            Ok(operations::update(api, subject, params, &edit).await?.reply(&renderer))
        }
        (&Method::PATCH, _) => {
            let edit = Edit::patch(api, subject, params, &parts.headers, bytes)?;
            Ok(operations::update(api, subject, params, &edit).await?.reply(&renderer))
        }
        (&Method::DELETE, Part::Whole) => {
            query::check_deletion(&parts.uri, Extent::Object)?;
            let options = delete::Options::parse(&parts.headers, bytes, params)?;
            let deleted = operations::remove(api, subject, &options).await?;
            Ok(deleted.reply(&renderer, &subject.name))
        }
        _ => Err(Failure::method_not_allowed()),
    }
}

/// What does not depend on what is stored.
fn documents(api: &Api, target: &RequestTarget, params: &Params, parts: &Parts) -> Result<Response, Failure> {
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return Err(Failure::method_not_allowed());
    }
    let headers = &parts.headers;
    let plain = |document: Option<&Document>| {
        let document = document.ok_or_else(Failure::no_such_path)?;
        Ok(constant(document, accept::encoding(headers)?, api, params, headers))
    };
    match target {
        RequestTarget::Paths => plain(Some(api.discovery().paths())),
        RequestTarget::CoreVersions => discovery(api, Root::Core, params, headers),
        RequestTarget::Groups => discovery(api, Root::Groups, params, headers),
        RequestTarget::Group(name) => plain(api.discovery().group(name)),
        RequestTarget::GroupVersion { group, version } => plain(api.discovery().version(group, version)),
        RequestTarget::OpenApiV3 => plain(Some(&api.openapi().index)),
        RequestTarget::OpenApiV3Document { group, version } => plain(api.openapi().document(group, version)),
        RequestTarget::OpenApiV2 if wants_protobuf(headers) => {
            let mut response = Response::new(Body::from(openapi::V2_PROTOBUF));
            let content_type = HeaderValue::from_static(openapi::V2_PROTOBUF_TYPE);
            response.headers_mut().insert(header::CONTENT_TYPE, content_type);
            response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
            Ok(response)
        }
        RequestTarget::OpenApiV2 => plain(Some(&api.openapi().v2)),
        RequestTarget::Review(_) | RequestTarget::Collection(_) | RequestTarget::Object(_) => {
            Err(Failure::no_such_path())
        }
    }
}

fn wants_protobuf(headers: &HeaderMap) -> bool {
    let known = [openapi::V2_PROTOBUF_TYPE, openapi::V2_PROTOBUF_ACCEPT];
    let first = accept::ranges(headers).into_iter().find(|range| {
        known.contains(&range.media) || matches!(range.media, "application/json" | "application/*" | "*/*")
    });
    first.is_some_and(|range| known.contains(&range.media))
}

fn discovery(api: &Api, root: Root, params: &Params, headers: &HeaderMap) -> Result<Response, Failure> {
    let (encoding, aggregated) = accept::discovery(headers)?;
    let document = api.discovery().root(root, aggregated);
    let mut response = constant(document, encoding, api, params, headers);
    if let (Some(aggregated), Encoding::Json) = (aggregated, encoding) {
        let content_type = HeaderValue::from_static(aggregated.content_type());
        if response.status() == StatusCode::OK {
            response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        }
    }
    Ok(response)
}

/// A document that rarely changes: clients that have it are told so.
fn constant(document: &Document, encoding: Encoding, api: &Api, params: &Params, headers: &HeaderMap) -> Response {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let known = known.flat_map(|value| value.split(',')).any(|tag| {
        let tag = tag.trim();
        tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == document.etag
    });
    let mut response = if known {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let reply = Reply::new(StatusCode::OK, document.json.clone());
        wire(api, encoding, params, headers).finish(reply)
    };
    let headers = response.headers_mut();
    if let Ok(etag) = HeaderValue::from_str(&document.etag) {
        headers.insert(header::ETAG, etag);
    }
    headers.insert(header::VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    response
}
