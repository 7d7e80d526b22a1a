//! The life of versions against a model, over the API and a store in memory: whatever is asked for, in whichever order and
//! by several writers at once, what is read is what the model says.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use backstay_auth::Caller;
use backstay_fastly::api::{Options, router};
use backstay_store::{Memory, Store};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use proptest::prelude::*;
use serde_json::Value;
use tower::ServiceExt as _;

/// What a writer may ask for. Versions are by their numbers; some are not there.
#[derive(Debug, Clone)]
enum Ask {
    Create,
    Clone(u32),
    Lock(u32),
    Activate(u32),
    Deactivate(u32),
    Comment(u32, u8),
    Add(u32, u8),
    Change(u32, u8, u8),
    Remove(u32, u8),
}

fn ask() -> impl Strategy<Value = Ask> {
    let number = 1..6_u32;
    prop_oneof![
        1 => Just(Ask::Create),
        3 => number.clone().prop_map(Ask::Clone),
        1 => number.clone().prop_map(Ask::Lock),
        2 => number.clone().prop_map(Ask::Activate),
        1 => number.clone().prop_map(Ask::Deactivate),
        1 => (number.clone(), any::<u8>()).prop_map(|(number, word)| Ask::Comment(number, word)),
        6 => (number.clone(), 0..4_u8).prop_map(|(number, name)| Ask::Add(number, name)),
        4 => (number.clone(), 0..4_u8, any::<u8>()).prop_map(|(number, name, weight)| Ask::Change(number, name, weight)),
        2 => (number, 0..4_u8).prop_map(|(number, name)| Ask::Remove(number, name)),
    ]
}

/// A version, as it should be.
#[derive(Debug, Clone, Default, PartialEq)]
struct Version {
    locked: bool,
    comment: String,
    /// Names and weights of backends.
    backends: BTreeMap<String, u64>,
    domains: usize,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Model {
    versions: BTreeMap<u32, Version>,
    active: Option<u32>,
}

impl Model {
    fn new() -> Self {
        let first = Version { domains: 1, ..Version::default() };
        Self { versions: BTreeMap::from([(1, first)]), active: None }
    }

    /// Does what is asked for, and says what is answered.
    fn apply(&mut self, ask: &Ask) -> StatusCode {
        let next = u32::try_from(self.versions.len()).unwrap() + 1;
        let (Ask::Clone(number)
        | Ask::Lock(number)
        | Ask::Activate(number)
        | Ask::Deactivate(number)
        | Ask::Comment(number, _)
        | Ask::Add(number, _)
        | Ask::Change(number, ..)
        | Ask::Remove(number, _)) = *ask
        else {
            self.versions.insert(next, Version::default());
            return StatusCode::OK;
        };
        let Some(version) = self.versions.get_mut(&number) else { return StatusCode::NOT_FOUND };
        match ask {
            Ask::Create => {}
            Ask::Clone(_) => {
                let copy = Version { locked: false, ..version.clone() };
                self.versions.insert(next, copy);
            }
            Ask::Lock(_) => version.locked = true,
            Ask::Activate(_) if version.domains == 0 => return StatusCode::BAD_REQUEST,
            Ask::Activate(_) => {
                version.locked = true;
                self.active = Some(number);
            }
            Ask::Deactivate(_) => self.active = self.active.filter(|active| *active != number),
            Ask::Comment(_, word) => version.comment = format!("word {word}"),
            Ask::Add(..) | Ask::Change(..) | Ask::Remove(..) if version.locked => {
                return StatusCode::UNPROCESSABLE_ENTITY;
            }
            Ask::Add(_, name) => {
                if version.backends.contains_key(&backend(*name)) {
                    return StatusCode::CONFLICT;
                }
                version.backends.insert(backend(*name), 100);
            }
            Ask::Change(_, name, weight) => match version.backends.get_mut(&backend(*name)) {
                Some(known) => *known = u64::from(*weight),
                None => return StatusCode::NOT_FOUND,
            },
            Ask::Remove(_, name) => {
                if version.backends.remove(&backend(*name)).is_none() {
                    return StatusCode::NOT_FOUND;
                }
            }
        }
        StatusCode::OK
    }
}

fn backend(name: u8) -> String {
    format!("b/{name}")
}

/// A service over the API.
#[derive(Clone)]
struct Service {
    router: Router,
    id: String,
}

impl Service {
    async fn start() -> Self {
        let store: Arc<dyn Store> = Arc::new(Memory::new());
        let router = router(store, Options::default()).layer(axum::Extension(Caller::anyone()));
        let mut service = Self { router, id: String::new() };
        let (_, made) = service.send(Method::POST, "/service", "name=x").await;
        service.id = made["id"].as_str().unwrap().to_owned();
        let (status, _) = service.send(Method::POST, &service.path("1/domain"), "name=x.example").await;
        assert_eq!(status, StatusCode::OK);
        service
    }

    fn path(&self, rest: &str) -> String {
        format!("/service/{}/version/{rest}", self.id)
    }

