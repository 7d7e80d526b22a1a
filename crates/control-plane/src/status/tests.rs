use std::collections::BTreeMap;

use backstay_compiler::{Condition, ObjectStatus, Report};
use backstay_kube::Events;
use backstay_resources::ConditionStatus;
use backstay_resources::backstay::BACKEND_POLICY;
use backstay_store::{History, Limits, Memory, Retention};
use backstay_xds::server::StreamId;
use serde_json::{Value, json};

mod meddling;

use self::meddling::Meddling;
use super::*;
use crate::metrics::Exposition;
use crate::tracker::{Refusal, Stream, Subscription};

/// What the status writer works with, and its figures.
struct Bench {
    store: Arc<dyn Store>,
    shared: Arc<Shared>,
    metrics: Metrics,
    figures: Exposition,
}

impl Bench {
    fn new(store: impl Store) -> Self {
        let store: Arc<dyn Store> = Arc::new(store);
        let (metrics, figures) = Metrics::new(store.clone(), Arc::default(), Arc::default(), Events::default());
        Self { store, shared: Arc::default(), metrics, figures }
    }

    /// Stores an object, and has the tracker know it.
    async fn create(&self, kind: &'static backstay_resources::Kind, name: &str, spec: Value) -> ObjectKey {
        let object = json!({"apiVersion": kind.api_version(), "kind": kind.kind,
            "metadata": {"name": name, "generation": 1}, "spec": spec});
        let write = Write {
            key: Key::new(&kind.resource(), "", name),
            expect: Expect::Absent,
            operation: Operation::Put(object.to_string().into()),
        };
        let revision = self.store.commit(vec![write]).await.unwrap().revision;
        let key = ObjectKey::new(kind, "", name);
        self.shared.update(|tracker| tracker.created(key.clone(), revision));
        key
    }

    fn report(&self, key: &ObjectKey, finding: Condition) {
        self.shared.update(|tracker| {
            tracker.reported(ObjectStatus {
                key: key.clone(),
                generation: 1,
                report: Report::of(vec![finding]).into(),
                programs: Vec::new(),
            });
        });
    }

    /// Lets the writer run for some time.
    async fn run(&self, time: Duration) {
        let teller = Teller::new(self.store.clone(), Events::default(), Duration::ZERO);
        let run =
            run(self.store.clone(), Leadership::new(&*self.store), self.shared.clone(), self.metrics.clone(), teller);
        assert!(timeout(time, run).await.is_err(), "it runs for ever");
    }

    fn figure(&self, name: &str) -> u64 {
        let text = self.figures.render();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap();
        line.parse().unwrap()
    }

    fn status(&self, key: &ObjectKey) -> Value {
        let key = Key::new(&key.kind.resource(), &key.namespace, &key.name);
        let stored: Value = serde_json::from_slice(&self.store.snapshot().get(&key).unwrap().value.bytes()).unwrap();
        stored["status"].clone()
    }
}

fn finding(message: &str, since: Option<Timestamp>) -> Condition {
    let message = message.to_owned();
    Condition { kind: "Accepted", status: ConditionStatus::True, reason: "Accepted", message, since, until: None }
}

