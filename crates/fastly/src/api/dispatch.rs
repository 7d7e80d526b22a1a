//! From a path to what answers it.

use std::sync::Arc;
use std::time::SystemTime;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{Method, Request};
use serde_json::{Map, Value, json};

use super::acl_entries::ListPlace;
use super::activation::Staging;
use super::allowance::Allowance;
use super::failure::Failure;
use super::reply::Reply;
use super::request::Call;
use super::shared::Api;
use super::versions::Place;
use super::{
    access, account, acl_entries, activation, backend_health, details, dictionary_items, diff, draining,
    dynamic_snippets, logging, membership, part, record, services, settings, vcl, versions,
};
use crate::object::{new_id, shape_of};

const NO_VCL: &str = "No VCL is generated: versions are not run as VCL";

/// The paths of this API, as the router has them.
pub(super) const PATHS: &[&str] = &[
    "/service",
    "/service/{*rest}",
    "/verify",
    "/tokens/self",
    "/datacenters",
    "/public-ip-list",
    "/purge/{*url}",
    "/enabled-products/{*rest}",
    "/realms/fastly/.well-known/openid-configuration",
];

/// Answers any of them.
pub(super) async fn handle(State(api): State<Arc<Api>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
    let mut allowance = None;
    let answer = Box::pin(answer(&api, parts, body, &mut allowance)).await;
    let mut response = match answer {
        Ok(reply) => reply.into_response(),
        Err(failure) => failure.into_response(),
    };
    if let Some(allowance) = allowance {
        allowance.write(response.headers_mut());
    }
    // The path and no more: a body may hold a key.
    api.options.meter.answered(&method, response.status(), None);
    tracing::debug!(%method, path, status = response.status().as_u16(), "answered");
    response
}

/// `allowance` is what answers to writes tell of how many more there may be.
async fn answer(
    api: &Api,
    parts: http::request::Parts,
    body: Body,
    allowance: &mut Option<Allowance>,
) -> Result<Reply, Failure> {
    // The `fastly` command asks for it before it has a token. There is nothing to log in to.
    if parts.uri.path().starts_with("/realms/") {
        return Ok(Reply::new(json!({})));
    }
    let identity = access::identify(&parts)?;
    let path = parts.uri.path().to_owned();
    if access::writes(&parts.method, &parts.uri) {
        *allowance = api.writes.take(&identity, SystemTime::now());
        if allowance.is_some_and(|allowance| allowance.is_exceeded) {
            api.options.meter.limited("writes_per_hour");
            return Err(Failure::too_many_writes());
        }
    }
    let call = Call::read(api, parts, body, identity).await?;
    // After the body: who sends slowly keeps nobody from writing.
    let _share = api.open.enter(&call.identity.name).await.map_err(|_| {
        api.options.meter.limited("max_requests");
        Failure::too_many_requests()
    })?;
    let segments: Vec<&str> = call.path.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["service"] => services::collection(api, &call).await,
        ["service", "search"] => services::search(api, &call).await,
        ["service", id, rest @ ..] => of_service(api, &call, id, rest, &path).await,
        ["verify"] => account::verify(api, &call).await,
        ["tokens", "self"] if call.method == Method::GET => Ok(account::token(&call)),
        // There is no point of presence here.
        ["datacenters"] => Ok(Reply::new(json!([]))),
        // Nor is there an address that requests to backends come from, but those of the proxies.
        ["public-ip-list"] => Ok(Reply::new(json!({"addresses": [], "ipv6_addresses": []}))),
        ["purge", ..] => Ok(purged()),
        _ => Err(Failure::no_such_path(&path)),
    }
}

/// Nothing is cached, so that what is to be purged is gone already.
fn purged() -> Reply {
    Reply::new(json!({"status": "ok", "id": new_id()}))
}

async fn of_service(api: &Api, call: &Call, id: &str, rest: &[&str], path: &str) -> Result<Reply, Failure> {
    match rest {
        [] => services::one(api, call, id).await,
        ["details"] => details::handle(api, call, id).await,
        ["domain"] => services::domains(api, call, id).await,
        ["purge" | "purge_all", key @ ..] if call.method == Method::POST => purge(api, call, id, key).await,
        ["diff", "from", from, "to", to] => {
            Box::pin(diff::handle(api, call, Place::parse(id, from)?, Place::parse(id, to)?)).await
        }
        ["vcl", "diff", ..] => {
            record::service(&api.snapshot().await?, &call.identity, id)?;
            Err(Failure::absent(NO_VCL))
        }
        ["acl", acl, "entries" | "entry"] => {
            acl_entries::handle(api, call, ListPlace { service: id, id: acl }, None).await
        }
        ["acl", acl, "entry", entry] => {
            acl_entries::handle(api, call, ListPlace { service: id, id: acl }, Some(entry)).await
        }
        ["dictionary", dictionary, "items" | "item"] => {
            dictionary_items::handle(api, call, ListPlace { service: id, id: dictionary }, None).await
        }
        ["dictionary", dictionary, "item", key] => {
            dictionary_items::handle(api, call, ListPlace { service: id, id: dictionary }, Some(key)).await
        }
        ["backend_health"] => backend_health::all(api, call, id).await,
        ["backend_health", name] => backend_health::one(api, call, id, name).await,
        ["backend", name, "drain"] => draining::handle(api, call, id, name).await,
        ["snippet", snippet] => dynamic_snippets::handle(api, call, ListPlace { service: id, id: snippet }).await,
        ["version"] => versions::collection(api, call, id).await,
        ["version", "active"] if call.method == Method::GET => versions::active(api, call, id).await,
        ["version", number, rest @ ..] => of_version(api, call, Place::parse(id, number)?, rest, path).await,
        _ => Err(Failure::no_such_path(path)),
    }
}

