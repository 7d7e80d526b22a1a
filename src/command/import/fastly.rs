//! A service of Fastly's, made again over the same API.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use http::Method;
use serde_json::{Map, Value, json};

use crate::client::{Client, Error, JSON, escape};
use crate::output::{self, Paint};

/// The lists of a version, with their paths: what others refer to comes first.
const LISTS: &[(&str, &str)] = &[
    ("conditions", "condition"),
    ("healthchecks", "healthcheck"),
    ("backends", "backend"),
    ("domains", "domain"),
    ("directors", "director"),
    ("acls", "acl"),
    ("dictionaries", "dictionary"),
    ("request_settings", "request_settings"),
    ("headers", "header"),
    ("response_objects", "response_object"),
    ("gzips", "gzip"),
    ("cache_settings", "cache_settings"),
    ("vcls", "vcl"),
    ("snippets", "snippet"),
];
/// What a version has besides, and is no part that could be missed.
const KNOWN: &[&str] = &[
    "number",
    "active",
    "locked",
    "deployed",
    "staging",
    "testing",
    "comment",
    "created_at",
    "updated_at",
    "deleted_at",
    "service_id",
    "environments",
    "settings",
];

/// What is not in the file.
#[derive(Debug)]
pub(super) struct Wanted {
    /// Name of the new service, if not its own.
    pub(super) name: Option<String>,
    /// Gateway that is to serve it, if not the control plane's.
    pub(super) gateway: Option<String>,
    /// Whether the version is activated where nothing was refused.
    pub(super) activate: bool,
}

/// An import.
pub(super) struct Import {
    client: Client,
    details: Value,
    version: Map<String, Value>,
    /// What was not made, and why.
    refused: Vec<String>,
    /// What was made and will not do what it did.
    notes: Vec<String>,
    made: usize,
}

impl Import {
    /// Of a service as it was told. Finds the version that counts.
    pub(super) fn new(client: Client, details: Value) -> Result<Self> {
        let versions = ["active_version", "version"].map(|name| details.get(name).and_then(Value::as_object));
        let Some(version) = versions.into_iter().flatten().next().cloned() else {
            bail!("it is not what GET /service/ID/details answers: neither active_version nor version is there");
        };
        Ok(Self { client, details, version, refused: Vec::new(), notes: Vec::new(), made: 0 })
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> Result<Value, Error> {
        self.client.call(method, path, JSON, Some((JSON, body))).await
    }

    /// Makes the service.
    pub(super) async fn run(mut self, wanted: Wanted) -> Result<ExitCode> {
        let Wanted { name, gateway, activate } = wanted;
        let name = name.or_else(|| self.details["name"].as_str().map(str::to_owned)).unwrap_or_default();
        let mut service = json!({"name": name, "type": self.details["type"], "comment": self.details["comment"]});
        if let Some(gateway) = gateway {
            service["gateway"] = gateway.into();
        }
        let made = self.call(Method::POST, "/service", &service).await.context("cannot make the service")?;
        let id = made["id"].as_str().unwrap_or_default().to_owned();
        let version = format!("/service/{id}/version/1");
        for (list, segment) in LISTS {
            let parts = self.version.get(*list).and_then(Value::as_array).cloned().unwrap_or_default();
            for part in parts {
                self.part(&version, segment, part).await?;
            }
        }
        self.rest(&version).await?;
        output::line(format_args!("service {id} ({name}), version 1: {} parts", self.made))?;
        let verdict = self.client.get(&format!("{version}/validate"), JSON).await?;
        let told = |field: &str| verdict[field].as_array().into_iter().flatten().filter_map(Value::as_str);
        let errors: Vec<String> = told("errors").map(str::to_owned).collect();
        self.notes.extend(told("warnings").map(str::to_owned));
        self.tell("not imported", &self.refused)?;
        self.tell("must be put right before it can be activated", &errors)?;
        self.tell("differs from Fastly", &self.notes)?;
        let is_sound = self.refused.is_empty() && errors.is_empty();
        if activate && is_sound {
            self.call(Method::PUT, &format!("{version}/activate"), &json!({})).await?;
            output::line("version 1 is active")?;
        } else if is_sound {
            output::line(format_args!(
                "activate it with: fastly service version activate --service-id {id} --version 1"
            ))?;
        }
        Ok(if is_sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn tell(&self, heading: &str, lines: &[String]) -> Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        output::line(Paint::stdout().bold(&format!("{heading}:")))?;
        for line in lines {
            output::line(format_args!("  {line}"))?;
        }
        Ok(())
    }

    /// Makes one part. What the control plane refuses is remembered; that it cannot be reached ends the import.
    async fn part(&mut self, version: &str, segment: &str, part: Value) -> Result<()> {
        let name = part["name"].as_str().unwrap_or_default().to_owned();
        match self.call(Method::POST, &format!("{version}/{segment}"), &part).await {
            Ok(_) => self.made += 1,
            Err(Error::Refused(status)) => {
                self.refused.push(format!("{segment} '{name}': {status}"));
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        match segment {
            "director" => self.members(version, &name, &part).await?,
            "acl" => self.notes.push(format!("acl '{name}': its entries are not in the file; add them with acl-entry")),
            "dictionary" => {
                self.notes.push(format!(
                    "dictionary '{name}': its items are not in the file; add them with dictionary-entry"
                ));
            }
            "snippet" if part["dynamic"] == "1" || part["dynamic"] == 1 => {
                self.notes.push(format!("snippet '{name}': what it says is not in the file, since it is dynamic"));
            }
            _ => {}
        }
        Ok(())
    }

    async fn members(&mut self, version: &str, director: &str, part: &Value) -> Result<()> {
        for member in part["backends"].as_array().into_iter().flatten() {
            // The API tells names; some clients that write such files tell the backends themselves.
            let member = member.as_str().or_else(|| member["name"].as_str()).unwrap_or_default();
            let path = format!("{version}/director/{}/backend/{}", escape(director), escape(member));
            match self.call(Method::POST, &path, &json!({})).await {
                Ok(_) => {}
                Err(Error::Refused(status)) => {
                    self.refused.push(format!("backend '{member}' of director '{director}': {status}"));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// What is in no list, and what there is no counterpart of.
    async fn rest(&mut self, version: &str) -> Result<()> {
        if let Some(settings) = self.version.get("settings").filter(|settings| settings.is_object()).cloned() {
            match self.call(Method::PUT, &format!("{version}/settings"), &settings).await {
                Ok(_) => {}
                Err(Error::Refused(status)) => self.refused.push(format!("settings: {status}")),
                Err(error) => return Err(error.into()),
            }
        }
        let comment = self.version.get("comment").and_then(Value::as_str).unwrap_or_default();
        if !comment.is_empty() {
            self.call(Method::PUT, version, &json!({"comment": comment})).await?;
        }
        let is_empty = |value: &Value| match value {
            Value::Null => true,
            Value::Array(list) => list.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            _ => false,
        };
        let others = self.version.iter().filter(|(name, value)| {
            !KNOWN.contains(&name.as_str()) && !LISTS.iter().any(|(list, _)| list == name) && !is_empty(value)
        });
        let others: Vec<String> = others.map(|(name, _)| format!("{name}: there is no counterpart")).collect();
        self.notes.extend(others);
        Ok(())
    }
}