    async fn send(&self, method: Method, path: &str, body: &str) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path).header("fastly-key", "t");
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    }

    async fn ask(&self, ask: &Ask) -> StatusCode {
        let (method, path, body) = match ask {
            Ask::Create => (Method::POST, format!("/service/{}/version", self.id), String::new()),
            Ask::Clone(number) => (Method::PUT, self.path(&format!("{number}/clone")), String::new()),
            Ask::Lock(number) => (Method::PUT, self.path(&format!("{number}/lock")), String::new()),
            Ask::Activate(number) => (Method::PUT, self.path(&format!("{number}/activate")), String::new()),
            Ask::Deactivate(number) => (Method::PUT, self.path(&format!("{number}/deactivate")), String::new()),
            Ask::Comment(number, word) => (Method::PUT, self.path(&number.to_string()), format!("comment=word+{word}")),
            Ask::Add(number, name) => {
                (Method::POST, self.path(&format!("{number}/backend")), format!("name=b/{name}&address=10.0.0.1"))
            }
            Ask::Change(number, name, weight) => {
                (Method::PUT, self.path(&format!("{number}/backend/b%2F{name}")), format!("weight={weight}"))
            }
            Ask::Remove(number, name) => {
                (Method::DELETE, self.path(&format!("{number}/backend/b%2F{name}")), String::new())
            }
        };
        self.send(method, &path, &body).await.0
    }

    /// All that can be read, as the model has it.
    async fn read(&self) -> Model {
        let (_, versions) = self.send(Method::GET, &format!("/service/{}/version", self.id), "").await;
        let mut model = Model::default();
        for version in versions.as_array().unwrap() {
            let number = u32::try_from(version["number"].as_u64().unwrap()).unwrap();
            let (_, backends) = self.send(Method::GET, &self.path(&format!("{number}/backend")), "").await;
            let (_, domains) = self.send(Method::GET, &self.path(&format!("{number}/domain")), "").await;
            let backends = backends.as_array().unwrap().iter();
            let backends = backends
                .map(|backend| (backend["name"].as_str().unwrap().to_owned(), backend["weight"].as_u64().unwrap()));
            let read = Version {
                locked: version["locked"] == true,
                comment: version["comment"].as_str().unwrap().to_owned(),
                backends: backends.collect(),
                domains: domains.as_array().unwrap().len(),
            };
            if version["active"] == true {
                assert_eq!(model.active.replace(number), None, "two versions are active");
            }
            assert_eq!(model.versions.insert(number, read), None, "two versions have one number");
        }
        model
    }
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn one_writer_gets_what_the_model_says(asks in proptest::collection::vec(ask(), 1..40)) {
        run(async {
            let (service, mut model) = (Service::start().await, Model::new());
            for ask in &asks {
                assert_eq!(service.ask(ask).await, model.apply(ask), "{ask:?}");
            }
            assert_eq!(service.read().await, model);
        });
    }

    #[test]
    fn two_writers_get_what_one_of_their_orders_says(
        one in proptest::collection::vec(ask(), 1..5), other in proptest::collection::vec(ask(), 1..5),
    ) {
        run(async {
            let service = Service::start().await;
            let writer = |asks: Vec<Ask>| {
                let service = service.clone();
                tokio::spawn(async move {
                    let mut answers = Vec::new();
                    for ask in asks {
                        let status = service.ask(&ask).await;
                        answers.push((ask, status));
                        tokio::task::yield_now().await;
                    }
                    answers
                })
            };
            let (one, other) = (writer(one), writer(other));
            let (one, other) = (one.await.unwrap(), other.await.unwrap());
            let read = service.read().await;
            assert!(has_order(&Model::new(), &one, &other, &read), "{one:#?} and {other:#?} made {read:#?}");
        });
    }
}

/// Whether some order of both, each in its own order, gives these answers and leaves this.
fn has_order(model: &Model, one: &[(Ask, StatusCode)], other: &[(Ask, StatusCode)], read: &Model) -> bool {
    if one.is_empty() && other.is_empty() {
        return model == read;
    }
    [(one, other), (other, one)].iter().any(|(first, second)| {
        let Some(((ask, status), rest)) = first.split_first() else { return false };
        let mut next = model.clone();
        next.apply(ask) == *status && has_order(&next, rest, second, read)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_is_served_by_one_service_whoever_races() {
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    // Two processes over one store: they do not take turns.
    let routers = [0, 1].map(|_| router(store.clone(), Options::default()).layer(axum::Extension(Caller::anyone())));
    let mut services = Vec::new();
    for (index, router) in routers.iter().cycle().take(10).enumerate() {
        let mut service = Service { router: router.clone(), id: String::new() };
        let (_, made) = service.send(Method::POST, "/service", &format!("name=s{index}")).await;
        service.id = made["id"].as_str().unwrap().to_owned();
        service.send(Method::POST, &service.path("1/domain"), "name=one.example").await;
        services.push(service);
    }
    let asked =
        services.iter().cloned().map(|service| tokio::spawn(async move { service.ask(&Ask::Activate(1)).await }));
    let mut statuses = Vec::new();
    for task in asked.collect::<Vec<_>>() {
        statuses.push(task.await.unwrap());
    }
    assert_eq!(statuses.iter().filter(|status| **status == StatusCode::OK).count(), 1, "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_over_one_store_lose_no_write() {
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let routers = [0, 1].map(|_| router(store.clone(), Options::default()).layer(axum::Extension(Caller::anyone())));
    let mut service = Service { router: routers[0].clone(), id: String::new() };
    let (_, made) = service.send(Method::POST, "/service", "name=x").await;
    service.id = made["id"].as_str().unwrap().to_owned();
    let tasks: Vec<_> = (0..30)
        .map(|number: usize| {
            let service = Service { router: routers[number % 2].clone(), ..service.clone() };
            tokio::spawn(async move {
                let body = format!("name=b{number}&address=10.0.0.1");
                service.send(Method::POST, &service.path("1/backend"), &body).await.0
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), StatusCode::OK);
    }
    let (_, backends) = service.send(Method::GET, &service.path("1/backend"), "").await;
    let names: BTreeSet<_> = backends.as_array().unwrap().iter().map(|backend| backend["name"].to_string()).collect();
    assert_eq!(names.len(), 30);
}
