//! `security/cors`, as `github.com/rs/cors` takes the options.

use backstay_model::route::guards::Cors;
use backstay_proto::config;

use crate::compile::written::Component;
use crate::duration;

/// Methods that pages may use where none is listed.
const METHODS: [&str; 3] = ["GET", "POST", "HEAD"];

/// Who may read answers.
pub(super) fn compile(component: Component<'_>) -> Option<config::Cors> {
    let headers = component.texts("allow_headers");
    let max_age = component.text("max_age").and_then(|text| duration::parse(text).ok()).map(|age| age.as_secs());
    let max_age = max_age.filter(|seconds| *seconds > 0).and_then(|seconds| i64::try_from(seconds).ok());
    if component.is_true("debug") {
        component.note("debug", "nothing more is logged: the answers themselves tell what is allowed");
    }
    let message = config::Cors {
        origins: origins(&component),
        methods: methods(&component),
        headers: if headers.is_empty() { vec!["*".to_owned()] } else { headers },
        exposed_headers: component.texts("expose_headers").iter().map(|name| canonical(name)).collect(),
        max_age: max_age.map(|seconds| prost_types::Duration { seconds, nanos: 0 }),
        credentials: component.is_true("allow_credentials"),
        private_network: component.is_true("allow_private_network"),
        pass_preflights: component.is_true("options_passthrough"),
        // What is out of its range is refused by the model.
        preflight_status: component.number("options_success_status") as u32,
        literal_wildcard: true,
        names_all: false,
    };
    component.sound::<Cors, _>(message)
}

/// Origins, which are all where none is listed.
fn origins(component: &Component<'_>) -> Vec<String> {
    let written = component.texts("allow_origins");
    if written.is_empty() {
        return vec!["*".to_owned()];
    }
    let mut origins = Vec::new();
    for origin in written {
        if let Some(why) = matches_nothing(&origin) {
            dropped(component, "allow_origins", &origin, why);
        } else {
            origins.push(origin);
        }
    }
    origins
}

/// Why an origin is that of no page.
fn matches_nothing(origin: &str) -> Option<&'static str> {
    let host = origin.split_once("://").map_or(origin, |(_, host)| host);
    if origin.is_empty() || !origin.bytes().all(|byte| byte.is_ascii_graphic()) {
        Some("browsers send visible characters")
    } else if origin.matches('*').count() > 1 {
        Some("only the first * stands for any text, and the second for itself, which no origin has")
    } else if host.contains('/') {
        Some("an origin has no path and no / at its end")
    } else {
        None
    }
}

/// Methods that pages may use.
fn methods(component: &Component<'_>) -> Vec<String> {
    let written = component.texts("allow_methods");
    if written.is_empty() {
        return METHODS.map(str::to_owned).to_vec();
    }
    let mut methods = Vec::new();
    for method in written {
        // What is not a name of a method is left out as well: nobody can send it.
        let known =
            !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if known {
            methods.push(method);
        } else {
            dropped(component, "allow_methods", &method, "it is compared as it is, and no request has such a method");
        }
    }
    if methods.is_empty() {
        // Always allowed, so that nothing is.
        methods.push("OPTIONS".to_owned());
    }
    methods
}

fn dropped(component: &Component<'_>, option: &str, value: &str, why: &str) {
    let place = component.option(option).map_or_else(|| component.place(), |entry| entry.place);
    let message = format!("{} allows nothing: {why}", crate::quote::quoted(value));
    component.report().dropped(place, &component.path().key(option), message);
}

/// The name of a header as Go writes it: each word with a capital letter, unless it has what no name has.
fn canonical(name: &str) -> String {
    let mut upper = true;
    let mut made = String::with_capacity(name.len());
    for letter in name.chars() {
        made.push(if upper { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() });
        upper = letter == '-';
    }
    made
}
