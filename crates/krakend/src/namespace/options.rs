//! The options of components, and the types that they must have to count.

use super::NamespaceOption;
use crate::document::{Node, Value};

/// What a value must be to count. Components ignore what is something else, or all that is beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// Anything: it is checked elsewhere, or by nobody.
    Any,
    /// Text.
    Text,
    /// A number.
    Number,
    /// `true` or `false`.
    Truth,
    /// A list.
    List,
    /// A list of texts.
    Texts,
    /// An object.
    Object,
    /// Text that is a duration.
    Span,
    /// One of these words.
    Word(&'static [&'static str]),
}

impl Shape {
    /// What is wrong with `node`.
    pub(crate) fn fault(self, node: &Node) -> Option<String> {
        let wanted = match (self, &node.value) {
            (Self::Any, _)
            | (Self::Text | Self::Span, Value::Text(_))
            | (Self::Number, Value::Number(_))
            | (Self::Truth, Value::Bool(_))
            | (Self::List, Value::List(_))
            | (Self::Object, Value::Map(_)) => return None,
            (Self::Texts, Value::List(members)) if members.iter().all(|member| member.text().is_some()) => return None,
            (Self::Word(words), Value::Text(text)) if words.contains(&text.as_str()) => return None,
            (Self::Text, _) => "text".to_owned(),
            (Self::Span, _) => "text such as 10s".to_owned(),
            (Self::Number, _) => "a number".to_owned(),
            (Self::Truth, _) => "true or false".to_owned(),
            (Self::List, _) => "a list".to_owned(),
            (Self::Texts, Value::List(_)) => "a list of nothing but texts".to_owned(),
            (Self::Texts, _) => "a list of texts".to_owned(),
            (Self::Object, _) => "an object".to_owned(),
            (Self::Word(words), _) => format!("one of {}", words.join(", ")),
        };
        Some(format!("{wanted} is wanted here, and this is {}", node.kind()))
    }
}

const fn option(name: &'static str, shape: Shape) -> NamespaceOption {
    NamespaceOption { name, shape }
}

use Shape::{Any, List, Number, Object, Span, Text, Texts, Truth, Word};

/// The strategies of `proxy.static`.
pub(crate) const STRATEGIES: &[&str] = &["always", "success", "errored", "complete", "incomplete"];
/// What signs tokens.
const ALGORITHMS: &[&str] = &[
    "EdDSA", "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512",
];

