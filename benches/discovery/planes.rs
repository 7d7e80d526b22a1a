//! The control planes that are compared.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use crate::support::backend;
use crate::support::http::Client;
use crate::support::process::{Process, control_plane_with};

const BACKENDS: &str = "/apis/core.apoxy.dev/v1alpha2/backends";
const GATEWAY_API: &str = "/apis/gateway.networking.k8s.io/v1";
/// The most rules that one HTTPRoute takes.
const RULES: usize = 16;

/// A control plane with its configuration.
pub struct Plane {
    pub name: &'static str,
    pub process: Process,
    pub xds: SocketAddr,
    pub type_url: &'static str,
    /// How many resources it serves.
    pub resources: usize,
    change: Change,
    _folder: Option<tempfile::TempDir>,
}

enum Change {
    Put(RefCell<Client>),
    Ask(RefCell<Client>),
}

impl Plane {
    /// Those that there are, each with so many backends, made when they are asked for.
    pub fn all(backends: usize) -> impl Iterator<Item = Self> {
        let peer = std::env::var_os("GO_CONTROL_PLANE").map(PathBuf::from);
        std::iter::once_with(move || Self::own(backends)).chain(peer.map(|program| Self::go(program, backends)))
    }

    fn own(backends: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (api, xds) = (SocketAddr::from(([127, 0, 0, 1], 21680)), SocketAddr::from(([127, 0, 0, 1], 21681)));
        let process = control_plane_with(folder.path(), api, xds, &["--limit", "max-new-streams-a-second=100000"]);
        let mut client = Client::connect(api);
        let routes = fill(&mut client, backends);
        Self {
            name: "backstay",
            process,
            xds,
            type_url: "type.googleapis.com/backstay.config.v1.Resource",
            resources: backends + routes + 1,
            change: Change::Put(RefCell::new(client)),
            _folder: Some(folder),
        }
    }

    fn go(program: PathBuf, backends: usize) -> Self {
        let (control, xds) = (SocketAddr::from(([127, 0, 0, 1], 21690)), SocketAddr::from(([127, 0, 0, 1], 21691)));
        let mut command = Command::new(program);
        command.args(["-control", &control.to_string(), "-xds", &xds.to_string(), "-count", &backends.to_string()]);
        let mut process = Process::spawn("go-control-plane", &mut command);
        process.wait_for(control);
        Self {
            name: "go-control-plane",
            process,
            xds,
            type_url: "type.googleapis.com/envoy.config.cluster.v3.Cluster",
            resources: backends,
            change: Change::Ask(RefCell::new(Client::connect(control))),
            _folder: None,
        }
    }

    /// Changes one backend. Returns when that is done, which may be before or after anybody hears of it.
    pub fn change(&self, number: usize) {
        let answer = match &self.change {
            Change::Put(client) => {
                let ip = if number % 2 == 0 { "127.0.0.2" } else { "127.0.0.1" };
                client.borrow_mut().put(&format!("{BACKENDS}/b0"), &backend("b0", ip))
            }
            Change::Ask(client) => client.borrow_mut().get("/change"),
        };
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    }
}

/// One Gateway, Backends, and routes that lead to all of them. Returns how many routes.
fn fill(client: &mut Client, backends: usize) -> usize {
    let mut create = |path: &str, body: &str| {
        let answer = client.post(path, body);
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    };
    create(
        &format!("{GATEWAY_API}/namespaces/default/gateways"),
        r#"{"apiVersion":"gateway.networking.k8s.io/v1","kind":"Gateway","metadata":{"name":"web"},"spec":{"gatewayClassName":"backstay","listeners":[{"name":"http","protocol":"HTTP","port":21689}]}}"#,
    );
    for number in 0..backends {
        create(BACKENDS, &backend(&format!("b{number}"), "127.0.0.1"));
    }
    let numbers: Vec<usize> = (0..backends).collect();
    for (index, numbers) in numbers.chunks(RULES).enumerate() {
        let rule = |number: &usize| {
            format!(
                r#"{{"matches":[{{"path":{{"type":"Exact","value":"/b{number}"}}}}],"backendRefs":[{{"group":"core.apoxy.dev","kind":"Backend","name":"b{number}","port":8080}}]}}"#
            )
        };
        let rules: Vec<_> = numbers.iter().map(rule).collect();
        let rules = rules.join(",");
        create(
            &format!("{GATEWAY_API}/namespaces/default/httproutes"),
            &format!(
                r#"{{"apiVersion":"gateway.networking.k8s.io/v1","kind":"HTTPRoute","metadata":{{"name":"r{index}"}},"spec":{{"parentRefs":[{{"name":"web"}}],"rules":[{rules}]}}}}"#
            ),
        );
    }
    backends.div_ceil(RULES)
}
