//! Answers have the types that strict clients read them into. The crate `fastly-api` is not taken in for that, since it brings
//! an HTTP client and its TLS; these are its models' types: everything may be null or absent, a number is 32 bits and never
//! text, text is never a number, a boolean is nothing else.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, dead_code)]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use backstay_auth::Caller;
use backstay_fastly::api::{Options, router};
use backstay_store::{Memory, Store};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::ServiceExt as _;

macro_rules! model {
    ($name:ident { $($field:ident: $kind:ty),* $(,)? }) => {
        #[derive(Debug, Deserialize)]
        struct $name { $($field: Option<$kind>,)* }
    };
}

model!(BackendResponse {
    address: String,
    auto_loadbalance: bool,
    between_bytes_timeout: i32,
    client_cert: String,
    comment: String,
    connect_timeout: i32,
    first_byte_timeout: i32,
    fetch_timeout: i32,
    healthcheck: String,
    hostname: String,
    ipv4: String,
    ipv6: String,
    keepalive_time: i32,
    max_conn: i32,
    max_lifetime: i32,
    max_tls_version: String,
    min_tls_version: String,
    max_use: i32,
    name: String,
    override_host: String,
    port: i32,
    prefer_ipv6: bool,
    request_condition: String,
    share_key: String,
    shield: String,
    ssl_ca_cert: String,
    ssl_cert_hostname: String,
    ssl_check_cert: bool,
    ssl_ciphers: String,
    ssl_client_cert: String,
    ssl_client_key: String,
    ssl_hostname: String,
    ssl_sni_hostname: String,
    tcp_keepalive_enable: bool,
    tcp_keepalive_interval: i32,
    tcp_keepalive_probes: i32,
    tcp_keepalive_time: i32,
    use_ssl: bool,
    weight: i32,
    created_at: String,
    deleted_at: String,
    updated_at: String,
    service_id: String,
    version: i32,
    locked: bool,
});
model!(DomainResponse { comment: String, name: String, service_id: String, version: i32, created_at: String });
model!(HealthcheckResponse {
    check_interval: i32, comment: String, expected_response: i32, headers: Vec<String>, host: String,
    http_version: String, initial: i32, method: String, name: String, path: String, threshold: i32, timeout: i32,
    window: i32, service_id: String, version: i32,
});
model!(ConditionResponse {
    comment: String,
    name: String,
    priority: String,
    statement: String,
    service_id: String,
    version: String,
    r#type: String,
});
model!(Director {
    capacity: i32, comment: String, name: String, quorum: i32, shield: String, retries: i32, backends: Vec<String>,
    r#type: i32,
});
model!(DirectorBackend { backend_name: String, director: String, service_id: String, version: i32 });
model!(HeaderResponse {
    action: String,
    cache_condition: String,
    dst: String,
    name: String,
    regex: String,
    request_condition: String,
    response_condition: String,
    src: String,
    substitution: String,
    r#type: String,
    ignore_if_set: String,
    priority: String,
    service_id: String,
    version: String,
});
model!(RequestSettingsResponse {
    action: String,
    default_host: String,
    hash_keys: String,
    name: String,
    request_condition: String,
    xff: String,
    bypass_busy_wait: String,
    force_miss: String,
    force_ssl: String,
    geo_headers: String,
    max_stale_age: String,
    timer_support: String,
    service_id: String,
    version: String,
});
model!(ResponseObjectResponse {
    cache_condition: String,
    content: String,
    content_type: String,
    name: String,
    status: String,
    response: String,
    request_condition: String,
    service_id: String,
    version: String,
});
model!(GzipResponse {
    cache_condition: String,
    content_types: String,
    extensions: String,
    name: String,
    version: String,
});
model!(CacheSettingResponse {
    action: String,
    cache_condition: String,
    name: String,
    stale_ttl: String,
    ttl: String,
    version: String,
});
model!(AclResponse { name: String, id: String, service_id: String, version: String });
model!(AclEntryResponse {
    negated: i32,
    comment: String,
    ip: String,
    subnet: i32,
    acl_id: String,
    id: String,
    service_id: String,
});
model!(DictionaryResponse { name: String, write_only: bool, id: String, service_id: String, version: i32 });
model!(DictionaryItemResponse { item_key: String, item_value: String, dictionary_id: String, service_id: String });
model!(VclResponse { content: String, main: bool, name: String, service_id: String, version: i32 });
model!(SnippetResponse {
    name: String,
    dynamic: String,
    r#type: String,
    content: String,
    priority: String,
    id: String,
    service_id: String,
    version: String,
});
model!(SettingsResponse { service_id: String, version: i32 });
model!(VersionResponse {
    active: bool, comment: String, deployed: bool, locked: bool, number: i32, staging: bool, testing: bool,
    created_at: String, deleted_at: String, updated_at: String, service_id: String, environments: Vec<Value>,
});
model!(ServiceListResponse {
    comment: String, name: String, customer_id: String, r#type: String, id: String, version: i32,
    versions: Vec<VersionResponse>, created_at: String, updated_at: String, deleted_at: String,
});
model!(ServiceVersionDetail {
    active: bool, number: i32, backends: Vec<BackendResponse>, cache_settings: Vec<CacheSettingResponse>,
    conditions: Vec<ConditionResponse>, directors: Vec<Director>, domains: Vec<DomainResponse>, gzips: Vec<GzipResponse>,
    headers: Vec<HeaderResponse>, healthchecks: Vec<HealthcheckResponse>,
    request_settings: Vec<RequestSettingsResponse>, response_objects: Vec<ResponseObjectResponse>,
    snippets: Vec<SnippetResponse>, vcls: Vec<VclResponse>,
});
model!(ServiceDetail {
    id: String, name: String, publish_key: String, paused: bool, active_version: ServiceVersionDetail,
    version: ServiceVersionDetail, versions: Vec<VersionResponse>,
});
model!(TokenResponse { services: Vec<String>, name: String, scope: String, id: String, user_id: String, created_at: String, });