/// Answers for `/service/ID/purge`, with a key in the path or many beside it, and `/service/ID/purge_all`.
async fn purge(api: &Api, call: &Call, id: &str, key: &[&str]) -> Result<Reply, Failure> {
    record::service(&api.snapshot().await?, &call.identity, id)?;
    let header = call.headers.get("surrogate-key").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut keys: Vec<&str> = header.split_whitespace().collect();
    let listed = call.fields.get("surrogate_keys").and_then(Value::as_array);
    keys.extend(listed.into_iter().flatten().filter_map(Value::as_str));
    if key.is_empty() && !keys.is_empty() {
        let ids: Map<String, Value> = keys.into_iter().map(|key| (key.to_owned(), new_id().into())).collect();
        return Ok(Reply::new(ids));
    }
    Ok(purged())
}

async fn of_version(api: &Api, call: &Call, place: Place<'_>, rest: &[&str], path: &str) -> Result<Reply, Failure> {
    let is_put = call.method == Method::PUT;
    match rest {
        [] => versions::one(api, call, place).await,
        ["clone"] if is_put => versions::clone(api, call, place).await,
        ["lock"] if is_put => versions::lock(api, call, place).await,
        ["activate"] if is_put => activation::activate(api, call, place).await,
        ["deactivate"] if is_put => activation::deactivate(api, call, place).await,
        ["activate", "staging"] if is_put => activation::stage(api, call, place, Staging::Set).await,
        ["deactivate", "staging"] if is_put => activation::stage(api, call, place, Staging::Clear).await,
        ["clone" | "lock" | "activate" | "deactivate", ..] => Err(Failure::method_not_allowed()),
        ["validate"] => activation::validate(api, call, place).await,
        ["settings"] => settings::handle(api, call, place).await,
        ["package"] => package(api, call, place).await,
        ["domain", "check_all"] => checks(api, call, place, None).await,
        ["domain", name, "check"] => checks(api, call, place, Some(name)).await,
        ["director", director, "backend", backend] => membership::handle(api, call, place, director, backend).await,
        ["vcl", name, "main"] => vcl::main(api, call, place, name).await,
        ["vcl", name, "raw" | "download"] => vcl::download(api, call, place, name).await,
        ["dictionary", id, "info"] => dictionary_items::info(api, call, ListPlace { service: place.service, id }).await,
        ["logging", kind] => logging::handle(api, call, place, kind, None).await,
        ["logging", kind, name] => logging::handle(api, call, place, kind, Some(name)).await,
        [segment] | [segment, _] if shape_of(segment).is_some() => {
            let shape = shape_of(segment).ok_or_else(|| Failure::no_such_path(path))?;
            part::handle(api, call, place, shape, rest.get(1).copied()).await
        }
        _ => not_stored(api, call, place, rest, path).await,
    }
}

/// What is not stored: there is none of it, and none can be made.
async fn not_stored(api: &Api, call: &Call, place: Place<'_>, rest: &[&str], path: &str) -> Result<Reply, Failure> {
    let snapshot = api.snapshot().await?;
    record::service(&snapshot, &call.identity, place.service)?;
    record::version(&snapshot, place.service, place.number)?;
    match (rest, &call.method) {
        // No list: clients read one thing or hear that there is none.
        (["image_optimizer_default_settings"], &Method::GET) => Err(Failure::no_such_path(path)),
        (["generated_vcl" | "boilerplate", ..], _) => Err(Failure::absent(NO_VCL)),
        ([_], &Method::GET) => Ok(Reply::new(json!([]))),
        ([what, ..], &Method::POST | &Method::PUT) => {
            Err(Failure::bad_request(format!("'{what}' is not supported here")))
        }
        _ => Err(Failure::no_such_path(path)),
    }
}

/// There is nothing that would run a program.
async fn package(api: &Api, call: &Call, place: Place<'_>) -> Result<Reply, Failure> {
    let snapshot = api.snapshot().await?;
    record::service(&snapshot, &call.identity, place.service)?;
    record::version(&snapshot, place.service, place.number)?;
    if call.method == Method::PUT {
        return Err(Failure::bad_request("No program runs here: a package is refused"));
    }
    let number = place.number.to_string();
    Err(Failure::not_found("Package", &[("service", place.service), ("version", &number)]))
}

/// Whether domains lead here. No name server is asked: what is told is whether the service serves the domain.
async fn checks(api: &Api, call: &Call, place: Place<'_>, name: Option<&str>) -> Result<Reply, Failure> {
    let snapshot = api.snapshot().await?;
    let service = record::service(&snapshot, &call.identity, place.service)?;
    let version = record::version(&snapshot, place.service, place.number)?;
    let shape = shape_of("domain").ok_or_else(Failure::method_not_allowed)?;
    let check = |domain: Value| {
        let name = domain["name"].as_str().unwrap_or_default();
        let owner = activation::claims::owner(&snapshot, name);
        json!([domain, null, owner.is_some_and(|owner| owner == place.service)])
    };
    let domains = part::all(&service, &version, shape);
    match name {
        None => Ok(Reply::new(domains.into_iter().map(check).collect::<Vec<_>>())),
        Some(name) => {
            let number = place.number.to_string();
            let which = [("name", name), ("service", place.service), ("version", number.as_str())];
            let index = part::position(&domains, name, shape).ok_or_else(|| Failure::not_found("Domain", &which))?;
            Ok(Reply::new(check(domains[index].clone())))
        }
    }
}
