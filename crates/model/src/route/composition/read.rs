//! Compositions, from the wire format.

mod call;
mod credentials;
mod document;
mod output;
mod signing;

use std::sync::Arc;
use std::time::Duration;

use backstay_composition::{Admission, Fixed, Flow, Limits, MergeOrder, Plan, RequestRules, Settings, Strategy};
use backstay_json_schema::{Schema, Value};
use backstay_proto::config::{self, admission, compose, fixed_data};
use bytes::Bytes;
use http::{HeaderName, HeaderValue};

use super::Composition;
use crate::fault::{Checked, Together, Within, all, refuse, unknown};
use crate::route::expressions::expressions;
use crate::route::filter::header_name;
use crate::scalar::positive;

/// Bytes of a client's body that are kept where nothing else is said.
const REQUEST_BYTES: usize = 8 << 20;

/// A composition, checked.
pub(in crate::route) fn composition(message: &config::Compose) -> Checked<Composition> {
    let calls = message.calls.iter().enumerate();
    let calls: Checked<Vec<_>> = all(calls.map(|(index, one)| call::call(one).within_element("calls", index)));
    let names = unique_names(&message.calls);
    let fixed = message.fixed.as_ref().map(|fixed| self::fixed(fixed).within("fixed")).transpose();
    let debug_header = match message.debug_header.as_str() {
        "" => Ok(None),
        name => header_name(name).map(Some).within("debug_header"),
    };
    let (calls, flow, order, timeout, operations, fixed, ()) = (
        calls,
        flow(message),
        order(message.merge_order),
        positive("timeout", message.timeout).and_then(|timeout| match timeout {
            Some(timeout) => Ok(timeout),
            None => refuse("timeout", "must be set"),
        }),
        document::operations("operations", &message.operations),
        fixed,
        names,
    )
        .together()?;
    let (request, output, limits, debug_header) = (
        rules(message),
        output::output(message.output.as_ref()).within("output"),
        limits(message.limits.as_ref()).within("limits"),
        debug_header,
    )
        .together()?;
    let (limits, request_bytes) = limits;
    let (plans, sites): (Vec<_>, Vec<_>) = calls.into_iter().unzip();
    let settings = Settings { calls: plans, flow, order, timeout, operations, fixed, request, output, limits };
    let mut plan = Plan::new(settings).or_else(|error| refuse("", error.to_string()))?;
    if let Some(message) = &message.signing {
        let signing = signing::signing(message).within("signing")?;
        plan = plan.with_signing(signing).or_else(|error| refuse("", error.to_string()))?;
    }
    let (body, expressions) =
        (body(&message.body_schema).within("body_schema"), expressions("expressions", &message.expressions))
            .together()?;
    if let Some(body) = body {
        plan = plan.with_body(body);
    }
    if let Some(expressions) = expressions {
        plan = plan.with_expressions(expressions);
    }
    let claims = call::claims(&message.calls);
    Ok(Composition { plan: plan.into(), calls: sites.into(), debug_header, request_bytes, claims })
}

/// The schema that bodies have to be valid by.
fn body(json: &[u8]) -> Checked<Option<Arc<Schema>>> {
    if json.is_empty() {
        return Ok(None);
    }
    let document = Value::read(json).or_else(|error| refuse("", error.to_string()))?;
    let schema = Schema::new(&document).or_else(|error| refuse("", format!("{}: {error}", error.path.join("/"))))?;
    Ok(Some(Arc::new(schema)))
}

fn unique_names(calls: &[config::Call]) -> Checked<()> {
    let mut seen = std::collections::HashSet::new();
    for (index, call) in calls.iter().enumerate() {
        if call.name.is_empty() {
            return refuse(format!("calls[{index}].name"), "must not be empty");
        }
        if !seen.insert(&call.name) {
            return refuse(format!("calls[{index}].name"), format!("{:?} is the name of another call", call.name));
        }
    }
    Ok(())
}

fn flow(message: &config::Compose) -> Checked<Flow> {
    match compose::Flow::try_from(message.flow) {
        Ok(compose::Flow::Parallel) if message.propagated.is_empty() => Ok(Flow::Parallel),
        Ok(compose::Flow::Parallel) => refuse("propagated", "is for sequences"),
        Ok(compose::Flow::Sequential) => {
            let references = message.propagated.iter().enumerate();
            let propagated: Vec<_> =
                all(references.map(|(index, one)| document::reference(one).within_element("propagated", index)))?;
            Ok(Flow::Sequential { propagated })
        }
        Err(_) => unknown("flow"),
    }
}

