//! Whether a version can be served: the one place where the API asks what compiles versions.

use serde_json::Value;

use super::record::Record;
use super::shared::Api;
use crate::compile::{Context, check};
use crate::object::{ServiceSpec, VersionSpec};

/// What is wrong with a version, and what of it is not done as it says, as answers have it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Findings {
    pub(crate) errors: Vec<String>,
    pub(crate) warnings: Vec<String>,
}

impl Findings {
    /// Of a version of a service.
    pub(crate) fn of(api: &Api, service: &Record<ServiceSpec>, version: &VersionSpec) -> Self {
        let context = Context {
            kind: service.spec.kind,
            dynamic_snippets: &service.spec.dynamic_snippets,
            drained: &service.spec.drained_backends,
            backend_header: &api.options.backend_header,
        };
        let verdict = check(version, &context);
        let mut warnings: Vec<String> = verdict.warnings.iter().map(ToString::to_string).collect();
        if service.spec.gateway.is_none() && api.options.default_gateway.is_none() {
            let why = "the service names no Gateway, and the control plane was started without --fastly-gateway";
            warnings.push(format!("Nothing is served: {why}"));
        }
        Self { errors: verdict.errors.iter().map(ToString::to_string).collect(), warnings }
    }

    /// The errors in one text. None when there are none.
    pub(crate) fn refusal(&self) -> Option<String> {
        (!self.errors.is_empty()).then(|| self.errors.join("\n"))
    }

    /// The warnings in one text; null when there are none.
    pub(crate) fn message(&self) -> Value {
        if self.warnings.is_empty() {
            return Value::Null;
        }
        let lines: Vec<String> = self.warnings.iter().map(|warning| format!("Warning: {warning}")).collect();
        lines.join("\n").into()
    }
}
