//! The table. What becomes of a namespace is changed here and nowhere else.

use super::State::{NotServed, Noted, Planned, Refused, Served};
use super::enterprise::ENTERPRISE;
use super::{Effect, Level, Namespace, NamespaceOption, State, options};

const SERVICE: &[Level] = &[Level::Service];
const ENDPOINT: &[Level] = &[Level::Endpoint];
const BACKEND: &[Level] = &[Level::Backend];
const AGENT: &[Level] = &[Level::Agent];
const SERVICE_ENDPOINT: &[Level] = &[Level::Service, Level::Endpoint];
const ENDPOINT_BACKEND: &[Level] = &[Level::Endpoint, Level::Backend];
const EVERYWHERE: &[Level] = &[Level::Service, Level::Endpoint, Level::Backend];

const CHANGES: State = NotServed(Effect::Changes);

const NO_PLUGINS: &str = "plugins are Go code that only KrakenD itself loads: let the backend do what it does, or keep KrakenD in \
     front of those endpoints";
const NO_QUEUES: &str =
    "messages of a queue are no HTTP: let a consumer of yours call the backend, or keep a KrakenD that does only this";
const LOGS: &str =
    "backstay proxy --access-log writes a line for each request, and RUST_LOG chooses what else is logged";
const METRICS: &str =
    "the proxy counts requests, endpoints and latencies; its admin endpoint has them at /metrics for Prometheus";
const TRACES: &str =
    "of the metrics, those of the proxy at /metrics of its admin endpoint take the place; no traces are exported";

/// A namespace with the parts that most have.
const fn row(
    name: &'static str,
    legacy: &'static [&'static str],
    levels: &'static [Level],
    state: State,
    options: &'static [NamespaceOption],
) -> Namespace {
    Namespace { name, legacy, former: &[], levels, state, options }
}

const fn formerly(namespace: Namespace, former: &'static [&'static str]) -> Namespace {
    Namespace { former, ..namespace }
}

/// Every namespace that is known.
pub const NAMESPACES: &[Namespace] = &join(COMMUNITY, ENTERPRISE);

/// How many there are.
const COUNT: usize = COMMUNITY.len() + ENTERPRISE.len();

const fn join(one: &[Namespace], other: &[Namespace]) -> [Namespace; COUNT] {
    let mut all = [one[0]; COUNT];
    let mut index = 0;
    while index < COUNT {
        all[index] = if index < one.len() { one[index] } else { other[index - one.len()] };
        index += 1;
    }
    all
}