fn order(order: i32) -> Checked<MergeOrder> {
    match compose::MergeOrder::try_from(order) {
        Ok(compose::MergeOrder::Listed) => Ok(MergeOrder::Listed),
        Ok(compose::MergeOrder::Arrival) => Ok(MergeOrder::Arrival),
        Err(_) => unknown("merge_order"),
    }
}

fn fixed(message: &config::FixedData) -> Checked<Fixed> {
    let strategy = match fixed_data::When::try_from(message.when) {
        Ok(fixed_data::When::Always) => Ok(Strategy::Always),
        Ok(fixed_data::When::Success) => Ok(Strategy::Success),
        Ok(fixed_data::When::Errored) => Ok(Strategy::Errored),
        Ok(fixed_data::When::Complete) => Ok(Strategy::Complete),
        Ok(fixed_data::When::Incomplete) => Ok(Strategy::Incomplete),
        Err(_) => unknown("when"),
    }?;
    Fixed::new(strategy, Bytes::copy_from_slice(&message.json)).or_else(|error| refuse("json", error.to_string()))
}

fn rules(message: &config::Compose) -> Checked<RequestRules> {
    let product =
        HeaderValue::from_str(&message.product).or_else(|_| refuse("product", "cannot be the value of a header"));
    let (headers, query, product) =
        (admitted_headers("headers", message.headers.as_ref()), admitted("query", message.query.as_ref()), product)
            .together()?;
    Ok(RequestRules { headers, query, product })
}

/// Names of headers that go on.
fn admitted_headers(field: &str, message: Option<&config::Admission>) -> Checked<Admission<HeaderName>> {
    let listed = match message.and_then(|message| message.kind.as_ref()) {
        Some(admission::Kind::All(true)) => return Ok(Admission::All),
        Some(admission::Kind::Listed(listed)) => listed,
        _ => return refuse(field, "must say which"),
    };
    let names = listed.names.iter().enumerate().map(|(index, name)| {
        HeaderName::from_bytes(name.as_bytes())
            .or_else(|_| refuse(format!("{field}.listed.names[{index}]"), format!("{name:?} is not a header name")))
    });
    all(names).map(Admission::Listed)
}

/// Names of parameters that go on.
fn admitted(field: &str, message: Option<&config::Admission>) -> Checked<Admission<String>> {
    match message.and_then(|message| message.kind.as_ref()) {
        Some(admission::Kind::All(true)) => Ok(Admission::All),
        Some(admission::Kind::Listed(listed)) => Ok(Admission::Listed(listed.names.clone())),
        _ => refuse(field, "must say which"),
    }
}

fn limits(message: Option<&config::ComposeLimits>) -> Checked<(Limits, usize)> {
    let defaults = Limits::default();
    let Some(message) = message else { return Ok((defaults, REQUEST_BYTES)) };
    let bytes = |field: &str, value: u64, default: usize, most: usize| match usize::try_from(value) {
        Ok(0) => Ok(default),
        Ok(value) if value <= most => Ok(value),
        _ => refuse(field, format!("must not be more than {most}")),
    };
    let depth = match message.depth {
        0 => Ok(defaults.depth),
        depth if depth <= Limits::DEEPEST => Ok(depth),
        _ => refuse("depth", format!("must not be more than {}", Limits::DEEPEST)),
    };
    let (response_bytes, total_bytes, depth, request_bytes) = (
        bytes("response_bytes", message.response_bytes, defaults.response_bytes, Limits::LARGEST),
        bytes("total_bytes", message.total_bytes, defaults.total_bytes, usize::MAX),
        depth,
        bytes("request_bytes", message.request_bytes, REQUEST_BYTES, Limits::LARGEST),
    )
        .together()?;
    let values = if message.values == 0 { defaults.values } else { message.values };
    Ok((Limits { response_bytes, total_bytes, depth, values }, request_bytes))
}

/// How long a call whose answer nobody waits for may take.
fn shadow_timeout(message: &config::Call) -> Checked<Option<Duration>> {
    positive("shadow_timeout", message.shadow_timeout)
}
