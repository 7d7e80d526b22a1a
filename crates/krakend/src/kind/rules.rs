//! What is wrong with an object, and what its owner may not mean.

use std::collections::BTreeSet;

use backstay_destination::hostname;
use backstay_resources::field::Reason;
use backstay_resources::{FieldError, FieldPath, Object, name};

use super::{KrakendConfig, KrakendConfigSpec};
use crate::check::{Checked, examine};
use crate::compile::Input;
use crate::problem::{Problem, Severity};

/// How many problems of a configuration an answer tells.
const MOST_TOLD: usize = 50;

/// Finds everything wrong with an object of the right shape.
pub(super) fn validate(object: &Object, _: Option<&Object>) -> Vec<FieldError> {
    let spec = match object.typed::<KrakendConfig>() {
        Ok(config) => config.spec,
        Err(error) => return vec![invalid(FieldPath::new("spec"), &error.to_string())],
    };
    let path = FieldPath::new("spec");
    let mut errors = Vec::new();
    match (&spec.config, &spec.text) {
        (None, None) => errors.push(FieldError::required(path.child("config"), "one of config and text")),
        (Some(_), Some(_)) => errors.push(FieldError::forbidden(path.child("text"), "there is config already")),
        _ => {}
    }
    if spec.format.is_some() && spec.text.is_none() {
        errors.push(FieldError::forbidden(path.child("format"), "it is of text, and there is none"));
    }
    errors.extend(places(&spec, &path));
    errors.extend(files(&spec, &path));
    if errors.is_empty() {
        errors.extend(configuration(&spec));
    }
    errors
}

/// What is wrong with where it is served.
fn places(spec: &KrakendConfigSpec, path: &FieldPath) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if let Some(gateway) = &spec.gateway_ref {
        let path = path.child("gatewayRef");
        if gateway.name.is_empty() {
            errors.push(FieldError::required(path.child("name"), ""));
        }
        let groups = ["gateway.networking.k8s.io", "gateway.apoxy.dev"];
        if let Some(group) = gateway.group.as_deref().filter(|group| !group.is_empty() && !groups.contains(group)) {
            errors.push(FieldError::not_supported(path.child("group"), group, &groups));
        }
        if spec.fleet.is_some() {
            errors.push(FieldError::forbidden(FieldPath::new("spec.fleet"), "the Gateway says which fleet serves it"));
        }
    }
    if let Some(fleet) = &spec.fleet {
        let faults = name::subdomain(fleet).into_iter();
        errors.extend(faults.map(|fault| FieldError::invalid(path.child("fleet"), fleet, &fault)));
    }
    for (index, host) in spec.hostnames.iter().enumerate() {
        if !hostname::is_pattern(&hostname::canonical(host)) {
            let detail = "must be a host name, or *. and one";
            errors.push(FieldError::invalid(path.child("hostnames").index(index), host, detail));
        }
    }
    if spec.revoked_tokens.len() > MOST_REVOKED {
        let detail = format!("must have at most {MOST_REVOKED} items");
        errors.push(invalid(path.child("revokedTokens"), &detail));
    }
    for (index, entry) in spec.revoked_tokens.iter().enumerate().take(MOST_REVOKED) {
        if !entry.split_once('-').is_some_and(|(name, value)| !name.is_empty() && !value.is_empty()) {
            let detail = "must be a claim's name, a dash and its value, such as jti-3f5b";
            errors.push(FieldError::invalid(path.child("revokedTokens").index(index), entry, detail));
        }
    }
    if let Some(product) = &spec.product {
        for (field, text) in [("version", &product.version), ("userAgent", &product.user_agent)] {
            let is_sound = |text: &String| !text.is_empty() && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
            if let Some(text) = text.as_ref().filter(|text| !is_sound(text)) {
                let path = path.child("product").child(field);
                errors.push(FieldError::invalid(path, text, "must be printable ASCII, as a header has it"));
            }
        }
    }
    errors
}

/// Most tokens that one configuration revokes.
const MOST_REVOKED: usize = 100_000;

/// What is wrong with the files that come with it.
fn files(spec: &KrakendConfigSpec, path: &FieldPath) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut paths = BTreeSet::new();
    for (index, file) in spec.files.iter().enumerate() {
        let path = path.child("files").index(index);
        if file.path.is_empty() {
            errors.push(FieldError::required(path.child("path"), ""));
        } else if !paths.insert(&file.path) {
            errors.push(FieldError::duplicate(path.child("path"), &file.path));
        }
        match (&file.content, &file.secret_ref) {
            (None, None) => errors.push(FieldError::required(path.child("content"), "one of content and secretRef")),
            (Some(_), Some(_)) => {
                errors.push(FieldError::forbidden(path.child("secretRef"), "there is content already"));
            }
            (None, Some(secret)) => {
                let path = path.child("secretRef");
                let missing = [("name", &secret.name), ("key", &secret.key)].into_iter().filter(|it| it.1.is_empty());
                errors.extend(missing.map(|(field, _)| FieldError::required(path.child(field), "")));
            }
            (Some(_), None) => {}
        }
    }
    errors
}

/// What is wrong with the configuration itself. Which of its files are there, is seen when it is compiled: Secrets come and go.
fn configuration(spec: &KrakendConfigSpec) -> Vec<FieldError> {
    let Some(checked) = checked(spec) else { return Vec::new() };
    let problems = checked.problems.iter().filter(|problem| problem.severity == Severity::Error);
    let mut errors: Vec<_> = problems.map(|problem| invalid(field(spec, problem), &told(spec, problem))).collect();
    if errors.len() > MOST_TOLD {
        let more = errors.split_off(MOST_TOLD).len();
        errors.push(invalid(FieldPath::new("spec"), &format!("and {more} more")));
    }
    errors
}

/// What its owner may not mean.
pub(super) fn warn(object: &Object) -> Vec<String> {
    let Ok(KrakendConfig { spec, .. }) = object.typed::<KrakendConfig>() else { return Vec::new() };
    let Some(checked) = checked(&spec) else { return Vec::new() };
    let problems = checked.problems.iter().filter(|problem| problem.severity == Severity::Warning);
    let mut warnings: Vec<String> =
        problems.map(|problem| format!("{}: {}", field(&spec, problem), told(&spec, problem))).collect();
    if warnings.len() > MOST_TOLD {
        let more = warnings.split_off(MOST_TOLD).len();
        warnings.push(format!("and {more} more"));
    }
    warnings
}

fn checked(spec: &KrakendConfigSpec) -> Option<Checked> {
    let (text, format) = spec.source()?;
    let input = Input { product: spec.product(), ..Input::default() };
    Some(examine(&text, format, spec.options(), &input).0)
}

/// The field of the object that has a problem.
fn field(spec: &KrakendConfigSpec, problem: &Problem) -> FieldPath {
    let root = if spec.text.is_some() { "spec.text" } else { "spec.config" };
    match problem.path.as_str() {
        path if path.is_empty() || spec.text.is_some() => FieldPath::new(root),
        path => FieldPath::new(&format!("{root}.{path}")),
    }
}

/// A problem in words: of a text, with its place there.
fn told(spec: &KrakendConfigSpec, problem: &Problem) -> String {
    let Problem { place, path, message, .. } = problem;
    match (spec.has_places(), path.as_str()) {
        (false, _) => message.clone(),
        (true, "") => format!("{place}: {message}"),
        (true, path) => format!("{place}: {path}: {message}"),
    }
}

fn invalid(path: FieldPath, message: &str) -> FieldError {
    FieldError { path, reason: Reason::Invalid, message: format!("Invalid value: {message}") }
}
