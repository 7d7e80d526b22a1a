//! A dialect plugs into the compiler from outside: this one has a kind that is called `Backend` like another, in a group
//! of its own.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeSet, HashMap};
use std::fmt::Error as Refusal;
use std::sync::Arc;

use backstay_compiler::{
    Change, Compiler, Condition, FrontEnd, GatewayApi, Graph, LastGood, ObjectKey, ObjectStatus, Options, Output,
    Placed, Report,
};
use backstay_proto::config;
use backstay_proto::config::resource::Kind as Resource;
use backstay_resources::{Kind, Object, Scope, apoxy};
use prost::Message as _;
use serde_json::{Value, json};

/// An address, for pages.
static BACKEND: Kind = Kind { group: "pages.example", sensitive: true, ..apoxy::BACKEND };
/// A host that is served from a Backend of this group.
static PAGE: Kind =
    Kind { group: "pages.example", kind: "Page", plural: "pages", scope: Scope::Cluster, ..apoxy::BACKEND };

#[derive(Debug, Default)]
struct Pages {
    backends: HashMap<ObjectKey, LastGood<String>>,
    pages: HashMap<ObjectKey, LastGood<String>>,
}

/// Every object of this dialect has one text.
fn text(object: &Object) -> Result<String, Refusal> {
    object.body.get("spec").and_then(Value::as_str).map(str::to_owned).ok_or(Refusal)
}

fn backend(name: &str) -> ObjectKey {
    ObjectKey::new(&BACKEND, "", name)
}

impl FrontEnd for Pages {
    fn kinds(&self) -> &[&'static Kind] {
        const { &[&BACKEND, &PAGE] }
    }

    fn read(&mut self, key: &ObjectKey, object: Option<&Object>, graph: &mut Graph) {
        let table = if *key.kind == PAGE { &mut self.pages } else { &mut self.backends };
        let Some(new) = graph.diff(key, object, table.get(key), text) else { return };
        let good = new.as_ref().and_then(|new| new.good.as_deref());
        graph.link(key, good.filter(|_| *key.kind == PAGE).map(backend));
        match new {
            Some(new) => table.insert(key.clone(), new),
            None => table.remove(key),
        };
        graph.touch(key.clone());
        graph.changed(key);
    }

    fn compile(&mut self, graph: &mut Graph) {
        for key in graph.take_dirty(&BACKEND) {
            let name = Arc::from(format!("backend/pages:{}", key.name));
            match self.backends.get(&key).and_then(|backend| backend.good.as_ref()) {
                Some(ip) => {
                    let host = Some(config::endpoint::Host::Ip(ip.clone()));
                    let endpoints = vec![config::Endpoint { host, ..Default::default() }];
                    let discovery =
                        config::backend::Discovery::Static(config::StaticEndpoints { endpoints, ..Default::default() });
                    let backend = config::Backend { discovery: Some(discovery), ..Default::default() };
                    graph.offer(&name, Resource::Backend(backend), Vec::new());
                }
                None => graph.take_back(&name),
            }
        }
        for key in graph.take_dirty(&PAGE) {
            graph.withdraw(&key);
            let Some(page) = self.pages.get(&key) else { continue };
            let resolved = page.good.as_deref().filter(|name| self.backends.contains_key(&backend(name)));
            let route = ("default".into(), Arc::from(format!("route/pages:{}", key.name)));
            let mut programs = Vec::new();
            if let Some(name) = resolved {
                let needs = vec![("default".into(), Arc::from(format!("backend/pages:{name}")))];
                let resource = Resource::Route(config::Route { order_key: name.to_owned(), ..Default::default() });
                graph.place(&key, Placed { resources: vec![(route.clone(), resource)], needs });
                programs.push(route);
            }
            let condition = match (&page.fault, resolved) {
                (Some(_), _) => Condition::no("Accepted", "Invalid", "spec is no text"),
                (None, None) => {
                    Condition::no("Accepted", "BackendNotFound", "there is no such Backend of pages.example")
                }
                (None, Some(_)) => Condition::holds("Accepted"),
            };
            let report = Report::of(vec![condition]);
            graph.report(ObjectStatus { generation: page.generation, key, report: report.into(), programs });
        }
    }
}

fn object(kind: &'static Kind, name: &str, spec: Value) -> Change {
    let object = json!({
        "apiVersion": kind.api_version(), "kind": kind.kind, "metadata": {"name": name, "uid": name}, "spec": spec,
    });
    Change::set(kind, Arc::new(serde_json::from_value(object).unwrap()))
}

