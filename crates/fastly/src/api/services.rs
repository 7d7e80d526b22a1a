//! Services.

use backstay_auth::User;
use backstay_resources::Timestamp;
use backstay_store::{Snapshot, Write};
use http::Method;
use serde_json::{Map, Value, json};

use super::catalog::Owned;
use super::failure::Failure;
use super::form::Fields;
use super::record::{self, Record};
use super::reply::Reply;
use super::request::Call;
use super::shared::Api;
use super::versions;
use crate::object::{FASTLY_SERVICE, FASTLY_TOMBSTONE, ServiceSpec, ServiceType, TombstoneSpec, new_id, shape_of};

/// Names of services are unique: whoever gives one takes turns with all others.
const ALL: &str = "";
/// The longest name, in bytes.
const MAX_NAME: usize = 255;
/// How many services a page has when the client does not say.
const PER_PAGE: usize = 100;
const MAX_PER_PAGE: usize = 1000;

/// Answers for `/service`.
pub(crate) async fn collection(api: &Api, call: &Call) -> Result<Reply, Failure> {
    match call.method {
        Method::GET => list(&api.snapshot().await?, call),
        Method::POST => create(api, call).await,
        _ => Err(Failure::method_not_allowed()),
    }
}

/// All services, or a page of them: `page`, `per_page`, `direction`. They are sorted by when they were made.
fn list(snapshot: &Snapshot, call: &Call) -> Result<Reply, Failure> {
    let mut services = record::services(snapshot, &call.identity)?;
    if call.parameter("direction") == Some("descend") {
        services.reverse();
    }
    let number = |name: &str, default: usize| match call.parameter(name) {
        Some(text) => text
            .parse()
            .ok()
            .filter(|number| *number > 0)
            .ok_or_else(|| Failure::bad_request(format!("{name} '{text}' is not a number from 1"))),
        None => Ok(default),
    };
    let is_paged = call.parameter("page").is_some() || call.parameter("per_page").is_some();
    let (page, per_page) = (number("page", 1)?, number("per_page", PER_PAGE)?.min(MAX_PER_PAGE));
    let (shown, links) = if is_paged {
        let last = services.len().div_ceil(per_page).max(1);
        let shown = services.iter().skip((page - 1).saturating_mul(per_page)).take(per_page);
        (shown.collect::<Vec<_>>(), links(call, page, per_page, last))
    } else {
        (services.iter().collect(), None)
    };
    let body = shown.into_iter().map(|service| in_list(snapshot, service)).collect::<Result<Vec<_>, Failure>>()?;
    Ok(Reply { links, ..Reply::new(body) })
}

fn links(call: &Call, page: usize, per_page: usize, last: usize) -> Option<String> {
    let direction = if call.parameter("direction") == Some("descend") { "descend" } else { "ascend" };
    let link = |page: usize, relation: &str| {
        let query = format!("page={page}&per_page={per_page}&sort=created&direction={direction}");
        format!("<{}/service?{query}>; rel=\"{relation}\"", call.origin)
    };
    let next = (page < last).then(|| [link(page + 1, "next"), link(last, "last")]);
    let before = (page > 1).then(|| [link(1, "first"), link(page.min(last + 1) - 1, "prev")]);
    let all: Vec<String> = next.into_iter().chain(before).flatten().collect();
    (!all.is_empty()).then(|| all.join(", "))
}

/// What all answers about a service have.
fn common(snapshot: &Snapshot, service: &Record<ServiceSpec>) -> Result<Map<String, Value>, Failure> {
    let spec = &service.spec;
    let versions = record::versions(snapshot, service.name())?;
    let versions: Vec<_> = versions.iter().map(|version| versions::render(service, version)).collect();
    let answer = json!({
        "id": service.name(), "name": spec.name, "type": spec.kind, "comment": spec.comment,
        "customer_id": spec.customer_id, "versions": versions, "environments": versions::staging(service),
        "created_at": spec.created_at, "updated_at": spec.updated_at, "deleted_at": null,
    });
    let mut answer = answer.as_object().cloned().unwrap_or_default();
    if let Some(gateway) = &spec.gateway {
        answer.insert("gateway".to_owned(), gateway.clone().into());
    }
    Ok(answer)
}

