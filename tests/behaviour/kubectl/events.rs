//! Events, as kubectl shows them.

use super::{API, with_each_kubectl};

const EVENT: &str = "
apiVersion: v1
kind: Event
metadata: {name: deploy.1, namespace: default}
involvedObject: {apiVersion: core.apoxy.dev/v1alpha2, kind: Backend, name: api}
reason: Deployed
message: by hand
type: Warning
firstTimestamp: 2026-01-02T03:04:05Z
lastTimestamp: 2026-01-02T03:04:05Z
count: 1
source: {component: deploy}
";

#[test]
fn describe_and_events_tell_the_story() {
    with_each_kubectl(|kubectl| {
        kubectl.ok_with(&["apply", "-f", "-"], API);
        let about = "--field-selector=involvedObject.name=api,involvedObject.kind=Backend,reason=Accepted";
        // `kubectl wait` fails while there is nothing that it could wait for.
        while kubectl.ok(&["get", "events", about, "-o", "name"]).is_empty() {
            std::thread::yield_now();
        }
        let described = kubectl.ok(&["describe", "backend", "api"]);
        let events = described.split("Events:").nth(1).unwrap_or_else(|| panic!("{described}"));
        assert!(events.contains("Normal") && events.contains("Accepted") && events.contains("backstay"), "{described}");
        let listed = kubectl.ok(&["events", "--for", "backend/api"]);
        assert!(listed.contains("Accepted") && listed.contains("Backend/api"), "{listed}");

        kubectl.ok_with(&["create", "-f", "-"], EVENT);
        let sorted = kubectl.ok(&["get", "events", "--sort-by=.lastTimestamp"]);
        let lines: Vec<_> = sorted.lines().collect();
        assert!(lines[0].starts_with("LAST SEEN   TYPE      REASON"), "{sorted}");
        assert!(lines[1].contains("Deployed") && lines[1].contains("backend/api"), "the oldest comes first: {sorted}");
        let warnings = kubectl.ok(&["events", "--types=Warning"]);
        assert!(warnings.contains("by hand") && !warnings.contains("Accepted"), "{warnings}");
        let newer =
            kubectl.ok(&["get", "events.v1.events.k8s.io", "deploy.1", "-o", "jsonpath={.note} {.regarding.name}"]);
        assert_eq!(newer, "by hand api");
        assert!(kubectl.ok(&["delete", "event", "deploy.1"]).starts_with("event \"deploy.1\" deleted"));
    });
}
