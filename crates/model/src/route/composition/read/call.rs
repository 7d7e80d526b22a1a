//! One call.

use std::collections::BTreeMap;
use std::num::NonZeroU8;

use backstay_composition::{
    ArrayTargets, CallPlan, Change, Collection, Decoder, FailureRule, Mapping, Pattern, Pipeline, Requirement, Role,
    Segment, Selection,
};
use backstay_proto::config::{self, pattern_segment};
use backstay_token::claim_path;
use http::uri::Authority;
use http::{HeaderValue, Method};

use super::credentials::credentials;
use super::{admitted, admitted_headers, document, shadow_timeout};
use crate::fault::{Checked, Together, Within, all, refuse, unknown};
use crate::route::composition::{CallSite, CallTarget, CallTargets, Passage};
use crate::route::reference::backend_ref;

/// The most redirects that are followed.
const MOST_REDIRECTS: u32 = 50;

/// What is asked, and where.
pub(super) fn call(message: &config::Call) -> Checked<(CallPlan, CallSite)> {
    let method = Method::from_bytes(message.method.as_bytes())
        .or_else(|_| refuse("method", format!("{:?} is not a method", message.method)));
    let targets = message.targets.iter().enumerate();
    let targets = all(targets.map(|(index, one)| target(one).within_element("targets", index)));
    let (method, pattern, headers, query, pipeline, failure, copies) = (
        method,
        pattern(&message.pattern),
        admitted_headers("headers", message.headers.as_ref()),
        admitted("query", message.query.as_ref()),
        pipeline(message),
        failure(message),
        copies(message.copies),
    )
        .together()?;
    let expressions = crate::route::expressions::expressions("expressions", &message.expressions)?;
    let credentials = message.credentials.as_ref().map(credentials).transpose().within("credentials");
    let (targets, decoder, shadow, redirects, credentials, passage) = (
        targets,
        decoder(message.decoder),
        shadow_timeout(message),
        redirects(message),
        credentials,
        Passage::of(message),
    )
        .together()?;
    let fixed = pattern.fixed_target();
    let targets = Vec::into_iter(targets).map(|target: CallTarget| {
        let fixed = fixed.as_ref().and_then(|fixed| format!("{}{fixed}", target.base_path).try_into().ok());
        CallTarget { fixed, ..target }
    });
    let plan = CallPlan {
        method,
        pattern,
        headers,
        query,
        decoder,
        pipeline,
        failure,
        copies,
        role: shadow.map_or(Role::Regular, |timeout| Role::Shadow { timeout }),
        requirement: if message.required { Requirement::Required } else { Requirement::Optional },
        expressions,
    };
    let name = message.name.as_str().into();
    Ok((plan, CallSite { name, targets: CallTargets::new(targets.collect()), redirects, credentials, passage }))
}

/// A host that is called.
pub(super) fn target(message: &config::CallTarget) -> Checked<CallTarget> {
    let backend = match &message.backend {
        None => refuse("backend", "must be set"),
        Some(reference) => backend_ref(reference).within("backend"),
    };
    let authority = match message.authority.as_str() {
        "" => Ok(None),
        text => {
            let sound = text.parse::<Authority>().ok().filter(|_| !text.contains('@'));
            let value = sound.and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
            value.map_or_else(
                || refuse("authority", format!("{text:?} is not a host with an optional port")),
                |value| Ok(Some(value)),
            )
        }
    };
    let path = message.base_path.as_str();
    let sendable = path.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#'));
    let base_path = if path.is_empty() || path.starts_with('/') && !path.ends_with('/') && sendable {
        Ok(path.into())
    } else {
        refuse("base_path", "must be empty, or begin with a slash, not end with one, and be a path")
    };
    let ((backend, port), authority, base_path) = (backend, authority, base_path).together()?;
    Ok(CallTarget { backend: Some(backend), port, weight: message.weight, authority, base_path, fixed: None })
}

/// What a claim is called among the parameters of a call.
fn claim_parameter(claim: &str) -> String {
    format!("JWT.{claim}")
}

/// The claims that calls have in their paths: what each is called among the parameters, and the names that lead to it.
pub(super) fn claims(messages: &[config::Call]) -> Box<[(String, Vec<String>)]> {
    let segments = messages.iter().flat_map(|call| &call.pattern);
    let named = segments.filter_map(|segment| match &segment.kind {
        Some(pattern_segment::Kind::Claim(claim)) => Some((claim_parameter(claim), claim_path(claim))),
        _ => None,
    });
    named.collect::<BTreeMap<_, _>>().into_iter().collect()
}