/// A service in a list: with the number of the version that counts, the active one or else the newest.
fn in_list(snapshot: &Snapshot, service: &Record<ServiceSpec>) -> Result<Map<String, Value>, Failure> {
    let mut answer = common(snapshot, service)?;
    answer.insert("version".to_owned(), service.spec.active.unwrap_or(service.spec.last_version).into());
    answer.insert("paused".to_owned(), false.into());
    Ok(answer)
}

/// A service by itself.
pub(crate) fn render(snapshot: &Snapshot, service: &Record<ServiceSpec>) -> Result<Map<String, Value>, Failure> {
    let mut answer = common(snapshot, service)?;
    answer.insert("publish_key".to_owned(), "".into());
    answer.insert("paused".to_owned(), false.into());
    Ok(answer)
}

async fn create(api: &Api, call: &Call) -> Result<Reply, Failure> {
    let id = new_id();
    api.change(ALL, |snapshot| {
        let name = given_name(&call.fields)?.ok_or_else(|| Failure::bad_request("Name can't be blank"))?;
        let owned = check_name_is_free(api, snapshot, &call.identity, name, None)?;
        if call.identity.services.is_some() {
            return Err(Failure::forbidden("The token sees only the services that it names, and makes none"));
        }
        if owned.services >= api.options.max_services {
            let most = api.options.max_services;
            return Err(Failure::bad_request(format!("A customer has at most {most} services")));
        }
        let kind = match call.fields.filled("type").map(str::to_ascii_lowercase).as_deref() {
            None | Some("vcl") => ServiceType::Vcl,
            Some("wasm") => ServiceType::Wasm,
            Some(other) => return Err(Failure::bad_request(format!("Type '{other}' is not one of vcl, wasm"))),
        };
        let now = Some(Timestamp::now());
        let spec = ServiceSpec {
            name: name.to_owned(),
            kind,
            comment: call.fields.text("comment").unwrap_or_default().to_owned(),
            customer_id: call.identity.customer.clone(),
            gateway: gateway(&call.fields)?.flatten(),
            last_version: 1,
            created_at: now,
            updated_at: now,
            ..ServiceSpec::default()
        };
        let service = Record::new(&FASTLY_SERVICE, &id, spec);
        let version = versions::empty(&id, 1, "")?;
        let mut answer = render(snapshot, &service)?;
        answer.insert("versions".to_owned(), vec![Value::Object(versions::render(&service, &version))].into());
        Ok((vec![service.put()?, version.put()?], Reply::new(answer)))
    })
    .await
}

fn given_name(fields: &Fields) -> Result<Option<&str>, Failure> {
    match fields.filled("name") {
        Some(name) if name.len() > MAX_NAME => {
            Err(Failure::bad_request(format!("Name is longer than {MAX_NAME} bytes")))
        }
        name => Ok(name),
    }
}

/// The Gateway that a client names, if it says anything of it: an extension of ours.
fn gateway(fields: &Fields) -> Result<Option<Option<String>>, Failure> {
    let Some(given) = fields.text("gateway") else { return Ok(None) };
    if given.is_empty() {
        return Ok(Some(None));
    }
    let is_sound = given.split_once('/').is_some_and(|(namespace, name)| {
        [namespace, name].iter().all(|part| !part.contains('/') && backstay_resources::name::subdomain(part).is_empty())
    });
    if is_sound {
        Ok(Some(Some(given.to_owned())))
    } else {
        Err(Failure::bad_request(format!("Gateway '{given}' is not NAMESPACE/NAME")))
    }
}

/// Returns what the customer has. All of it counts, what the token does not see included.
fn check_name_is_free(
    api: &Api,
    snapshot: &Snapshot,
    identity: &User,
    name: &str,
    own: Option<&str>,
) -> Result<Owned, Failure> {
    let owned = api.catalog.owned(snapshot, &identity.customer, name, own)?;
    if owned.is_taken { Err(Failure::duplicate("service", name)) } else { Ok(owned) }
}

/// Answers for `/service/ID`.
pub(crate) async fn one(api: &Api, call: &Call, id: &str) -> Result<Reply, Failure> {
    match call.method {
        Method::GET => {
            let snapshot = api.snapshot().await?;
            let service = record::service(&snapshot, &call.identity, id)?;
            Ok(Reply::new(render(&snapshot, &service)?))
        }
        Method::PUT => update(api, call, id).await,
        Method::DELETE => delete(api, call, id).await,
        _ => Err(Failure::method_not_allowed()),
    }
}