struct Api {
    router: Router,
}

impl Api {
    async fn send<T: DeserializeOwned>(&self, method: Method, path: &str, body: &str) -> (T, Value) {
        let request = Request::builder().method(method).uri(path).header("fastly-key", "t");
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(status, StatusCode::OK, "{path}: {value}");
        let typed = serde_json::from_slice(&bytes);
        (typed.unwrap_or_else(|error| panic!("{path}: {error}: {value:#}")), value)
    }

    /// Makes something, and reads it back, by itself and in its list.
    async fn make<T: DeserializeOwned>(&self, list: &str, body: &str) -> Value {
        let (_, made) = self.send::<T>(Method::POST, list, body).await;
        self.send::<Vec<T>>(Method::GET, list, "").await;
        made
    }
}

#[tokio::test]
async fn every_answer_has_the_types_of_the_strict_models() {
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let api = Api { router: router(store, Options::default()).layer(axum::Extension(Caller::anyone())) };
    let service = api.make::<ServiceListResponse>("/service", "name=strict").await;
    let service = format!("/service/{}", service["id"].as_str().unwrap());
    let version = format!("{service}/version/1");
    let at = |segment: &str| format!("{version}/{segment}");
    api.make::<DomainResponse>(&at("domain"), "name=strict.example").await;
    api.make::<HealthcheckResponse>(&at("healthcheck"), "name=hc&host=strict.example").await;
    api.make::<ConditionResponse>(&at("condition"), "name=c&type=REQUEST&statement=req.url&priority=5").await;
    api.make::<BackendResponse>(&at("backend"), "name=plain&address=10.0.0.1").await;
    let full = "name=full&address=a.example&port=443&weight=3&max_use=1&max_lifetime=2&fetch_timeout=3&keepalive_time=4\
                &tcp_keepalive_enable=true&tcp_keepalive_probes=5&auto_loadbalance=1&request_condition=c";
    api.make::<BackendResponse>(&at("backend"), full).await;
    api.make::<Director>(&at("director"), "name=d&type=3").await;
    api.send::<DirectorBackend>(Method::POST, &at("director/d/backend/plain"), "").await;
    api.make::<HeaderResponse>(&at("header"), "name=h&dst=http.X&src=%22x%22&ignore_if_set=1&priority=7").await;
    let settings = "name=r&force_ssl=1&max_stale_age=60&bypass_busy_wait=0";
    api.make::<RequestSettingsResponse>(&at("request_settings"), settings).await;
    api.make::<ResponseObjectResponse>(&at("response_object"), "name=o&status=404&request_condition=c").await;
    api.make::<GzipResponse>(&at("gzip"), "name=g").await;
    api.make::<CacheSettingResponse>(&at("cache_settings"), "name=c&ttl=60").await;
    api.make::<VclResponse>(&at("vcl"), "name=v&content=sub+x+{}").await;
    api.make::<SnippetResponse>(&at("snippet"), "name=s&type=recv&content=esi;").await;
    let acl = api.make::<AclResponse>(&at("acl"), "name=a").await;
    let acl = format!("{service}/acl/{}", acl["id"].as_str().unwrap());
    api.make::<AclEntryResponse>(&format!("{acl}/entry"), "ip=10.0.0.0&subnet=8").await;
    let dictionary = api.make::<DictionaryResponse>(&at("dictionary"), "name=d").await;
    let dictionary = format!("{service}/dictionary/{}", dictionary["id"].as_str().unwrap());
    api.make::<DictionaryItemResponse>(&format!("{dictionary}/item"), "item_key=k&item_value=v").await;
    api.send::<SettingsResponse>(Method::PUT, &at("settings"), "general.default_ttl=60").await;
    api.send::<VersionResponse>(Method::PUT, &at("activate"), "").await;
    api.send::<VersionResponse>(Method::PUT, &at("clone"), "").await;
    api.send::<Vec<VersionResponse>>(Method::GET, &format!("{service}/version"), "").await;
    api.send::<ServiceDetail>(Method::GET, &format!("{service}/details"), "").await;
    api.send::<TokenResponse>(Method::GET, "/tokens/self", "").await;
}
