//! Endpoints: a rule each.

use backstay_proto::config;
use backstay_proto::config::compose::{Flow, MergeOrder};
use backstay_proto::config::composed_output::Encoding;
use backstay_proto::config::fixed_data::When;
use backstay_proto::config::path_match::Kind as PathKind;
use backstay_proto::config::path_template::Element;
use backstay_proto::config::rule::Action;

use super::call::{calls, operations, reference};
use super::hosts::duration;
use super::own::Manners;
use super::{Scope, admission, component};
use crate::document::Node;
use crate::plan::{Endpoint, HeaderRule, Order, Output, QueryRule, RoutePath, StaticResponse, Strategy};
use crate::write;

/// The rule of an endpoint.
pub(super) fn rule(endpoint: &Endpoint, precedence: u64, manners: &Manners<'_>, scope: &Scope<'_>) -> config::Rule {
    let components = component::of_endpoint(endpoint, scope);
    // KrakenD cannot build an endpoint whose backends are all shadows: its route answers so.
    let has_answer = endpoint.backends.iter().any(|backend| backend.shadow.is_none());
    let action = match has_answer {
        true => Action::Compose(config::Compose {
            signing: components.signing,
            body_schema: components.body_schema.into(),
            expressions: components.expressions,
            ..compose(endpoint, manners, scope)
        }),
        false => Action::Respond(config::Respond { status: 500, ..Default::default() }),
    };
    config::Rule {
        name: name(endpoint),
        matches: vec![config::Match {
            precedence,
            path: Some(template(&endpoint.path, scope.plan.router.disable_path_decoding)),
            method: endpoint.method.as_str().to_owned(),
            ..Default::default()
        }],
        action: Some(action),
        guards: Some(components.guards).filter(|guards| *guards != config::Guards::default()),
        ..Default::default()
    }
}

/// What an endpoint is called: its method and its path.
pub(super) fn name(endpoint: &Endpoint) -> String {
    format!("{} {}", endpoint.method.as_str(), endpoint.path.pattern)
}

/// A path with variables.
pub(super) fn template(path: &RoutePath, takes_encoded_values: bool) -> config::PathMatch {
    let elements = path.segments.iter().map(|segment| Element {
        literal: segment.literal.clone(),
        variable: segment.variable.clone().unwrap_or_default(),
    });
    let template = config::PathTemplate { elements: elements.collect(), refuse_encoded_values: !takes_encoded_values };
    config::PathMatch { kind: Some(PathKind::Template(template)) }
}

fn compose(endpoint: &Endpoint, manners: &Manners<'_>, scope: &Scope<'_>) -> config::Compose {
    let regular = endpoint.backends.iter().filter(|backend| backend.shadow.is_none()).count();
    let (flow, propagated) = match &endpoint.order {
        Order::Parallel => (Flow::Parallel, Vec::new()),
        Order::Sequential { propagated } => {
            (Flow::Sequential, propagated.iter().filter_map(|name| propagation(name, regular)).collect())
        }
    };
    config::Compose {
        calls: calls(endpoint, scope),
        flow: flow.into(),
        propagated,
        merge_order: if endpoint.own.merges_by_arrival { MergeOrder::Arrival } else { MergeOrder::Listed }.into(),
        timeout: Some(duration(endpoint.timeout)),
        operations: endpoint.flatmap.as_ref().filter(|_| regular > 1).map(operations).unwrap_or_default(),
        fixed: endpoint.static_response.as_ref().map(fixed),
        headers: Some(match &endpoint.headers {
            HeaderRule::ContentType => admission::headers(&["Content-Type".to_owned()]),
            HeaderRule::All => admission::all(),
            HeaderRule::Only(names) => admission::headers(names),
        }),
        query: Some(match &endpoint.query {
            QueryRule::All => admission::all(),
            QueryRule::Only(names) => admission::listed(names.clone()),
        }),
        product: manners.product.user_agent.clone(),
        output: Some(config::ComposedOutput {
            encoding: encoding(endpoint.output).into(),
            headers: vec![manners.version()],
            completed_header: super::own::COMPLETED.to_owned(),
            cache: (!endpoint.cache_ttl.is_zero()).then(|| duration(endpoint.cache_ttl)),
            error_messages: scope.plan.router.return_error_msg,
        }),
        debug_header: endpoint.own.debug_header.clone().unwrap_or_default(),
        ..Default::default()
    }
}

/// `resp0_user.id`, or `resp0` for a whole body.
fn propagation(name: &str, regular: usize) -> Option<config::Reference> {
    let (call, field) = name.strip_prefix("resp")?.split_once('_').unwrap_or((name.strip_prefix("resp")?, ""));
    reference(call.parse().ok()?, field, regular)
}

fn encoding(output: Output) -> Encoding {
    match output {
        Output::Json => Encoding::Json,
        Output::JsonCollection => Encoding::JsonList,
        Output::Xml => Encoding::Xml,
        Output::Yaml => Encoding::Yaml,
        Output::Negotiate => Encoding::Negotiated,
        Output::Text => Encoding::Text,
        Output::NoOp => Encoding::Opaque,
    }
}

fn fixed(response: &StaticResponse) -> config::FixedData {
    let node = Node { place: crate::place::Place::START, value: response.data.clone() };
    let when = match response.strategy {
        Strategy::Always => When::Always,
        Strategy::Success => When::Success,
        Strategy::Errored => When::Errored,
        Strategy::Complete => When::Complete,
        Strategy::Incomplete => When::Incomplete,
    };
    config::FixedData { json: write::go::compact(&node).into_bytes().into(), when: when.into() }
}
