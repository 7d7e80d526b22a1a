//! What a version has and proxies do not do: nothing is cached, compressed or logged, and no VCL is run.

use super::Context;
use super::conditions::Conditions;
use super::vcl::sets_backend;
use super::verdict::{Named, Verdict};
use crate::object::{ConditionType, Snippet, VersionSpec};

/// Says so of each object, and refuses conditions that are not there, and VCL that would route differently.
pub(super) fn check<'a>(
    version: &'a VersionSpec,
    context: &Context<'_>,
    conditions: &Conditions<'a>,
    verdict: &mut Verdict,
) {
    let has_main = version.vcls.iter().any(|vcl| vcl.main);
    for vcl in &version.vcls {
        program(Named("VCL", &vcl.name), &vcl.content, has_main, verdict);
    }
    for snippet in &version.snippets {
        program(Named("Snippet", &snippet.name), content(snippet, context), true, verdict);
    }
    for gzip in &version.gzips {
        let object = Named("Gzip", &gzip.name);
        conditions.find(object, gzip.cache_condition.as_deref(), ConditionType::Cache, verdict);
        verdict.warning(object, "is not applied: nothing is compressed");
    }
    for settings in &version.cache_settings {
        let object = Named("Cache settings", &settings.name);
        conditions.find(object, settings.cache_condition.as_deref(), ConditionType::Cache, verdict);
        verdict.warning(object, "are not applied: nothing is cached");
    }
    for endpoint in &version.logging {
        let object = Named("Logging", &endpoint.name);
        conditions.find(object, Some(&endpoint.response_condition), ConditionType::Response, verdict);
        verdict.warning(object, format!("is not applied: nothing is logged to {}", endpoint.kind));
    }
}

fn content<'a>(snippet: &'a Snippet, context: &Context<'a>) -> &'a str {
    let dynamic = context.dynamic_snippets.get(&snippet.id).filter(|_| snippet.dynamic);
    dynamic.map_or(snippet.content.as_str(), |snippet| snippet.content.as_str())
}

/// A piece of VCL. Where none is the main one, files of VCL are part of nothing.
fn program(object: Named<'_>, content: &str, in_use: bool, verdict: &mut Verdict) {
    match sets_backend(content).filter(|_| in_use) {
        Some(line) => verdict.error(
            object,
            format!(
                "sets req.backend on line {line}, and VCL is not run: requests would go elsewhere. Select backends by their \
                 request_condition, or by header objects with the destination backend"
            ),
        ),
        None => verdict.warning(object, "is stored and not run"),
    }
}
