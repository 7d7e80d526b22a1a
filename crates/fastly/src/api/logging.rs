//! Log endpoints: each kind has its own path, and all are stored as they were sent. Nothing is logged there.

use http::Method;
use serde_json::{Map, Value};

use super::failure::Failure;
use super::form::Fields;
use super::part::{condition_type, name_of, stamp};
use super::record::{self, Record, VersionMap, now};
use super::reply::Reply;
use super::request::Call;
use super::shared::Api;
use super::versions::{Place, editable};
use crate::object::shape::Encoding;

/// The kinds there are.
const KINDS: &[&str] = &[
    "azureblob",
    "bigquery",
    "cloudfiles",
    "datadog",
    "digitalocean",
    "elasticsearch",
    "ftp",
    "gcs",
    "googleanalytics",
    "grafanacloudlogs",
    "heroku",
    "honeycomb",
    "https",
    "kafka",
    "kinesis",
    "logentries",
    "loggly",
    "logshuttle",
    "newrelic",
    "newrelicotlp",
    "openstack",
    "papertrail",
    "pubsub",
    "s3",
    "scalyr",
    "sftp",
    "splunk",
    "sumologic",
    "syslog",
    "gcp",
];
/// Fields that answers write as numbers, whatever was sent.
const NUMBERS: &[&str] = &["port", "file_max_bytes", "request_max_entries", "request_max_bytes"];
/// What answers say of fields that were not sent.
const DEFAULTS: &[(&str, &str)] =
    &[("format", "%h %l %u %t \"%r\" %>s %b"), ("format_version", "2"), ("log_processing_region", "none")];
/// What is no field of an endpoint, though clients that copy one send it.
const IGNORED: &[&str] =
    &["name", "response_condition", "service_id", "version", "created_at", "updated_at", "deleted_at", "id"];
/// Most fields of an endpoint.
const MAX_FIELDS: usize = 100;
/// The longest value of a field, in bytes.
const MAX_VALUE: usize = 256 * 1024;

/// Answers for `…/logging/KIND` and `…/logging/KIND/NAME`.
pub(crate) async fn handle(
    api: &Api,
    call: &Call,
    place: Place<'_>,
    kind: &str,
    name: Option<&str>,
) -> Result<Reply, Failure> {
    match (&call.method, name) {
        (&Method::GET, None) => {
            let snapshot = api.snapshot().await?;
            record::service(&snapshot, &call.identity, place.service)?;
            let version = record::version(&snapshot, place.service, place.number)?;
            let endpoints = version.parts("logging").iter().filter(|endpoint| endpoint["kind"] == kind);
            Ok(Reply::new(endpoints.map(|endpoint| render(place, endpoint)).collect::<Vec<_>>()))
        }
        (&Method::GET, Some(name)) => {
            let snapshot = api.snapshot().await?;
            record::service(&snapshot, &call.identity, place.service)?;
            let version = record::version(&snapshot, place.service, place.number)?;
            let index = find(&version, kind, name).ok_or_else(|| absent(place, kind, name))?;
            Ok(Reply::new(render(place, &version.parts("logging")[index])))
        }
        (&Method::POST, None) => create(api, call, place, kind).await,
        (&Method::PUT, Some(name)) => update(api, call, place, kind, name).await,
        (&Method::DELETE, Some(name)) => {
            api.change(place.service, |snapshot| {
                let (_, mut version) = editable(snapshot, call, place)?;
                let index = find(&version, kind, name).ok_or_else(|| absent(place, kind, name))?;
                version.change("logging", |endpoints| endpoints.remove(index));
                version.touch();
                Ok((vec![version.put()?], Reply::done()))
            })
            .await
        }
        _ => Err(Failure::method_not_allowed()),
    }
}

async fn create(api: &Api, call: &Call, place: Place<'_>, kind: &str) -> Result<Reply, Failure> {
    if !KINDS.contains(&kind) {
        return Err(Failure::bad_request(format!(
            "'{kind}' is no kind of log endpoint: there are {}",
            KINDS.join(", ")
        )));
    }
    api.change(place.service, |snapshot| {
        let (_, mut version) = editable(snapshot, call, place)?;
        let at = now();
        let mut endpoint = Map::from_iter([
            ("kind".to_owned(), kind.into()),
            ("name".to_owned(), "".into()),
            ("response_condition".to_owned(), "".into()),
            ("created_at".to_owned(), at.clone()),
        ]);
        fill(&mut endpoint, &call.fields, &version)?;
        endpoint.insert("updated_at".to_owned(), at);
        let name = name_of(&endpoint);
        if name.is_empty() {
            return Err(Failure::bad_request("Name can't be blank"));
        }
        if find(&version, kind, &name).is_some() {
            return Err(Failure::duplicate(&format!("logging_{kind}"), &name));
        }
        if version.parts("logging").len() >= api.options.max_parts {
            let most = api.options.max_parts;
            return Err(Failure::bad_request(format!("A version has at most {most} log endpoints")));
        }
        let endpoint = Value::Object(endpoint);
        let answer = render(place, &endpoint);
        version.change("logging", |endpoints| endpoints.push(endpoint));
        version.touch();
        Ok((vec![version.put()?], Reply::new(answer)))
    })
    .await
}

