//! Endpoints as krakend.json has them, as plans: as far as the cases need it.

use std::num::NonZeroU8;
use std::time::Duration;

use backstay_composition::*;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use serde_json::Value;

use crate::case::{Case, text};

pub(crate) const TIMEOUT: Duration = Duration::from_millis(600);

fn list(value: &Value) -> Option<Vec<&str>> {
    value.as_array().map(|values| values.iter().map(text).collect())
}

fn names(list: &[&str]) -> Vec<HeaderName> {
    list.iter().filter_map(|name| name.parse().ok()).collect()
}

fn method(backend: &Value, endpoint: &Value) -> Method {
    let of = |value: &Value| value["method"].as_str().map(str::to_uppercase);
    let method = of(backend).or_else(|| of(endpoint)).unwrap_or_else(|| "GET".to_owned());
    method.parse().expect("a method")
}

fn decoder(backend: &Value, passed: bool) -> Decoder {
    let collection = if backend["is_collection"] == true { Collection::Yes } else { Collection::No };
    match text(&backend["encoding"]) {
        _ if passed => Decoder::Opaque,
        "no-op" => Decoder::Opaque,
        "safejson" => Decoder::SafeJson,
        "xml" => Decoder::Xml(collection),
        "rss" => Decoder::Feed,
        "string" => Decoder::Text,
        _ => Decoder::Json(collection),
    }
}

fn operations(config: &Value) -> Option<Operations> {
    let operations = config["proxy"]["flatmap_filter"].as_array()?;
    let operation = |operation: &Value| {
        let paths: Vec<_> = list(&operation["args"])?.into_iter().map(Path::new).collect();
        match (text(&operation["type"]), paths.as_slice()) {
            ("move", [from, to]) => Some(Operation::Move(from.clone(), to.clone())),
            ("append", [from, to]) => Some(Operation::Append(from.clone(), to.clone())),
            ("del", paths) => Some(Operation::Delete(paths.to_vec())),
            _ => None,
        }
    };
    Operations::new(operations.iter().filter_map(operation).collect()).ok()
}

fn pipeline(backend: &Value) -> Pipeline {
    let selection = match (list(&backend["allow"]), list(&backend["deny"])) {
        (Some(allow), _) if !allow.is_empty() => Selection::Allow(Allow::new(allow)),
        (_, Some(deny)) => Selection::Deny(Deny::new(deny)),
        _ => Selection::All,
    };
    let mapping = backend["mapping"]
        .as_object()
        .map(|names| Mapping::new(names.iter().map(|(old, new)| (old.as_str(), text(new)))));
    let change = match operations(&backend["extra_config"]) {
        Some(operations) => Change::Operate(operations),
        None => Change::Select(selection, mapping.unwrap_or_default()),
    };
    Pipeline::default()
        .with_target(text(&backend["target"]), ArrayTargets::Empty)
        .with_change(change)
        .with_group(text(&backend["group"]))
}

fn failure(backend: &Value) -> FailureRule {
    let http = &backend["extra_config"]["backend/http"];
    match &http["return_error_details"] {
        Value::String(name) if !name.is_empty() => FailureRule::Details(name.clone()),
        Value::Null if http["return_error_code"] == true => FailureRule::Status,
        _ => FailureRule::Plain,
    }
}

fn call(backend: &Value, endpoint: &Value, passed: bool) -> CallPlan {
    let shadow = backend["extra_config"]["proxy"]["shadow"] == true;
    let headers = list(&backend["input_headers"]).filter(|list| !list.is_empty());
    let query = list(&backend["input_query_strings"]).filter(|list| !list.is_empty());
    CallPlan {
        headers: headers.map_or(Admission::All, |list| Admission::Listed(names(&list))),
        query: query.map_or(Admission::All, |list| Admission::Listed(list.into_iter().map(str::to_owned).collect())),
        decoder: decoder(backend, passed),
        pipeline: pipeline(backend),
        failure: failure(backend),
        copies: NonZeroU8::MIN,
        role: if shadow { Role::Shadow { timeout: TIMEOUT } } else { Role::Regular },
        ..CallPlan::new(method(backend, endpoint), Pattern::parse(text(&backend["url_pattern"])))
    }
}