fn compiler() -> Compiler {
    let front_ends: [Box<dyn FrontEnd>; 2] =
        [Box::new(GatewayApi::new(Options::default())), Box::new(Pages::default())];
    Compiler::new(front_ends).unwrap()
}

/// What changed in the fleet `default`: names, with `-` before those that are gone.
fn changed(output: &Output) -> Vec<String> {
    let all = output.fleets.get("default").into_iter().flatten();
    all.map(|(name, body)| if body.is_some() { name.to_string() } else { format!("-{name}") }).collect()
}

fn accepted(output: &Output) -> Vec<(String, &'static str)> {
    output.statuses.iter().map(|it| (it.key.to_string(), it.report.conditions[0].reason)).collect()
}

#[test]
fn a_kind_of_another_dialect_is_compiled_and_follows_what_it_depends_on() {
    let mut compiler = compiler();
    let output = compiler.apply([object(&PAGE, "home", json!("web"))]);
    assert_eq!(changed(&output), [""; 0]);
    assert_eq!(accepted(&output), [("Page home".to_owned(), "BackendNotFound")]);

    let output = compiler.apply([object(&BACKEND, "web", json!("192.0.2.1"))]);
    assert_eq!(changed(&output), ["backend/pages:web", "route/pages:home"]);
    assert_eq!(accepted(&output), [("Page home".to_owned(), "Accepted")]);
    let route = output.fleets["default"]["route/pages:home"].clone().unwrap();
    let Some(Resource::Route(route)) = config::Resource::decode(route).unwrap().kind else { panic!("a route") };
    assert_eq!(route.order_key, "web");

    let output = compiler.apply([Change::gone(backend("web"))]);
    assert_eq!(changed(&output), ["-backend/pages:web", "-route/pages:home"]);
    assert_eq!(accepted(&output), [("Page home".to_owned(), "BackendNotFound")]);
}

#[test]
fn a_change_compiles_what_depends_on_it_and_nothing_else() {
    let mut compiler = compiler();
    let pages = (0..100).flat_map(|it| {
        let name = format!("b{it}");
        [object(&BACKEND, &name, json!("192.0.2.1")), object(&PAGE, &format!("p{it}"), json!(name))]
    });
    compiler.apply(pages.collect::<Vec<_>>());
    let output = compiler.apply([object(&BACKEND, "b7", json!("192.0.2.2"))]);
    assert_eq!(output.compiled, 2, "the Backend and its page");
    assert_eq!(compiler.apply([object(&BACKEND, "b7", json!("192.0.2.2"))]), Output::default());
}

#[test]
fn a_mistake_keeps_the_last_good_version_and_touches_no_other_object() {
    let mut compiler = compiler();
    compiler.apply([object(&BACKEND, "web", json!("192.0.2.1")), object(&PAGE, "home", json!("web"))]);
    let output = compiler.apply([object(&PAGE, "home", json!(7))]);
    assert_eq!(changed(&output), [""; 0]);
    assert_eq!(accepted(&output), [("Page home".to_owned(), "Invalid")]);
}

#[test]
fn kinds_of_one_name_in_two_groups_do_not_meet() {
    let mut compiler = compiler();
    // Were it compiled as a Backend of Backstay's own, its status would say so.
    let output = compiler.apply([object(&BACKEND, "web", json!("192.0.2.1"))]);
    assert!(output.statuses.is_empty(), "{output:?}");
    let output = compiler.apply([object(&apoxy::BACKEND, "web", json!({"endpoints": [{"ip": "192.0.2.1"}]}))]);
    let keys: BTreeSet<String> = output.statuses.iter().map(|it| format!("{:?}", it.key)).collect();
    assert_eq!(keys, BTreeSet::from(["backends.core.apoxy.dev/web".to_owned()]));
}

#[test]
fn no_two_dialects_have_one_kind() {
    let twice: [Box<dyn FrontEnd>; 2] = [Box::new(Pages::default()), Box::new(Pages::default())];
    let error = Compiler::new(twice).unwrap_err();
    assert_eq!(error.to_string(), "two front ends compile objects of backends.pages.example");
}

#[test]
fn debug_output_of_the_compiler_shows_nothing_of_a_sensitive_kind() {
    let mut compiler = compiler();
    let change = object(&BACKEND, "web", json!("hunter2"));
    assert!(!format!("{change:?}").contains("hunter2"));
    compiler.apply([change]);
    let shown = format!("{compiler:?}");
    assert!(!shown.contains("hunter2") && shown.contains("Pages"), "{shown}");
}
