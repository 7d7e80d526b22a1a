//! Who may look at requests, and what is written of it.

use serde_json::Value;

use super::setting::Setting;
use crate::harness::backstay;
use crate::harness::etcd::blocking;

#[tokio::test(flavor = "multi_thread")]
async fn whoever_looks_at_requests_may_and_is_written_down_with_the_filter() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.log");
    let setting = Setting::start(&["--audit-log", log.to_str().unwrap(), "--audit-mode", "blocking"]);
    let top = |user: &str| {
        let token = setting.file(&format!("{user}.token"));
        std::fs::write(&token, setting.token(user)).unwrap();
        let server = setting.control_plane.server();
        let arguments = ["top", "--server", &server, "--token-file", token.to_str().unwrap(), "--backend", "shop"];
        backstay([&arguments[..], &["--fleet", "default", "--interval", "200ms", "--count", "1"]].concat())
    };
    let allowed = blocking(|| top("admin"));
    assert!(allowed.status.success(), "{}", String::from_utf8_lossy(&allowed.stderr));
    for user in ["view", "edit"] {
        let refused = blocking(|| top(user));
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains("backstay:tap"), "{user}: {said}");
    }
    let text = std::fs::read_to_string(&log).unwrap();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> = events
        .iter()
        .map(|event| {
            let asked = &event["objectRef"];
            assert_eq!((&asked["resource"], &asked["subresource"]), (&"proxies".into(), &"tap".into()), "{event}");
            (
                event["user"]["username"].as_str().unwrap(),
                event["verb"].as_str().unwrap(),
                event["responseStatus"]["code"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [("admin", "watch", 200), ("view", "watch", 403), ("edit", "watch", 403)]);
    assert_eq!(events[0]["annotations"]["backstay.dev/live"], "top fleets/default backend=\"shop\"");
}