const COMMUNITY: &[Namespace] = &[
    row("proxy", &["github.com/devopsfaith/krakend/proxy"], ENDPOINT_BACKEND, Planned, options::PROXY),
    row("backend/http", &["github.com/devopsfaith/krakend/http"], BACKEND, Planned, options::HTTP),
    row("router", &["github_com/luraproject/lura/router/gin"], SERVICE, Planned, options::ROUTER),
    // Not of KrakenD, which ignores it.
    row("backstay", &[], EVERYWHERE, Planned, &[]),
    row("backend/http/client", &[], BACKEND, Served(Effect::Changes), options::HTTP_CLIENT),
    row("security/cors", &["github_com/devopsfaith/krakend-cors"], SERVICE, Served(Effect::Changes), options::CORS),
    row(
        "auth/validator",
        &["github.com/devopsfaith/krakend-jose/validator"],
        ENDPOINT,
        Served(Effect::Guards),
        options::VALIDATOR,
    ),
    row(
        "auth/signer",
        &["github.com/devopsfaith/krakend-jose/signer"],
        ENDPOINT,
        Served(Effect::Changes),
        options::SIGNER,
    ),
    row("auth/revoker", &["github_com/devopsfaith/bloomfilter"], SERVICE, Served(Effect::Guards), options::REVOKER),
    row(
        "auth/client-credentials",
        &["github.com/devopsfaith/krakend-oauth2-clientcredentials"],
        BACKEND,
        Served(Effect::Changes),
        options::CREDENTIALS,
    ),
    formerly(
        row("qos/ratelimit/router", &[], ENDPOINT, Served(Effect::Guards), options::RATE_ROUTER),
        &["github.com/devopsfaith/krakend-ratelimit/juju/router"],
    ),
    formerly(
        row("qos/ratelimit/proxy", &[], BACKEND, Served(Effect::Guards), options::RATE_PROXY),
        &["github.com/devopsfaith/krakend-ratelimit/juju/proxy"],
    ),
    row(
        "qos/circuit-breaker",
        &["github.com/devopsfaith/krakend-circuitbreaker/gobreaker"],
        BACKEND,
        Served(Effect::Changes),
        options::BREAKER,
    ),
    row(
        "qos/http-cache",
        &["github.com/devopsfaith/krakend-httpcache"],
        BACKEND,
        Served(Effect::Changes),
        options::CACHE,
    ),
    row(
        "security/http",
        &["github_com/devopsfaith/krakend-httpsecure"],
        SERVICE,
        Served(Effect::Guards),
        options::SECURITY,
    ),
    row(
        "security/bot-detector",
        &["github_com/devopsfaith/krakend-botdetector"],
        SERVICE_ENDPOINT,
        Served(Effect::Guards),
        options::BOTS,
    ),
    row("modifier/martian", &["github.com/devopsfaith/krakend-martian"], BACKEND, Served(Effect::Changes), &[]),
    row("modifier/lua-endpoint", &["github.com/devopsfaith/krakend-lua/router"], SERVICE_ENDPOINT, CHANGES, &[]),
    row("modifier/lua-proxy", &["github.com/devopsfaith/krakend-lua/proxy"], ENDPOINT, CHANGES, &[]),
    row("modifier/lua-backend", &["github.com/devopsfaith/krakend-lua/proxy/backend"], BACKEND, CHANGES, &[]),
    row("validation/cel", &["github.com/devopsfaith/krakend-cel"], ENDPOINT_BACKEND, Served(Effect::Guards), &[]),
    row(
        "validation/json-schema",
        &["github.com/devopsfaith/krakend-jsonschema"],
        ENDPOINT,
        Served(Effect::Guards),
        &[],
    ),
    row(
        "plugin/http-server",
        &["github_com/devopsfaith/krakend/transport/http/server/handler"],
        SERVICE,
        Refused(NO_PLUGINS),
        &[],
    ),
    row(
        "plugin/http-client",
        &["github.com/devopsfaith/krakend/transport/http/client/executor"],
        BACKEND,
        Refused(NO_PLUGINS),
        &[],
    ),
    row(
        "plugin/req-resp-modifier",
        &["github.com/devopsfaith/krakend/proxy/plugin"],
        ENDPOINT_BACKEND,
        Refused(NO_PLUGINS),
        &[],
    ),
    row("plugin/middleware", &[], ENDPOINT_BACKEND, Refused(NO_PLUGINS), &[]),
    row(
        "backend/graphql",
        &["github.com/devopsfaith/krakend/transport/http/client/graphql"],
        BACKEND,
        Refused(
            "queries are not made of REST requests here: let clients send GraphQL to the service as it is, through a no-op endpoint",
        ),
        &[],
    ),
    row(
        "backend/lambda",
        &["github.com/devopsfaith/krakend-lambda"],
        BACKEND,
        Refused("functions are not invoked through the API of AWS: give the function a URL and make that the host"),
        &[],
    ),
    row("backend/amqp/consumer", &["github.com/devopsfaith/krakend-amqp/consume"], BACKEND, Refused(NO_QUEUES), &[]),
    row("backend/amqp/producer", &["github.com/devopsfaith/krakend-amqp/produce"], BACKEND, Refused(NO_QUEUES), &[]),
    row(
        "backend/pubsub/publisher",
        &["github.com/devopsfaith/krakend-pubsub/publisher"],
        BACKEND,
        Refused(NO_QUEUES),
        &[],
    ),
    row(
        "backend/pubsub/subscriber",
        &["github.com/devopsfaith/krakend-pubsub/subscriber"],
        BACKEND,
        Refused(NO_QUEUES),
        &[],
    ),
    row("backend/pubsub/publisher/kafka", &[], BACKEND, Refused(NO_QUEUES), &[]),
    row("backend/pubsub/subscriber/kafka", &[], BACKEND, Refused(NO_QUEUES), &[]),
    row("async/amqp", &["github.com/devopsfaith/krakend-amqp/agent"], AGENT, Refused(NO_QUEUES), &[]),
    row("async/kafka", &[], AGENT, Refused(NO_QUEUES), &[]),
    row(
        "telemetry/logging",
        &["github_com/devopsfaith/krakend-gologging"],
        &[Level::Service, Level::Backend],
        Noted(LOGS),
        &[],
    ),
    row("telemetry/gelf", &["github_com/devopsfaith/krakend-gelf"], SERVICE, Noted(LOGS), &[]),
    row("telemetry/logstash", &["github_com/devopsfaith/krakend-logstash"], SERVICE, Noted(LOGS), &[]),
    row("telemetry/metrics", &["github_com/devopsfaith/krakend-metrics"], SERVICE, Noted(METRICS), &[]),
    row(
        "telemetry/influx",
        &["github_com/letgoapp/krakend-influx", "github_com/devopsfaith/krakend-influx"],
        SERVICE,
        Noted(METRICS),
        &[],
    ),
    row("telemetry/influx2", &["github_com/Jozefiel/krakend-influx2"], SERVICE, Noted(METRICS), &[]),
    row("telemetry/opencensus", &["github_com/devopsfaith/krakend-opencensus"], SERVICE, Noted(TRACES), &[]),
    row("telemetry/opentelemetry", &[], &[Level::Service, Level::Endpoint, Level::Backend], Noted(TRACES), &[]),
];
