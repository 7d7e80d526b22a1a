//! The compose file, run as processes: each service has a loopback address of its own in place of a container.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::harness::cluster::documents;
use crate::harness::etcd;
use crate::harness::process::Process;
use crate::harness::traffic::until;
use crate::harness::{Client, Upstream, port};

/// The services of the file, and where each of them is here.
struct Composed {
    services: BTreeMap<String, Value>,
    addresses: BTreeMap<String, Ipv4Addr>,
    scratch: tempfile::TempDir,
    /// Where its Gateway listens, in place of 8080.
    listens: u16,
}

impl Composed {
    fn read() -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/compose/compose.yaml");
        let composed = documents(&std::fs::read_to_string(file).unwrap()).remove(0);
        let services: BTreeMap<_, _> = composed["services"].as_object().unwrap().clone().into_iter().collect();
        let process = u8::try_from(std::process::id() % 200 + 20).unwrap();
        let address = |index: usize| Ipv4Addr::new(127, process, 250, u8::try_from(index + 1).unwrap());
        let addresses = services.keys().enumerate().map(|(index, name)| (name.clone(), address(index))).collect();
        Self { services, addresses, scratch: tempfile::tempdir().unwrap(), listens: port::free() }
    }

    /// A word of a service's command, as it is here.
    fn here(&self, service: &str, word: &str) -> String {
        let own = self.addresses[service].to_string();
        let mut word = word.replace("0.0.0.0:", &format!("{own}:")).replace("127.0.0.1:", &format!("{own}:"));
        for (name, address) in &self.addresses {
            word = word.replace(&format!("//{name}:"), &format!("//{address}:"));
        }
        word.replace("/var/lib", &self.scratch.path().join(service).display().to_string())
            .replace("/manifests", &self.scratch.path().display().to_string())
    }

    fn start(&self, service: &str) -> Process {
        let of = &self.services[service];
        let mut words = of["command"].as_array().unwrap().iter().map(|word| self.here(service, word.as_str().unwrap()));
        let program = match of["image"].as_str().unwrap() {
            "backstay" => env!("CARGO_BIN_EXE_backstay").to_owned(),
            _ => words.next().unwrap(),
        };
        let mut command = Command::new(if program == "etcd" { etcd::program().unwrap() } else { program.into() });
        command.args(words);
        if of["command"][0] == "proxy" {
            // A container has a loopback of its own.
            command.arg(format!("--admin={}:9901", self.addresses[service]));
        }
        let environment = of["environment"].as_object().into_iter().flatten();
        let environment = environment.map(|(name, value)| (name.clone(), self.here(service, value.as_str().unwrap())));
        let mut environment: BTreeMap<_, _> = environment.collect();
        // On a processor that etcd does not know it asks for this.
        environment.insert("ETCD_UNSUPPORTED_ARCH".to_owned(), std::env::consts::ARCH.replace("aarch64", "arm64"));
        Process::of(command, service, &environment)
    }

    fn at(&self, service: &str, port: u16) -> SocketAddr {
        SocketAddr::from((self.addresses[service], port))
    }

    async fn answers(&self, service: &str, port: u16, path: &str) {
        let address = self.at(service, port);
        let asked = || async move {
            Client::new().get(address, &address.to_string(), path).await.is_ok_and(|answer| answer.status == 200)
        };
        until(&format!("{path} of {service}"), asked).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_serves_and_goes_on_without_a_control_plane() {
    if etcd::program().is_none() {
        return;
    }
    let composed = Composed::read();
    let demo = Upstream::answering_on(composed.at("demo", 9000), "demo").await;
    let manifests = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/compose/demo.yaml");
    let manifests = std::fs::read_to_string(manifests).unwrap();
    // The port must be free on this machine; the demo has an address and no name.
    let manifests = manifests.replace("8080", &composed.listens.to_string());
    let manifests = manifests.replace("fqdn: demo", &format!("ip: {}", composed.addresses["demo"]));
    std::fs::write(composed.scratch.path().join("demo.yaml"), manifests).unwrap();

    let _etcd = composed.start("etcd");
    composed.answers("etcd", 2379, "/health").await;
    let mut first = composed.start("control-plane-1");
    composed.answers("control-plane-1", 7080, "/readyz").await;
    let _second = composed.start("control-plane-2");
    let mut proxy = composed.start("proxy-1");
    let mut apply = composed.start("apply");
    let ended = etcd::blocking(|| apply.wait());
    assert!(ended.success(), "{}", apply.printed());
    composed.answers("proxy-1", 9902, "/ready").await;
    let listens = SocketAddr::from((Ipv4Addr::LOCALHOST, composed.listens));
    let answer = Client::new().get(listens, "any.example", "/").await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.text()), (200, "demo".to_owned()));
    etcd::blocking(|| first.kill());
    assert_eq!(Client::new().get(listens, "any.example", "/").await.unwrap().status, 200);
    composed.answers("control-plane-2", 7080, "/readyz").await;
    // Here both have the same machine, and one port: the other one takes its turn, with the control plane that is left.
    etcd::blocking(|| proxy.kill());
    let _other = composed.start("proxy-2");
    composed.answers("proxy-2", 9902, "/ready").await;
    assert_eq!(Client::new().get(listens, "any.example", "/").await.unwrap().status, 200);
    drop(demo);
}
