//! `auth/client-credentials`: tokens that calls of a backend carry.

use std::collections::BTreeMap;

use backstay_proto::config;
use backstay_proto::config::client_credentials::EndpointParameter;

use super::option::Unreadable;
use crate::compile::written::Component;
use crate::document::Value;

/// The token of a backend's calls.
pub(super) fn compile(component: Component<'_>) -> Option<config::ClientCredentials> {
    credentials(component).ok()
}

fn credentials(component: Component<'_>) -> Result<config::ClientCredentials, Unreadable> {
    let (Some(url), Some(entry)) = (component.text_of("token_url")?, component.any_case("token_url")) else {
        let message = "token_url is missing: every call fails in KrakenD, since nobody gives it a token";
        component.report().not_served(component.place(), &component.path(), message);
        return Err(Unreadable);
    };
    let path = component.path();
    let remote = component.scope.remote(url, entry.place, &path.key(&entry.key)).ok_or(Unreadable)?;
    let scopes = component.text_of("scopes")?.unwrap_or_default();
    Ok(config::ClientCredentials {
        client_id: component.text_of("client_id")?.unwrap_or_default().to_owned(),
        client_secret: component.text_of("client_secret")?.unwrap_or_default().to_owned(),
        token_endpoint: Some(remote.target),
        token_path: remote.path,
        // Commas in the file are blanks on the wire (RFC 6749, 3.3).
        scopes: scopes.split(',').collect::<Vec<_>>().join(" "),
        parameters: parameters(component)?,
    })
}

/// Further parameters of the request for a token: lists of texts by name.
fn parameters(component: Component<'_>) -> Result<BTreeMap<String, EndpointParameter>, Unreadable> {
    let Some(entry) = component.any_case("endpoint_params") else { return Ok(BTreeMap::new()) };
    let values = |value: &Value| match value {
        Value::List(members) => members.iter().map(|member| member.text().map(str::to_owned)).collect(),
        _ => None,
    };
    let read: Option<_> = match &entry.node.value {
        Value::Map(entries) => entries
            .iter()
            .map(|entry| Some((entry.key.clone(), EndpointParameter { values: values(&entry.node.value)? })))
            .collect(),
        _ => None,
    };
    read.ok_or_else(|| {
        let message = "an object of lists of texts is wanted here: KrakenD cannot read the component with this";
        component.report().not_served(entry.place, &component.path().key(&entry.key), message);
        Unreadable
    })
}
