//! Programs that are known by what they call themselves.

use std::sync::Arc;

use backstay_proto::config::{BotDetection, Guards};
use backstay_proxy::counts::{Guard, ServerMetrics};
use backstay_proxy::server::Options;
use http::Request;

use crate::support::guards::{Guarded, below};
use crate::support::{ANY_PORT, Proxy, access_log, ask, socket, text};

fn bots(allow: &[&str], deny: &[&str], patterns: &[&str], empty_is_bot: bool) -> Guards {
    let owned = |of: &[&str]| of.iter().map(|&text| text.to_owned()).collect();
    let bots = BotDetection { allow: owned(allow), deny: owned(deny), patterns: owned(patterns), empty_is_bot };
    Guards { bots: Some(bots), ..Guards::default() }
}

/// The statuses of requests with these values of `User-Agent`.
async fn statuses(proxy: &Proxy, path: &str, agents: &[Option<&str>]) -> Vec<u16> {
    let mut statuses = Vec::new();
    for agent in agents {
        let mut request = Request::get(path);
        if let Some(agent) = agent {
            request = request.header("user-agent", *agent);
        }
        let answer = ask(proxy.address, request).await;
        if answer.status == 403 {
            assert_eq!((answer.text(), answer.header("content-type")), ("", ""));
        }
        statuses.push(answer.status.as_u16());
    }
    statuses
}

#[tokio::test]
async fn names_are_refused_whole_and_by_pattern() {
    let guards = bots(&["good spider"], &["exact"], &["(?i)spider", "^curl/[0-9]"], false);
    let metrics = Arc::new(ServerMetrics::default());
    let options = Options { metrics: Arc::clone(&metrics), ..Options::default() };
    let table = Guarded::rule(guards).table(below("/"), text(200, "ok"));
    let proxy = Proxy::with(options, socket(ANY_PORT, table)).await;
    let agents = ["browser", "good spider", "exact", "exactly", "a SPIDER", "curl/8", "x curl/8", ""];
    let agents: Vec<_> = agents.into_iter().map(Some).chain([None]).collect();
    assert_eq!(statuses(&proxy, "/", &agents).await, [200, 200, 403, 200, 403, 403, 200, 200, 200]);
    assert_eq!(metrics.guards.get(Guard::Bots), 3);
}

#[tokio::test]
async fn the_nameless_are_refused_where_that_is_asked_for() {
    let proxy = Proxy::start(Guarded::rule(bots(&[], &[], &[], true)).table(below("/"), text(200, "ok"))).await;
    assert_eq!(statuses(&proxy, "/", &[Some("any"), Some(""), None]).await, [200, 403, 403]);
}

#[tokio::test]
async fn a_route_and_its_rule_are_both_asked() {
    let guarded = Guarded { route: Some(bots(&[], &["a"], &[], false)), rule: Some(bots(&["a"], &["b"], &[], false)) };
    let (log, lines) = access_log();
    let table = guarded.table(below("/here"), text(200, "ok"));
    let proxy = Proxy::with(Options { access_log: Some(log), ..Options::default() }, socket(ANY_PORT, table)).await;
    let agents = [Some("a"), Some("b"), Some("c")];
    assert_eq!(statuses(&proxy, "/here", &agents).await, [403, 403, 200]);
    // What no rule matches is the route's alone.
    assert_eq!(statuses(&proxy, "/elsewhere", &agents).await, [403, 404, 404]);
    let told: Vec<_> = (0..6)
        .map(|_| {
            let line = lines.next();
            (line["route"].clone(), line["details"].clone())
        })
        .collect();
    let of = |details: &str| (serde_json::json!("route/test"), serde_json::json!(details));
    let expected =
        ["bot_refused", "bot_refused", "direct_response", "bot_refused", "route_not_found", "route_not_found"];
    assert_eq!(told, expected.map(of));
}
