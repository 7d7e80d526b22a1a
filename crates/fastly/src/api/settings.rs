//! What holds of a whole version.

use http::Method;
use serde_json::{Map, Value};

use super::failure::Failure;
use super::record::{self, Record, VersionMap};
use super::reply::Reply;
use super::request::Call;
use super::shared::Api;
use super::versions::{Place, editable};
use crate::object::{SETTINGS_FIELDS, settle_settings};

/// Answers for `…/settings`.
pub(crate) async fn handle(api: &Api, call: &Call, place: Place<'_>) -> Result<Reply, Failure> {
    match call.method {
        Method::GET => {
            let snapshot = api.snapshot().await?;
            record::service(&snapshot, &call.identity, place.service)?;
            let version = record::version(&snapshot, place.service, place.number)?;
            Ok(Reply::new(render(place, &version)))
        }
        Method::PUT => {
            api.change(place.service, |snapshot| {
                let (_, mut version) = editable(snapshot, call, place)?;
                let mut settings = stored(&version);
                for field in SETTINGS_FIELDS {
                    if let Some(value) = call.fields.get(field.name) {
                        field.set(&mut settings, value).map_err(|error| Failure::bad_request(error.to_string()))?;
                    }
                }
                let settings = settle_settings(settings).map_err(Failure::bad_request)?;
                version.spec.insert("settings".to_owned(), Value::Object(settings));
                version.touch();
                let answer = render(place, &version);
                Ok((vec![version.put()?], Reply::new(answer)))
            })
            .await
        }
        _ => Err(Failure::method_not_allowed()),
    }
}

fn stored(version: &Record<VersionMap>) -> Map<String, Value> {
    version.spec.get("settings").and_then(Value::as_object).cloned().unwrap_or_default()
}

fn render(place: Place<'_>, version: &Record<VersionMap>) -> Map<String, Value> {
    let mut answer = fields(version);
    answer.insert("service_id".to_owned(), place.service.into());
    answer.insert("version".to_owned(), place.number.into());
    answer
}

/// The settings of a version, as answers have them.
pub(crate) fn fields(version: &Record<VersionMap>) -> Map<String, Value> {
    let stored = stored(version);
    let mut answer = Map::new();
    for field in SETTINGS_FIELDS {
        field.write(&stored, &mut answer);
    }
    answer
}
