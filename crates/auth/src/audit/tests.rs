use serde_json::{Value, json};

use super::*;
use crate::attributes::Attributes;
use crate::identity::User;

fn counts() -> AuditCounts {
    AuditCounts { written: Counter::noop(), lost: Counter::noop() }
}

fn event(id: &str) -> Event {
    let mut event = Event::new(id.to_owned(), "create", "/api/v1/namespaces/shop/secrets?dryRun=All", "kubectl/v1\n");
    event.user = User { groups: ["staff".to_owned()].into(), ..User::named("ann") };
    let asked =
        Attributes { namespace: "shop".into(), version: "v1".into(), ..Attributes::resource("create", "", "secrets") };
    event.object_ref = ObjectRef::of(&asked);
    event.decided(true, "RBAC");
    event.answered(201);
    event
}

#[test]
fn a_line_is_an_event_of_kubernetes() {
    let line = event("7").line();
    assert_eq!(line.matches('\n').count(), 1, "what a client says does not end the line: {line}");
    let told: Value = serde_json::from_str(&line).unwrap();
    assert!(told["requestReceivedTimestamp"].as_str().unwrap().ends_with('Z'));
    assert_eq!(
        [&told["kind"], &told["apiVersion"], &told["level"], &told["stage"], &told["auditID"]],
        ["Event", "audit.k8s.io/v1", "Metadata", "ResponseComplete", "7"]
    );
    assert_eq!(told["user"], json!({"username": "ann", "groups": ["staff"]}));
    assert_eq!(told["objectRef"], json!({"resource": "secrets", "namespace": "shop", "apiVersion": "v1"}));
    assert_eq!(told["responseStatus"], json!({"metadata": {}, "code": 201}));
    assert_eq!(told["annotations"]["authorization.k8s.io/decision"], "allow");
}

#[test]
fn an_identifier_is_taken_as_it_comes_when_it_is_one() {
    assert_eq!(Event::id(Some("3f2-a")), "3f2-a");
    for bad in ["", "a b", "a\nb", &"x".repeat(65)] {
        assert_eq!(Event::id(Some(bad)).len(), 36);
    }
}

#[tokio::test]
async fn lines_go_to_the_file_that_has_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let (path, moved) = (folder.path().join("audit.log"), folder.path().join("audit.log.1"));
    let target = Target::File(path.clone());
    let audit = Audit::open(AuditOptions { target, mode: Mode::Blocking, queue_bytes: 1 << 20 }, counts()).unwrap();
    audit.recorded(&event("first")).await;
    // It is written as soon as the call has returned.
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1);
    std::fs::rename(&path, &moved).unwrap();
    audit.reopen();
    audit.recorded(&event("second")).await;
    assert!(std::fs::read_to_string(&path).unwrap().contains("second"));
    assert!(!std::fs::read_to_string(&moved).unwrap().contains("second"));
    audit.close();
}

#[test]
fn what_has_no_room_is_lost_and_what_has_is_written_before_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let one = event("1").line().len();
    let lost = Arc::new(metrics::atomics::AtomicU64::new(0));
    let counts = AuditCounts { written: Counter::noop(), lost: Counter::from_arc(Arc::clone(&lost)) };
    let options = AuditOptions { target: Target::File(path.clone()), mode: Mode::Batch, queue_bytes: one - 1 };
    let audit = Audit::open(options, counts.clone()).unwrap();
    audit.record(&event("1"));
    assert_eq!(lost.load(Ordering::Relaxed), 1);
    audit.close();
    let options = AuditOptions { target: Target::File(path.clone()), mode: Mode::Batch, queue_bytes: 3 * one };
    let audit = Audit::open(options, counts).unwrap();
    audit.record(&event("2"));
    audit.record(&event("3"));
    audit.close();
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);
}
