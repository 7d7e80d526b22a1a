//! Namespaces of KrakenD's Enterprise edition, which the Community edition ignores. Whoever writes one may well run that edition,
//! so what guards is not passed over.

use super::State::{Enterprise, Noted, Refused};
use super::{Effect, Level, Namespace, State};

const ANYWHERE: &[Level] = &[Level::Service, Level::Endpoint, Level::Backend, Level::Agent];
const GUARDS: State = Enterprise(Effect::Guards);
const CHANGES: State = Enterprise(Effect::Changes);
const DOCUMENTS: State = Noted("it documents the service and changes no traffic");
const METRICS: State = Noted("the proxy's metrics are at /metrics of its admin endpoint; nothing is sent to others");

const fn row(name: &'static str, state: State) -> Namespace {
    Namespace { name, legacy: &[], former: &[], levels: ANYWHERE, state, options: &[] }
}

pub(super) const ENTERPRISE: &[Namespace] = &[
    row("auth/api-keys", GUARDS),
    row("auth/basic", GUARDS),
    row("auth/aws-sigv4", CHANGES),
    row("auth/gcp", CHANGES),
    row("auth/ntlm", CHANGES),
    row("ai/llm", CHANGES),
    row("ai/mcp", CHANGES),
    row("backend/conditional", CHANGES),
    row("backend/soap", CHANGES),
    row("backend/static-filesystem", CHANGES),
    row("governance/processors", GUARDS),
    row("governance/quota", GUARDS),
    row("modifier/body-generator", CHANGES),
    row("modifier/jmespath", CHANGES),
    row("modifier/request-body-extractor", CHANGES),
    row("modifier/request-body-extractor/early", CHANGES),
    row("modifier/request-body-generator", CHANGES),
    row("modifier/response-body", CHANGES),
    row("modifier/response-body-generator", CHANGES),
    row("modifier/response-headers", CHANGES),
    row("qos/circuit-breaker/http", CHANGES),
    row("qos/ratelimit/router/redis", GUARDS),
    row("qos/ratelimit/service", GUARDS),
    row("qos/ratelimit/service/redis", GUARDS),
    row("qos/ratelimit/tiered", GUARDS),
    row("redis", CHANGES),
    row("security/policies", GUARDS),
    row("server/static-filesystem", CHANGES),
    row("server/virtualhost", CHANGES),
    row("validation/response-json-schema", GUARDS),
    row("workflow", CHANGES),
    row("websocket", CHANGES),
    row(
        "backend/grpc",
        Refused("calls are not made of REST requests here: route gRPC to the service as it is, with an HTTPRoute"),
    ),
    row(
        "grpc",
        Refused("calls are not made of REST requests here: route gRPC to the service as it is, with an HTTPRoute"),
    ),
    row("documentation/openapi", DOCUMENTS),
    row("documentation/postman", DOCUMENTS),
    row("telemetry/ganalytics", METRICS),
    row("telemetry/instana", METRICS),
    row("telemetry/moesif", METRICS),
    row("telemetry/newrelic", METRICS),
    row("telemetry/opentelemetry-security", METRICS),
];
