//! Backends that get nothing new by the pool and by directors, without a new version: an extension.

use http::Method;

use super::backend_health;
use super::failure::Failure;
use super::record;
use super::reply::Reply;
use super::request::Call;
use super::shared::Api;
use crate::compile::is_member;

/// Answers for `/service/ID/backend/NAME/drain`: PUT drains the backend, DELETE ends that, GET tells how it fares. It holds for
/// whichever version is active, until it is ended.
pub(crate) async fn handle(api: &Api, call: &Call, id: &str, name: &str) -> Result<Reply, Failure> {
    if call.method == Method::GET {
        return backend_health::one(api, call, id, name).await;
    }
    let drain = match call.method {
        Method::PUT => true,
        Method::DELETE => false,
        _ => return Err(Failure::method_not_allowed()),
    };
    api.change(id, |snapshot| {
        let mut service = record::service(snapshot, &call.identity, id)?;
        let known = service.spec.drained_backends.contains(name);
        if !drain {
            // Whatever is active: a backend that is there no more can come back.
            service.spec.drained_backends.remove(name);
            let writes = if known { vec![service.put()?] } else { Vec::new() };
            return Ok((writes, Reply::done()));
        }
        let version = record::active_version(snapshot, &service)?;
        let typed = version.typed()?;
        let number = typed.number.to_string();
        let which = [("name", name), ("service", id), ("version", number.as_str())];
        let backend = typed.backends.iter().find(|backend| backend.name == name);
        let backend = backend.ok_or_else(|| Failure::not_found("Backend", &which))?;
        if !is_member(&typed, name) {
            return Err(Failure::bad_request(format!(
                "Backend '{name}' is in no pool and in no director: there is nothing else that its requests would go to"
            )));
        }
        if !known && service.spec.drained_backends.len() >= api.options.max_parts {
            let most = api.options.max_parts;
            return Err(Failure::bad_request(format!("A service has at most {most} drained backends")));
        }
        service.spec.drained_backends.insert(name.to_owned());
        let answer = backend_health::render(api, &service, &typed, backend);
        let writes = if known { Vec::new() } else { vec![service.put()?, version.guard()] };
        Ok((writes, Reply::new(answer)))
    })
    .await
}
