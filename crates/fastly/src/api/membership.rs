//! Which backends a director has.

use http::Method;
use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::record::{self, Record, VersionMap, now};
use super::reply::Reply;
use super::request::Call;
use super::shared::Api;
use super::versions::{Place, editable};

/// Answers for `…/director/D/backend/B`.
pub(crate) async fn handle(
    api: &Api,
    call: &Call,
    place: Place<'_>,
    director: &str,
    backend: &str,
) -> Result<Reply, Failure> {
    let absent = || {
        let number = place.number.to_string();
        let which =
            [("backend", backend), ("director", director), ("service", place.service), ("version", number.as_str())];
        Failure::not_found("DirectorBackend", &which)
    };
    match call.method {
        Method::GET => {
            let snapshot = api.snapshot().await?;
            record::service(&snapshot, &call.identity, place.service)?;
            let version = record::version(&snapshot, place.service, place.number)?;
            let index = find(&version, "directors", "Director", place, director)?;
            let is_member = members(&version.parts("directors")[index]).any(|member| member == backend);
            if is_member { Ok(Reply::new(render(place, director, backend))) } else { Err(absent()) }
        }
        Method::POST => {
            api.change(place.service, |snapshot| {
                let (_, mut version) = editable(snapshot, call, place)?;
                let index = find(&version, "directors", "Director", place, director)?;
                find(&version, "backends", "Backend", place, backend)?;
                if members(&version.parts("directors")[index]).any(|member| member == backend) {
                    return Err(Failure::duplicate("director_backend", &format!("{director}/{backend}")));
                }
                edit(&mut version, index, |members| members.push(backend.into()));
                Ok((vec![version.put()?], Reply::new(render(place, director, backend))))
            })
            .await
        }
        Method::DELETE => {
            api.change(place.service, |snapshot| {
                let (_, mut version) = editable(snapshot, call, place)?;
                let index = find(&version, "directors", "Director", place, director)?;
                if !members(&version.parts("directors")[index]).any(|member| member == backend) {
                    return Err(absent());
                }
                edit(&mut version, index, |members| members.retain(|member| member != backend));
                Ok((vec![version.put()?], Reply::done()))
            })
            .await
        }
        _ => Err(Failure::method_not_allowed()),
    }
}

fn members(director: &Value) -> impl Iterator<Item = &str> {
    director["backends"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn find(version: &Record<VersionMap>, list: &str, label: &str, place: Place<'_>, name: &str) -> Result<usize, Failure> {
    let number = place.number.to_string();
    let which = [("name", name), ("service", place.service), ("version", number.as_str())];
    let index = version.parts(list).iter().position(|part| part["name"] == name);
    index.ok_or_else(|| Failure::not_found(label, &which))
}

fn edit(version: &mut Record<VersionMap>, index: usize, change: impl FnOnce(&mut Vec<Value>)) {
    version.change("directors", |directors| {
        let Some(director) = directors.get_mut(index).and_then(Value::as_object_mut) else { return };
        let mut members = match director.remove("backends") {
            Some(Value::Array(members)) => members,
            _ => Vec::new(),
        };
        change(&mut members);
        director.insert("backends".to_owned(), members.into());
        director.insert("updated_at".to_owned(), now());
    });
    version.touch();
}

fn render(place: Place<'_>, director: &str, backend: &str) -> Map<String, Value> {
    let answer = json!({
        "service_id": place.service, "version": place.number, "director": director, "director_name": director,
        "backend": backend, "backend_name": backend, "created_at": null, "updated_at": null, "deleted_at": null,
    });
    answer.as_object().cloned().unwrap_or_default()
}