async fn update(api: &Api, call: &Call, id: &str) -> Result<Reply, Failure> {
    let turn = if call.fields.filled("name").is_some() { ALL } else { id };
    api.change(turn, |snapshot| {
        let mut service = record::service(snapshot, &call.identity, id)?;
        if let Some(name) = given_name(&call.fields)? {
            check_name_is_free(api, snapshot, &call.identity, name, Some(id))?;
            name.clone_into(&mut service.spec.name);
        }
        if let Some(comment) = call.fields.get("comment") {
            comment.as_str().unwrap_or_default().clone_into(&mut service.spec.comment);
        }
        if let Some(gateway) = gateway(&call.fields)? {
            service.spec.gateway = gateway;
        }
        service.spec.updated_at = Some(Timestamp::now());
        let answer = render(snapshot, &service)?;
        Ok((vec![service.put()?], Reply::new(answer)))
    })
    .await
}

/// Takes a service away with all that is its own. One that is served must be deactivated first.
async fn delete(api: &Api, call: &Call, id: &str) -> Result<Reply, Failure> {
    api.change(id, |snapshot| {
        let service = record::service(snapshot, &call.identity, id)?;
        if let Some(number) = service.spec.active {
            let detail = format!("Service '{id}' has an active version: deactivate version {number} first");
            return Err(Failure::bad_request(detail));
        }
        let mut writes: Vec<Write> = vec![service.delete()];
        let (mut acls, mut dictionaries) = (Vec::new(), Vec::new());
        for version in record::versions(snapshot, id)? {
            let ids = |list| version.parts(list).iter().filter_map(|part| part["id"].as_str().map(str::to_owned));
            acls.extend(ids("acls"));
            dictionaries.extend(ids("dictionaries"));
            writes.push(version.delete());
        }
        for ids in [&mut acls, &mut dictionaries] {
            ids.sort_unstable();
            ids.dedup();
        }
        for acl in &acls {
            writes.push(record::acl(snapshot, id, acl)?.delete());
        }
        for dictionary in &dictionaries {
            writes.push(record::dictionary(snapshot, id, dictionary)?.delete());
        }
        writes.extend(bury(api, snapshot, &service)?);
        Ok((writes, Reply::done()))
    })
    .await
}

/// Leaves a tombstone for a service, and takes the oldest of its customer away where there are too many.
fn bury(api: &Api, snapshot: &Snapshot, service: &Record<ServiceSpec>) -> Result<Vec<Write>, Failure> {
    let ServiceSpec { name, customer_id, .. } = service.spec.clone();
    let before = record::tombstones(snapshot, &customer_id)?;
    let surplus = (before.len() + 1).saturating_sub(api.options.max_tombstones);
    let mut writes: Vec<Write> = before.iter().take(surplus).map(Record::delete).collect();
    if api.options.max_tombstones > 0 {
        let spec = TombstoneSpec { name, customer_id, deleted_at: Some(Timestamp::now()) };
        writes.push(Record::new(&FASTLY_TOMBSTONE, service.name(), spec).put()?);
    }
    Ok(writes)
}

/// Answers for `/service/search`.
pub(crate) async fn search(api: &Api, call: &Call) -> Result<Reply, Failure> {
    let name = call.parameter("name").unwrap_or_default();
    let snapshot = api.snapshot().await?;
    let services = record::services(&snapshot, &call.identity)?;
    let found = services.iter().find(|service| service.spec.name == name);
    let customer = &call.identity.customer;
    let found = found.ok_or_else(|| Failure::absent(format!("Cannot load service '{customer}'-'{name}'")))?;
    Ok(Reply::new(common(&snapshot, found)?))
}

/// Answers for `/service/ID/domain`: the domains of the version that counts.
pub(crate) async fn domains(api: &Api, call: &Call, id: &str) -> Result<Reply, Failure> {
    let snapshot = api.snapshot().await?;
    let service = record::service(&snapshot, &call.identity, id)?;
    let number = service.spec.active.unwrap_or(service.spec.last_version);
    let version = record::version(&snapshot, id, number)?;
    let shape = shape_of("domain").ok_or_else(Failure::method_not_allowed)?;
    Ok(Reply::new(super::part::all(&service, &version, shape)))
}
