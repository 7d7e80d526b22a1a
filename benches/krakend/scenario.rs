//! What is measured, and the backends.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use crate::BACKENDS;
use crate::support::process::{find, write};

/// A kind of endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// An answer that is passed on as it is.
    Opaque,
    /// One backend: decoded, and encoded again.
    One,
    /// Three backends, with a group, a target, an allow list and a mapping.
    Merged,
    /// A JSON document of 65 KiB, of which one member is left out.
    Large,
}

impl Scenario {
    pub const ALL: [Self; 4] = [Self::Opaque, Self::One, Self::Merged, Self::Large];

    pub fn name(self) -> &'static str {
        match self {
            Self::Opaque => "opaque",
            Self::One => "one",
            Self::Merged => "merged",
            Self::Large => "large",
        }
    }

    pub fn path(self) -> &'static str {
        match self {
            Self::Opaque => "/opaque",
            Self::One => "/one",
            Self::Merged => "/merged",
            Self::Large => "/large",
        }
    }
}

/// The configuration of both, at this port.
pub fn configuration(port: u16) -> String {
    let backend = |path: &str, more: &str| {
        format!(r#"{{"host": ["http://127.0.0.1:{BACKENDS}"], "url_pattern": "{path}"{more}}}"#)
    };
    let endpoint = |scenario: Scenario, more: &str, backends: &[String]| {
        format!(r#"{{"endpoint": "{}"{more}, "backend": [{}]}}"#, scenario.path(), backends.join(", "))
    };
    let endpoints = [
        endpoint(Scenario::Opaque, r#", "output_encoding": "no-op""#, &[backend("/user.json", "")]),
        endpoint(Scenario::One, "", &[backend("/user.json", "")]),
        endpoint(
            Scenario::Merged,
            "",
            &[
                backend("/user.json", r#", "group": "user", "allow": ["name", "address.city"]"#),
                backend("/orders.json", r#", "target": "data", "mapping": {"orders": "recent"}"#),
                backend("/stats.json", r#", "allow": ["hits", "visits.today"]"#),
            ],
        ),
        endpoint(Scenario::Large, "", &[backend("/large.json", r#", "deny": ["secret"]"#)]),
    ];
    format!(r#"{{"version": 3, "port": {port}, "timeout": "10s", "endpoints": [{}]}}"#, endpoints.join(",\n"))
}

/// nginx with the documents that the backends answer.
pub fn backends(folder: &Path, port: u16) -> Command {
    let user = r#"{"id":17,"name":"Ann Example","email":"ann@example.test","address":{"street":"Main Street 1","city":"Oslo","zip":"0150"},"tags":["a","b"],"active":true}"#;
    let orders =
        r#"{"status":"ok","data":{"orders":[{"id":1,"total":10.50},{"id":2,"total":7.25}],"more":false},"took":3}"#;
    let stats = r#"{"hits":120,"misses":4,"visits":{"today":12,"total":90210},"debug":{"node":"n1"}}"#;
    write(folder, "user.json", user);
    write(folder, "orders.json", orders);
    write(folder, "stats.json", stats);
    write(folder, "large.json", &large());
    let config = format!(
        "worker_processes 1; daemon off; pid {0}/backends.pid; error_log {0}/backends.log; events {{ worker_connections 16384; }}
         http {{ access_log off; keepalive_requests 100000000; default_type application/json; server {{
         listen 127.0.0.1:{port} backlog=4096; root {0}; }} }}",
        folder.display()
    );
    let mut command = Command::new(find("nginx").expect("nginx is needed (Debian: nginx-light)"));
    command.arg("-c").arg(write(folder, "backends.conf", &config));
    command
}

/// Items as a shop lists them, until there are 65 KiB.
fn large() -> String {
    let mut text = r#"{"secret":"left out","items":["#.to_owned();
    let mut number = 0;
    while text.len() < 65 << 10 {
        let comma = if number == 0 { "" } else { "," };
        let _ = write!(
            text,
            r#"{comma}{{"id":{number},"sku":"item-{number:06}","price":{}.95,"stock":{{"oslo":{},"bergen":0}},"tags":["new","<sale>"],"note":"line one\nline two","active":true}}"#,
            number % 97,
            number % 13,
        );
        number += 1;
    }
    text.push_str("]}");
    text
}