async fn update(api: &Api, call: &Call, place: Place<'_>, kind: &str, name: &str) -> Result<Reply, Failure> {
    api.change(place.service, |snapshot| {
        let (_, mut version) = editable(snapshot, call, place)?;
        let index = find(&version, kind, name).ok_or_else(|| absent(place, kind, name))?;
        let mut endpoint = version.parts("logging")[index].as_object().cloned().unwrap_or_default();
        fill(&mut endpoint, &call.fields, &version)?;
        endpoint.insert("updated_at".to_owned(), now());
        let after = name_of(&endpoint);
        if find(&version, kind, &after).is_some_and(|taken| taken != index) {
            return Err(Failure::duplicate(&format!("logging_{kind}"), &after));
        }
        let endpoint = Value::Object(endpoint);
        let answer = render(place, &endpoint);
        version.change("logging", |endpoints| endpoints[index] = endpoint);
        version.touch();
        Ok((vec![version.put()?], Reply::new(answer)))
    })
    .await
}

/// Takes what the client sent.
fn fill(endpoint: &mut Map<String, Value>, sent: &Fields, version: &Record<VersionMap>) -> Result<(), Failure> {
    if let Some(name) = sent.filled("name") {
        if name.len() > 255 {
            return Err(Failure::bad_request("Name is longer than 255 bytes"));
        }
        endpoint.insert("name".to_owned(), name.into());
    }
    // Unlike elsewhere, an empty name is refused here.
    if let Some(condition) = sent.text("response_condition") {
        match condition_type(version, condition) {
            Some("RESPONSE") => endpoint.insert("response_condition".to_owned(), condition.into()),
            Some(_) => {
                return Err(Failure::bad_request(format!("Condition '{condition}' is not a response condition")));
            }
            None => return Err(Failure::bad_request(format!("No condition named '{condition}'"))),
        };
    }
    let mut fields = match endpoint.remove("fields") {
        Some(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    for (name, value) in sent.iter().filter(|(name, _)| !IGNORED.contains(&name.as_str())) {
        let text = match value {
            Value::Null => {
                fields.remove(name);
                continue;
            }
            Value::String(text) => text.clone(),
            Value::Bool(boolean) => if *boolean { "1" } else { "0" }.to_owned(),
            other => other.to_string(),
        };
        if text.len() > MAX_VALUE || name.len() > 255 {
            return Err(Failure::bad_request(format!("'{name}' is longer than {MAX_VALUE} bytes")));
        }
        fields.insert(name.clone(), text.into());
    }
    if fields.len() > MAX_FIELDS {
        return Err(Failure::bad_request(format!("A log endpoint has at most {MAX_FIELDS} fields")));
    }
    endpoint.insert("fields".to_owned(), Value::Object(fields));
    Ok(())
}

fn find(version: &Record<VersionMap>, kind: &str, name: &str) -> Option<usize> {
    version.parts("logging").iter().position(|endpoint| endpoint["kind"] == kind && endpoint["name"] == name)
}

fn absent(place: Place<'_>, kind: &str, name: &str) -> Failure {
    let number = place.number.to_string();
    let which = [("name", name), ("service", place.service), ("version", number.as_str())];
    Failure::not_found(&format!("logging_{kind}"), &which)
}

/// An endpoint as answers have it.
pub(crate) fn render(place: Place<'_>, endpoint: &Value) -> Value {
    let mut out = Map::new();
    let empty = Map::new();
    let stored = endpoint.as_object().unwrap_or(&empty);
    for name in ["name", "response_condition"] {
        out.insert(name.to_owned(), stored.get(name).cloned().unwrap_or_default());
    }
    out.insert("placement".to_owned(), Value::Null);
    for (name, value) in DEFAULTS {
        out.insert((*name).to_owned(), (*value).into());
    }
    let fields = stored.get("fields").and_then(Value::as_object).into_iter().flatten();
    for (name, value) in fields {
        let number = value.as_str().filter(|_| NUMBERS.contains(&name.as_str())).and_then(|text| text.parse().ok());
        let value = number.map_or_else(|| value.clone(), |number: i64| number.into());
        out.insert(name.clone(), value);
    }
    stamp(place.service, place.number, Encoding::Text, stored, &mut out);
    Value::Object(out)
}
