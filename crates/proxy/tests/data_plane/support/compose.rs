//! Compositions, as they come from the control plane.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::sync::Arc;

use backstay_limiter::Registry;
use backstay_model::sequence::Resolver;
use backstay_proto::config::{
    self, Admission, BackendRef, Call, CallTarget, Compose, ComposedOutput, NamePath, NameTree, PathMatch,
    PathTemplate, PatternSegment, Reference, ResponseField, admission, call, composed_output, path_match,
    path_template, pattern_segment, rule,
};
use backstay_proxy::config::{Action, Filters, Passages};
use backstay_proxy::route::{Matcher, Table};
use backstay_upstream::Backend;

use super::{BackendOf, Routes};

/// A composition to describe and build.
pub(crate) struct ComposeOf {
    pub(crate) message: Compose,
    backends: HashMap<String, Arc<Backend>>,
}

/// The names in this list.
pub(crate) fn listed(names: &[&str]) -> Option<Admission> {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    Some(Admission { kind: Some(admission::Kind::Listed(admission::Names { names })) })
}

/// Whatever there is.
pub(crate) fn everything() -> Option<Admission> {
    Some(Admission { kind: Some(admission::Kind::All(true)) })
}

pub(crate) fn literal(text: &str) -> PatternSegment {
    PatternSegment { kind: Some(pattern_segment::Kind::Literal(text.to_owned())) }
}

pub(crate) fn parameter(name: &str) -> PatternSegment {
    PatternSegment { kind: Some(pattern_segment::Kind::Parameter(name.to_owned())) }
}

pub(crate) fn value_of(call: u32, path: &[&str]) -> PatternSegment {
    let path = path.iter().map(|name| (*name).to_owned()).collect();
    PatternSegment { kind: Some(pattern_segment::Kind::Reference(Reference { call, path })) }
}

pub(crate) fn paths(paths: &[&str]) -> Option<NameTree> {
    let path = |path: &&str| NamePath { names: path.split('.').map(str::to_owned).collect() };
    Some(NameTree { paths: paths.iter().map(path).collect() })
}

/// A call of GET for `path`, of a JSON object, to which everything goes on.
pub(crate) fn get(name: &str, path: &str) -> Call {
    Call {
        name: name.to_owned(),
        method: "GET".to_owned(),
        pattern: vec![literal(path)],
        headers: everything(),
        query: everything(),
        ..Call::default()
    }
}

impl ComposeOf {
    pub(crate) fn new() -> Self {
        let output = ComposedOutput {
            headers: vec![ResponseField { name: "x-made-by".to_owned(), value: "test".to_owned() }],
            completed_header: "x-completed".to_owned(),
            error_messages: true,
            ..ComposedOutput::default()
        };
        let message = Compose {
            timeout: Some(prost_types::Duration { seconds: 10, nanos: 0 }),
            headers: listed(&["content-type"]),
            query: listed(&[]),
            product: "Backstay test".to_owned(),
            output: Some(output),
            ..Compose::default()
        };
        Self { message, backends: HashMap::new() }
    }

    /// A call that goes to these addresses in turn.
    pub(crate) fn call(self, call: Call, addresses: &[SocketAddr]) -> Self {
        let backends = addresses.iter().map(|address| (*address, BackendOf::http1(&[*address]).build()));
        self.call_of(call, &backends.collect::<Vec<_>>())
    }

    /// A call that goes to these backends in turn.
    pub(crate) fn call_of(mut self, mut call: Call, backends: &[(SocketAddr, Arc<Backend>)]) -> Self {
        for (address, backend) in backends {
            let name = format!("backend/b{}", self.backends.len());
            call.targets.push(CallTarget {
                backend: Some(BackendRef { backend: name.clone(), port: address.port().into() }),
                weight: 1,
                authority: address.to_string(),
                base_path: String::new(),
            });
            self.backends.insert(name, Arc::clone(backend));
        }
        self.message.calls.push(call);
        self
    }

    /// With a backend that the message names already.
    pub(crate) fn naming(mut self, name: &str, backend: Arc<Backend>) -> Self {
        self.backends.insert(name.to_owned(), backend);
        self
    }

    /// With other settings.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Compose)) -> Self {
        change(&mut self.message);
        self
    }

    pub(crate) fn output(self, encoding: composed_output::Encoding) -> Self {
        self.with(|message| message.output.as_mut().unwrap().encoding = encoding.into())
    }

    /// The answer of one call as it is.
    pub(crate) fn opaque(mut call: Call, addresses: &[SocketAddr]) -> Self {
        call.decoder = call::Decoder::Opaque.into();
        Self::new().call(call, addresses).output(composed_output::Encoding::Opaque)
    }

    pub(crate) fn action(self) -> Action {
        let Self { message, backends } = self;
        let rule = config::Rule {
            matches: vec![config::Match::default()],
            action: Some(rule::Action::Compose(message)),
            ..config::Rule::default()
        };
        let route = config::Route { rules: vec![rule], ..config::Route::default() };
        let route = backstay_model::Route::try_from(&route).unwrap();
        let found = Resolver {
            backend: &|name: &str, _: Option<NonZeroU16>| backends.get(name).cloned(),
            table: &|_: &str| None,
            address_set: &|_: &str| None,
        };
        route.rules[0].action.join(&found)
    }

    /// Everything gets this composition.
    pub(crate) fn table(self) -> Table {
        self.at(Matcher::prefix("/"))
    }

    /// What matches gets this composition.
    pub(crate) fn at(self, matcher: Matcher) -> Table {
        let action = self.action();
        let Action::Compose(composition) = &action else { panic!("it is a composition") };
        let there = Passages::new(1 << 20, Arc::default(), Arc::new(Registry::new(64, Arc::default())));
        let passages = composition.calls.iter().map(|call| call.passage.as_ref().map(|passage| there.join(passage)));
        let routes = Routes { passages: passages.collect(), ..Routes::default() };
        routes.rule("", matcher, Filters::default(), action).build()
    }
}

/// A match of a path with variables in braces.
pub(crate) fn template(path: &str) -> Matcher {
    let element = |text: &str| match text.split_once('{') {
        None => path_template::Element { literal: text.to_owned(), variable: String::new() },
        Some((literal, rest)) => {
            path_template::Element { literal: literal.to_owned(), variable: rest.strip_suffix('}').unwrap().to_owned() }
        }
    };
    let elements = path.strip_prefix('/').unwrap().split('/').map(element).collect();
    let template = PathTemplate { elements, refuse_encoded_values: true };
    let message = config::Match {
        path: Some(PathMatch { kind: Some(path_match::Kind::Template(template)) }),
        ..config::Match::default()
    };
    let rule = config::Rule {
        matches: vec![message],
        action: Some(rule::Action::Respond(config::Respond { status: 200, ..config::Respond::default() })),
        ..config::Rule::default()
    };
    let route = config::Route { rules: vec![rule], ..config::Route::default() };
    backstay_model::Route::try_from(&route).unwrap().rules[0].matches[0].matcher.clone()
}