fn stream(node: &str, connected: i64, refused: usize) -> Stream {
    let refusal = |index| {
        let refusal = Refusal { version: "v".into(), field: String::new(), message: "no".to_owned() };
        (format!("backend/{index:03}").into(), refusal)
    };
    let refused = (0..refused).map(refusal).collect::<BTreeMap<_, _>>();
    let subscription = Subscription { refused, ..Subscription::default() };
    Stream {
        replica: None,
        fleet: "default".into(),
        node_id: node.to_owned(),
        address: String::new(),
        version: String::new(),
        connected: Timestamp::from_second(connected),
        types: [(backstay_proto::RESOURCE_TYPE_URL.into(), subscription)].into(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_that_the_store_does_not_take_is_not_tried_for_ever() {
    let limits = Limits { value_bytes: 1000, ..Limits::default() };
    let bench = Bench::new(Memory::with(limits, History::default(), Retention::default()));
    let key = bench.create(&BACKEND_POLICY, "p", json!({})).await;
    bench.report(&key, finding(&"x".repeat(1000), None));
    bench.run(Duration::from_secs(60)).await;
    assert_eq!(bench.figure("backstay_status_write_failures_total"), 1);
    bench.report(&key, finding("short", None));
    bench.run(Duration::from_secs(60)).await;
    assert_eq!(bench.status(&key)["conditions"][0]["message"], "short");
}

#[tokio::test(start_paused = true)]
async fn what_is_told_from_some_day_on_is_not_told_before() {
    let bench = Bench::new(Memory::new());
    let key = bench.create(&BACKEND_POLICY, "p", json!({})).await;
    bench.report(&key, finding("later", Some(Timestamp::from_second(Timestamp::now().0.as_second() + 1000))));
    bench.run(Duration::from_secs(60)).await;
    assert!(!bench.status(&key).to_string().contains("later"));
    bench.report(&key, finding("now", Some(Timestamp::from_second(1))));
    bench.run(Duration::from_secs(60)).await;
    assert!(bench.status(&key).to_string().contains("now"));
}

#[tokio::test(start_paused = true)]
async fn the_status_of_a_fleet_is_written_once_a_second_however_many_proxies_come() {
    let bench = Bench::new(Memory::new());
    let key = bench.create(&apoxy::PROXY, "default", json!({})).await;
    let arrivals = async {
        for id in 0..100 {
            bench.shared.update(|tracker| tracker.opened(StreamId(id), stream(&format!("edge-{id}"), 0, 0)));
            sleep(Duration::from_millis(50)).await;
        }
    };
    let (_, ()) = futures::join!(bench.run(Duration::from_secs(60)), arrivals);
    assert_eq!(bench.status(&key)["replicas"].as_array().unwrap().len(), 100);
    let writes = bench.figure("backstay_status_writes_total");
    assert!((2..=7).contains(&writes), "{writes} writes within five seconds");
}

#[tokio::test(start_paused = true)]
async fn the_status_of_a_fleet_lists_the_newest_of_each_proxy_and_some_refusals() {
    let bench = Bench::new(Memory::new());
    let key = bench.create(&apoxy::PROXY, "default", json!({})).await;
    for (id, node) in ["a", "b", "c"].into_iter().enumerate() {
        let id = u64::try_from(id).unwrap();
        bench.shared.update(|tracker| {
            tracker.opened(StreamId(2 * id), stream(node, 10, 80));
            tracker.opened(StreamId(2 * id + 1), stream(node, 5, 1));
        });
    }
    bench.run(Duration::from_secs(5)).await;
    let status = bench.status(&key);
    let replicas = status["replicas"].as_array().unwrap();
    let refused: Vec<_> = replicas.iter().map(|it| it["refused"].as_array().map_or(0, Vec::len)).collect();
    assert_eq!(refused, [80, 20, 0]);
    assert_eq!(status["conditions"][0]["message"], "3 of 3 refuse something");
}

#[tokio::test(start_paused = true)]
async fn what_a_fleet_asks_of_its_proxies_is_told_beside_whether_they_are_there() {
    let bench = Bench::new(Memory::new());
    let key = bench.create(&apoxy::PROXY, "default", json!({})).await;
    let told = || -> Vec<(String, String)> {
        let status = bench.status(&key);
        let conditions = status["conditions"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        conditions.map(|found| (text(&found["type"]), text(&found["status"]))).collect()
    };
    let pair = |kind: &str, status: &str| (kind.to_owned(), status.to_owned());
    bench.shared.update(|tracker| tracker.opened(StreamId(0), stream("a", 10, 0)));
    bench.run(Duration::from_secs(5)).await;
    assert_eq!(told(), [pair("Ready", "True")]);
    bench.report(&key, finding("", None));
    bench.run(Duration::from_secs(5)).await;
    assert_eq!(told(), [pair("Ready", "True"), pair("Accepted", "True"), pair("Programmed", "False")]);
    bench.shared.update(|tracker| {
        let (report, programs) = (Report::default(), Vec::new());
        tracker.reported(ObjectStatus { key: key.clone(), generation: 2, report: report.into(), programs });
    });
    bench.run(Duration::from_secs(5)).await;
    assert_eq!(told(), [pair("Ready", "True")], "what is not asked for any more is not told");
}

/// Somebody else writes between our look at an object and our write of it, each time: as often as the writer tries in a
/// row, and more often.
#[tokio::test(start_paused = true)]
async fn whoever_is_faster_than_our_write_loses_nothing_and_takes_nothing_away() {
    for times in (0..40).chain([100]) {
        let bench = Bench::new(Meddling::new(times));
        let key = bench.create(&BACKEND_POLICY, "p", json!({})).await;
        bench.report(&key, finding("ours", None));
        bench.run(Duration::from_secs(600)).await;
        let conditions = bench.status(&key)["conditions"].clone();
        let types: Vec<_> = conditions.as_array().unwrap().iter().map(|it| it["type"].as_str().unwrap()).collect();
        let theirs: &[&str] = if times == 0 { &[] } else { &["example.com/Audited"] };
        assert_eq!(types, [theirs, &["Accepted", "Programmed"]].concat(), "{times} times");
        if times > 0 {
            assert_eq!(conditions[0]["message"], format!("write {times}"), "the last of theirs");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn our_own_writes_are_no_reason_to_look_again() {
    let bench = Bench::new(Memory::new());
    let key = bench.create(&BACKEND_POLICY, "p", json!({})).await;
    bench.report(&key, finding("ours", None));
    bench.run(Duration::from_secs(60)).await;
    let stored = |bench: &Bench| {
        let key = Key::new(&key.kind.resource(), &key.namespace, &key.name);
        bench.store.snapshot().get(&key).unwrap().value.to_bytes()
    };
    let own = mark(&stored(&bench));
    let mut tracker = bench.shared.read();
    tracker.status_changed(&key, own);
    assert!(tracker.take_touched().is_empty());
    // The same once more is somebody else's: ours has come round.
    tracker.status_changed(&key, own);
    assert_eq!(tracker.take_touched(), BTreeSet::from([key.clone()]));
}

#[tokio::test(start_paused = true)]
async fn what_is_written_is_ours_and_nothing_else_is() {
    let bench = Bench::new(Memory::new());
    let key = bench.create(&BACKEND_POLICY, "p", json!({})).await;
    let stored = Key::new(&BACKEND_POLICY.resource(), "", "p");
    let theirs = json!({"apiVersion": BACKEND_POLICY.api_version(), "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {}},
        "manager": "kubectl", "operation": "Apply", "time": "2026-01-01T00:00:00Z"});
    let mut object: Value =
        serde_json::from_slice(&bench.store.snapshot().get(&stored).unwrap().value.bytes()).unwrap();
    object["metadata"]["managedFields"] = json!([theirs]);
    let operation = Operation::Put(object.to_string().into());
    bench.store.commit(vec![Write { key: stored.clone(), expect: Expect::Present, operation }]).await.unwrap();
    bench.report(&key, finding("fine", None));
    bench.run(Duration::from_secs(60)).await;
    let object: Value = serde_json::from_slice(&bench.store.snapshot().get(&stored).unwrap().value.bytes()).unwrap();
    let owners = object["metadata"]["managedFields"].as_array().unwrap();
    assert_eq!((owners.len(), &owners[0]), (2, &theirs), "{object}");
    let ours = &owners[1];
    assert_eq!(
        (&ours["manager"], &ours["operation"], &ours["subresource"]),
        (&json!("backstay"), &json!("Update"), &json!("status"))
    );
    assert_eq!(ours["fieldsV1"].as_object().unwrap().keys().collect::<Vec<_>>(), ["f:status"]);
}