pub(super) const PROXY: &[NamespaceOption] = &[
    option("sequential", Truth),
    option("sequential_propagated_params", Texts),
    option("static", Object),
    option("flatmap_filter", List),
    option("combiner", Text),
    option("strategy", Word(&["sequential", "parallel"])),
    option("force_sandboxed_request", Truth),
    option("shadow", Truth),
    option("shadow_timeout", Span),
];
pub(super) const HTTP: &[NamespaceOption] = &[option("return_error_code", Truth), option("return_error_details", Text)];
pub(super) const HTTP_CLIENT: &[NamespaceOption] = &[
    option("client_tls", Object),
    option("no_redirect", Truth),
    option("proxy_address", Text),
    option("send_body_on_redirect", Truth),
];
pub(super) const ROUTER: &[NamespaceOption] = &[
    option("return_error_msg", Truth),
    option("auto_options", Truth),
    option("hide_version_header", Truth),
    option("disable_access_log", Truth),
    option("logger_skip_paths", Texts),
    option("forwarded_by_client_ip", Truth),
    option("remote_ip_headers", Texts),
    option("trusted_proxies", Texts),
    option("disable_gzip", Truth),
    option("disable_health", Truth),
    option("health_path", Text),
    option("disable_handle_method_not_allowed", Truth),
    option("disable_path_decoding", Truth),
    option("disable_redirect_fixed_path", Truth),
    option("disable_redirect_trailing_slash", Truth),
    option("error_body", Object),
    option("app_engine", Truth),
    option("max_multipart_memory", Number),
    option("remove_extra_slash", Truth),
    option("use_h2c", Truth),
];
pub(super) const CORS: &[NamespaceOption] = &[
    option("allow_origins", Texts),
    option("allow_methods", Texts),
    option("allow_headers", Texts),
    option("expose_headers", Texts),
    option("max_age", Any),
    option("allow_credentials", Truth),
    option("allow_private_network", Truth),
    option("options_passthrough", Truth),
    option("options_success_status", Number),
    option("debug", Truth),
];
pub(super) const VALIDATOR: &[NamespaceOption] = &[
    option("alg", Word(ALGORITHMS)),
    option("audience", Texts),
    option("auth_header_name", Text),
    option("cache", Truth),
    option("cache_duration", Number),
    option("cipher_suites", List),
    option("cookie_key", Text),
    option("disable_jwk_security", Truth),
    option("failed_jwk_key_cooldown", Text),
    option("issuer", Text),
    option("jwk_fingerprints", Texts),
    option("jwk_local_ca", Text),
    option("jwk_local_path", Text),
    option("jwk_url", Text),
    option("key_identify_strategy", Word(&["kid", "x5t", "kid_x5t"])),
    option("leeway", Text),
    option("operation_debug", Truth),
    option("propagate_claims", List),
    option("roles", Texts),
    option("roles_key", Text),
    option("roles_key_is_nested", Truth),
    option("scopes", Texts),
    option("scopes_key", Text),
    option("scopes_matcher", Word(&["any", "all"])),
    option("secret_url", Text),
    option("cypher_key", Text),
    // At the service alone.
    option("shared_cache_duration", Number),
];
pub(super) const SIGNER: &[NamespaceOption] = &[
    option("alg", Word(ALGORITHMS)),
    option("cipher_suites", List),
    option("cypher_key", Text),
    option("disable_jwk_security", Truth),
    option("full", Truth),
    option("jwk_fingerprints", Texts),
    option("jwk_local_ca", Text),
    option("jwk_local_path", Text),
    option("jwk_url", Text),
    option("keys_to_sign", Texts),
    option("kid", Text),
    option("leeway", Text),
    option("secret_url", Text),
];
pub(super) const REVOKER: &[NamespaceOption] = &[
    option("N", Number),
    option("P", Number),
    option("TTL", Number),
    option("hash_name", Word(&["optimal", "default"])),
    option("port", Number),
    option("token_keys", Texts),
];
pub(super) const RATE_ROUTER: &[NamespaceOption] = &[
    option("max_rate", Number),
    option("capacity", Number),
    option("client_max_rate", Number),
    option("client_capacity", Number),
    option("strategy", Word(&["ip", "header", "param"])),
    option("key", Text),
    option("every", Span),
    option("cleanup_period", Span),
    option("cleanup_threads", Number),
    option("num_shards", Number),
];
pub(super) const RATE_PROXY: &[NamespaceOption] =
    &[option("max_rate", Number), option("capacity", Number), option("every", Span)];
pub(super) const BREAKER: &[NamespaceOption] = &[
    option("interval", Number),
    option("timeout", Number),
    option("max_errors", Number),
    option("name", Text),
    option("log_status_change", Truth),
];
pub(super) const CACHE: &[NamespaceOption] =
    &[option("shared", Truth), option("max_size", Number), option("max_items", Number)];
pub(super) const SECURITY: &[NamespaceOption] = &[
    option("allowed_hosts", Texts),
    option("allowed_hosts_are_regex", Truth),
    option("host_proxy_headers", Texts),
    option("ssl_redirect", Truth),
    option("ssl_host", Text),
    option("ssl_certificate", Any),
    option("ssl_private_key", Any),
    option("ssl_proxy_headers", Object),
    option("sts_seconds", Number),
    option("sts_include_subdomains", Truth),
    option("sts_preload", Truth),
    option("force_sts_header", Truth),
    option("frame_deny", Truth),
    option("custom_frame_options_value", Text),
    option("content_type_nosniff", Truth),
    option("browser_xss_filter", Truth),
    option("content_security_policy", Text),
    option("referrer_policy", Text),
    option("hpkp_public_key", Text),
    option("is_development", Truth),
];
pub(super) const BOTS: &[NamespaceOption] = &[
    option("allow", Texts),
    option("deny", Texts),
    option("patterns", Texts),
    option("cache_size", Number),
    option("empty_user_agent_is_bot", Truth),
];
pub(super) const CREDENTIALS: &[NamespaceOption] = &[
    option("client_id", Text),
    option("client_secret", Text),
    option("token_url", Text),
    option("scopes", Text),
    option("endpoint_params", Object),
];
