//! The component `router`, and what the service says of its own endpoints.

use crate::config::Service;
use crate::document::{Node, Value};
use crate::place::Path;
use crate::plan::Router;
use crate::problem::Report;

/// Where KrakenD tells of its health.
const HEALTH_PATH: &str = "/__health";

/// What the router does beside routing. An option of the wrong type makes KrakenD ignore the whole component, which is told where
/// the types of options are checked.
pub(super) fn router(service: &Service<'_>, report: &Report) -> Router {
    let mut router = Router {
        health_path: Some(HEALTH_PATH.to_owned()),
        debug_endpoint: service.debug_endpoint,
        echo_endpoint: service.echo_endpoint,
        ..Router::default()
    };
    let Some(extra) = service.extras.get("router") else { return router };
    let node = extra.node;
    let is = |name: &str| node.get(name).is_some_and(|entry| entry.node.is_true());
    let texts = |name: &str| -> Vec<String> {
        let members = node.get(name).map(|entry| entry.node.members()).unwrap_or_default();
        members.iter().filter_map(|member| member.text().map(str::to_owned)).collect()
    };
    router.return_error_msg = is("return_error_msg");
    router.auto_options = is("auto_options");
    router.hide_version_header = is("hide_version_header");
    router.disable_access_log = is("disable_access_log");
    router.logger_skip_paths = texts("logger_skip_paths");
    router.forwarded_by_client_ip = node.get("forwarded_by_client_ip").map(|entry| entry.node.is_true());
    router.remote_ip_headers = texts("remote_ip_headers").iter().map(|name| super::rules::canonical(name)).collect();
    router.trusted_proxies = texts("trusted_proxies");
    router.disable_handle_method_not_allowed = is("disable_handle_method_not_allowed");
    router.disable_path_decoding = is("disable_path_decoding");
    router.disable_redirect_fixed_path = is("disable_redirect_fixed_path");
    router.disable_redirect_trailing_slash = is("disable_redirect_trailing_slash");
    router.remove_extra_slash = is("remove_extra_slash");
    let health = node.get("health_path");
    if let Some(path) = health.and_then(|entry| entry.node.text()).filter(|path| !path.is_empty()) {
        router.health_path = Some(path.to_owned());
    }
    if let Some(entry) = health.filter(|entry| entry.node.text().is_some_and(|path| !path.starts_with('/'))) {
        let root = Path::ROOT.key("extra_config");
        let path = root.key(extra.key);
        report.refused(entry.place, &path.key("health_path"), "it must begin with a slash: KrakenD ends at start");
        router.health_path = None;
    }
    if is("disable_health") {
        router.health_path = None;
    }
    router.error_bodies = error_bodies(node);
    router
}

/// The bodies of 404 and 405, as JSON.
fn error_bodies(node: &Node) -> Vec<(u16, String)> {
    let bodies = node.get("error_body").map(|entry| entry.node.entries()).unwrap_or_default();
    let body = |status: u16| {
        let entry = bodies.iter().find(|entry| entry.key.parse() == Ok(status) && entry.node.value != Value::Null)?;
        Some((status, crate::write::go::compact(&entry.node)))
    };
    [404, 405].into_iter().filter_map(body).collect()
}
