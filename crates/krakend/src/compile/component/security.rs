//! `security/http`, as `github.com/unrolled/secure` takes the options.

use backstay_model::route::guards::Security;
use backstay_proto::config;
use backstay_proto::config::security_headers::SecurityField;

use crate::compile::written::Component;

/// Options that KrakenD does not read any more.
const IGNORED: [&str; 4] = ["sts_preload", "ssl_certificate", "ssl_private_key", "hpkp_public_key"];

/// What requests must be for and come by, and what every answer says.
pub(super) fn compile(component: Component<'_>) -> Option<config::SecurityHeaders> {
    let (report, path) = (component.report(), component.path());
    let place = |option: &str| component.option(option).map_or_else(|| component.place(), |entry| entry.place);
    for option in IGNORED.into_iter().filter(|option| component.option(option).is_some()) {
        report.dropped(place(option), &path.key(option), "KrakenD does not read it");
    }
    let development = component.is_true("is_development");
    if development {
        let message = "hosts, ssl_redirect and sts_seconds do not count where it is true";
        report.surprising(place("is_development"), &path.key("is_development"), message);
    }
    let policy = component.text("content_security_policy");
    if policy.is_some_and(|policy| policy.contains("$NONCE") || policy.contains("%[1]s")) {
        let message = "a nonce is not made: no backend would know it, so that no script could have it";
        report.not_served(place("content_security_policy"), &path.key("content_security_policy"), message);
        return None;
    }
    let proxies = component.option("ssl_proxy_headers").map(|entry| entry.node.entries()).unwrap_or_default();
    let proxies = proxies.iter().filter_map(|entry| Some((entry.key.clone(), entry.node.text()?.to_owned())));
    component.sound::<Security, _>(config::SecurityHeaders {
        allowed_hosts: if development { Vec::new() } else { component.texts("allowed_hosts") },
        allowed_hosts_are_regex: component.is_true("allowed_hosts_are_regex"),
        host_headers: component.texts("host_proxy_headers").into_iter().filter(|name| !name.is_empty()).collect(),
        ssl_redirect: component.is_true("ssl_redirect") && !development,
        ssl_temporary_redirect: false,
        ssl_host: component.text("ssl_host").unwrap_or_default().to_owned(),
        ssl_headers: proxies.collect(),
        response_headers: fields(&component, development),
    })
}

/// What every answer says.
fn fields(component: &Component<'_>, development: bool) -> Vec<SecurityField> {
    let mut fields = Vec::new();
    let mut add = |name: &str, value: &str, over_tls| {
        fields.push(SecurityField { name: name.to_owned(), value: value.to_owned(), over_tls });
    };
    let seconds = component.number("sts_seconds") as i64;
    if seconds != 0 && !development {
        let subdomains = if component.is_true("sts_include_subdomains") { "; includeSubDomains" } else { "" };
        let value = format!("max-age={seconds}{subdomains}");
        add("strict-transport-security", &value, !component.is_true("force_sts_header"));
    }
    match component.text("custom_frame_options_value") {
        Some(value) => add("x-frame-options", value, false),
        None if component.is_true("frame_deny") => add("x-frame-options", "DENY", false),
        None => {}
    }
    if component.is_true("content_type_nosniff") {
        add("x-content-type-options", "nosniff", false);
    }
    if component.is_true("browser_xss_filter") {
        add("x-xss-protection", "1; mode=block", false);
    }
    if let Some(value) = component.text("content_security_policy") {
        add("content-security-policy", value, false);
    }
    if let Some(value) = component.text("referrer_policy") {
        add("referrer-policy", value, false);
    }
    fields
}