fn encoder(endpoint: &Value, backends: &[Value]) -> Encoder {
    let known = |name: &str| {
        Some(match name {
            "json" => Encoder::Json,
            "json-collection" => Encoder::JsonCollection,
            "xml" => Encoder::Xml,
            "yaml" => Encoder::Yaml,
            "negotiate" => Encoder::Negotiate,
            "string" => Encoder::Text,
            "no-op" => Encoder::Opaque,
            _ => return None,
        })
    };
    let name = endpoint["output_encoding"].as_str().unwrap_or("json");
    known(name)
        .or_else(|| backends.first().filter(|_| backends.len() == 1).and_then(|only| known(text(&only["encoding"]))))
        .unwrap_or_default()
}

fn rules(endpoint: &Value) -> RequestRules {
    let admitted = list(&endpoint["input_headers"]).filter(|list| !list.is_empty());
    let headers = match admitted {
        None => Admission::Listed(vec![CONTENT_TYPE]),
        Some(list) if list.contains(&"*") => Admission::All,
        Some(list) => Admission::Listed(names(&list)),
    };
    let query = match list(&endpoint["input_query_strings"]).unwrap_or_default() {
        list if list.contains(&"*") => Admission::All,
        list => Admission::Listed(list.into_iter().map(str::to_owned).collect()),
    };
    RequestRules { headers, query, product: HeaderValue::from_static("KrakenD Version undefined") }
}

pub(crate) fn plan(case: &Case) -> Plan {
    let endpoint = &case.endpoint;
    let backends = endpoint["backend"].as_array().expect("backends").clone();
    let proxy = &endpoint["extra_config"]["proxy"];
    let encoder = encoder(endpoint, &backends);
    let passed = text(&endpoint["output_encoding"]) == "no-op";
    let calls: Vec<_> = backends.iter().map(|backend| call(backend, endpoint, passed)).collect();
    let propagated = list(&proxy["sequential_propagated_params"]).unwrap_or_default();
    let flow = if proxy["sequential"] == true {
        Flow::Sequential { propagated: propagated.into_iter().filter_map(Reference::parse).collect() }
    } else {
        Flow::Parallel
    };
    let fixed = proxy["static"].as_object().map(|fixed| {
        let strategy = match text(&fixed["strategy"]) {
            "success" => Strategy::Success,
            "errored" => Strategy::Errored,
            "complete" => Strategy::Complete,
            "incomplete" => Strategy::Incomplete,
            _ => Strategy::Always,
        };
        Fixed::new(strategy, fixed["data"].to_string().into()).expect("data is an object")
    });
    let cache = text(&endpoint["cache_ttl"]);
    let cache = match (cache.strip_suffix("ms"), cache.strip_suffix('s')) {
        (Some(milliseconds), _) => Duration::from_millis(milliseconds.parse().expect("a number")),
        (None, Some(seconds)) => Duration::from_secs(seconds.parse().expect("a number")),
        (None, None) => Duration::ZERO,
    };
    let regular = calls.iter().filter(|call| call.role == Role::Regular).count();
    Plan::new(Settings {
        operations: operations(&endpoint["extra_config"]).filter(|_| regular > 1),
        calls,
        flow,
        order: MergeOrder::Listed,
        timeout: TIMEOUT,
        fixed,
        request: rules(endpoint),
        output: Output {
            encoder,
            headers: HeaderMap::from_iter([(
                HeaderName::from_static("x-krakend"),
                HeaderValue::from_static("Version undefined"),
            )]),
            completed: Some(HeaderName::from_static("x-krakend-completed")),
            cache,
            errors: if case.messages { ErrorBody::Message } else { ErrorBody::Empty },
        },
        limits: Limits::default(),
    })
    .expect("the plan is fine")
}