fn pattern(messages: &[config::PatternSegment]) -> Checked<Pattern> {
    let one = |(index, message): (usize, &config::PatternSegment)| {
        let segment = match &message.kind {
            None => unknown(""),
            Some(pattern_segment::Kind::Literal(text)) => Ok(Segment::Literal(text.clone())),
            Some(pattern_segment::Kind::Parameter(name)) => Ok(Segment::Parameter(name.clone())),
            Some(pattern_segment::Kind::Reference(reference)) => {
                document::reference(reference).map(Segment::Reference).within("reference")
            }
            Some(pattern_segment::Kind::Claim(claim)) if claim.is_empty() => refuse("claim", "must not be empty"),
            Some(pattern_segment::Kind::Claim(claim)) => Ok(Segment::Parameter(claim_parameter(claim))),
        };
        segment.within_element("pattern", index)
    };
    all(messages.iter().enumerate().map(one)).map(Pattern::new)
}

fn pipeline(message: &config::Call) -> Checked<Pipeline> {
    let given = [message.allow.is_some(), message.deny.is_some(), !message.operations.is_empty()];
    if given.iter().filter(|given| **given).count() > 1 {
        return refuse("", "at most one of allow, deny and operations can be set");
    }
    let selection = match (&message.allow, &message.deny) {
        (Some(allow), _) => document::allow(allow).map(Selection::Allow).within("allow"),
        (None, Some(deny)) => document::deny(deny).map(Selection::Deny).within("deny"),
        (None, None) => Ok(Selection::All),
    };
    let (target, selection, operations) = (
        document::joined("target", &message.target),
        selection,
        document::operations("operations", &message.operations),
    )
        .together()?;
    let change = match operations {
        Some(_) if !message.mapping.is_empty() => return refuse("mapping", "cannot be set beside operations"),
        Some(operations) => Change::Operate(operations),
        None => {
            let names = message.mapping.iter().map(|(old, new)| (old.as_str(), new.as_str()));
            Change::Select(selection, Mapping::new(names))
        }
    };
    let arrays = if message.list_targets { ArrayTargets::Collection } else { ArrayTargets::Empty };
    Ok(Pipeline::default().with_target(&target, arrays).with_change(change).with_group(&message.group))
}

fn failure(message: &config::Call) -> Checked<FailureRule> {
    use config::call::Failure;
    match Failure::try_from(message.failure) {
        Ok(Failure::Plain) => Ok(FailureRule::Plain),
        Ok(Failure::Status) => Ok(FailureRule::Status),
        Ok(Failure::PassedOn) => Ok(FailureRule::PassedOn),
        Ok(Failure::Details) if message.failure_name.is_empty() => refuse("failure_name", "must be set"),
        Ok(Failure::Details) => Ok(FailureRule::Details(message.failure_name.clone())),
        Err(_) => unknown("failure"),
    }
}

fn copies(copies: u32) -> Checked<NonZeroU8> {
    match u8::try_from(copies) {
        Ok(copies) => Ok(NonZeroU8::new(copies).unwrap_or(NonZeroU8::MIN)),
        Err(_) => refuse("copies", "must not be more than 255"),
    }
}

fn redirects(message: &config::Call) -> Checked<u32> {
    match message.redirects {
        redirects if redirects <= MOST_REDIRECTS => Ok(redirects),
        _ => refuse("redirects", format!("must not be more than {MOST_REDIRECTS}")),
    }
}

fn decoder(decoder: i32) -> Checked<Decoder> {
    use config::call;
    Ok(match call::Decoder::try_from(decoder) {
        Ok(call::Decoder::Json) => Decoder::Json(Collection::No),
        Ok(call::Decoder::JsonList) => Decoder::Json(Collection::Yes),
        Ok(call::Decoder::AnyJson) => Decoder::SafeJson,
        Ok(call::Decoder::Xml) => Decoder::Xml(Collection::No),
        Ok(call::Decoder::XmlList) => Decoder::Xml(Collection::Yes),
        Ok(call::Decoder::Feed) => Decoder::Feed,
        Ok(call::Decoder::Text) => Decoder::Text,
        Ok(call::Decoder::Opaque) => Decoder::Opaque,
        Err(_) => return unknown("decoder"),
    })
}
