//! A container as a process: what is mounted, and named in its command line, is put where it is on this machine.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;

use super::{Name, Pod, Service, Shared, in_namespace, list, number, token};
use crate::harness::etcd::blocking;
use crate::harness::process::Process;
use crate::harness::tls::Session;
use crate::harness::{Client, PATIENCE};

/// What is around it.
pub(super) struct Context<'a> {
    pub(super) shared: &'a Shared,
    pub(super) services: &'a BTreeMap<Name, Service>,
    /// What stands for `in-cluster`.
    pub(super) kubeconfig: PathBuf,
    pub(super) replaced: &'a [(String, String)],
}

/// A container that was started.
#[derive(Debug)]
pub(super) struct Container {
    spec: Value,
    address: Ipv4Addr,
    process: Process,
}

impl Container {
    /// Waits for what is to be mounted, as a kubelet does, and starts it.
    pub(super) async fn start(spec: &Value, pod: &Pod, context: &Context<'_>) -> Self {
        let mut places = Places { pod, context, mounts: Vec::new() };
        for mount in list(&spec["volumeMounts"]) {
            let volume = list(&pod.spec["volumes"]).iter().find(|volume| volume["name"] == mount["name"]);
            let folder = places.mount(mount["name"].as_str().unwrap(), volume).await;
            places.mounts.push((mount["mountPath"].as_str().unwrap().to_owned(), folder));
        }
        // The longest first: one may be in another.
        places.mounts.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        let environment: BTreeMap<String, String> = list(&spec["env"])
            .iter()
            .map(|variable| {
                let name = variable["name"].as_str().unwrap().to_owned();
                let value = match variable["valueFrom"]["fieldRef"]["fieldPath"].as_str() {
                    Some("metadata.name") => pod.name.clone(),
                    Some("metadata.namespace") => pod.namespace.clone(),
                    Some("status.podIP") => pod.address.to_string(),
                    Some(path) => panic!("{path} is not known here"),
                    None => places.here(variable["value"].as_str().unwrap()),
                };
                (name, value)
            })
            .collect();
        let mut words: Vec<String> = list(&spec["command"]).iter().chain(list(&spec["args"])).map(text).collect();
        let program = match spec["command"].is_array() {
            true => words.remove(0),
            false => env!("CARGO_BIN_EXE_backstay").to_owned(),
        };
        let mut command = Command::new(&program);
        for word in &words {
            let word =
                environment.iter().fold(word.clone(), |word, (name, value)| word.replace(&format!("$({name})"), value));
            command.arg(if program == "curl" { word } else { places.here(&word) });
        }
        // A Service is at a port of this machine. A proxy looks for its name in the certificate all the same; curl asks for it by name.
        for (name, port, here) in &places.names_in(&words) {
            match program.as_str() {
                "curl" => command.args(["--connect-to", &format!("{name}:{port}:127.0.0.1:{here}")]),
                _ if words.iter().any(|word| word == "proxy") => command.arg(format!("--tls-server-name={name}")),
                _ => &mut command,
            };
        }
        let name = format!("{}/{}", pod.name, spec["name"].as_str().unwrap());
        Self { spec: spec.clone(), address: pod.address, process: Process::of(command, &name, &environment) }
    }

    /// Waits until it passes a probe, if it has it.
    pub(super) async fn pass(&mut self, probe: &str) {
        let times = &self.spec[probe];
        // How often it may fail before a kubelet would have started it again; time is not what is tested.
        let period = Duration::from_millis(50);
        let most = PATIENCE.as_millis() / period.as_millis();
        for _ in 0..most {
            if times.is_null() || self.passes(probe).await {
                return;
            }
            tokio::time::sleep(period).await;
        }
        panic!("{probe} is not passed; it printed:\n{}", self.printed());
    }

    /// Whether it passes a probe now.
    pub(super) async fn passes(&self, probe: &str) -> bool {
        let asked = &self.spec[probe]["httpGet"];
        if asked.is_null() {
            return true;
        }
        let named = |name: &str| list(&self.spec["ports"]).iter().find(|port| port["name"] == name).cloned();
        let port = match asked["port"].as_str() {
            Some(name) => number(&named(name).unwrap()["containerPort"]),
            None => number(&asked["port"]),
        };
        let (address, path) = (SocketAddr::from((self.address, port)), asked["path"].as_str().unwrap());
        // A kubelet does not verify certificates, and takes any answer below 400.
        if asked["scheme"] == "HTTPS" {
            let Ok(mut session) = Session::open(address, &self.address.to_string(), &[]).await else { return false };
            session.get(path).await.is_ok_and(|(status, _)| status.as_u16() < 400)
        } else {
            let host = address.to_string();
            Client::new().get(address, &host, path).await.is_ok_and(|answer| answer.status.as_u16() < 400)
        }
    }

    pub(super) fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    pub(super) fn wait(&mut self) -> ExitStatus {
        blocking(|| self.process.wait())
    }

    pub(super) fn wait_for_line(&self, text: &str) {
        blocking(|| self.process.wait_for_line(text));
    }

    pub(super) fn printed(&self) -> String {
        self.process.printed()
    }
}

/// Where what a container knows is on this machine.
struct Places<'a> {
    pod: &'a Pod,
    context: &'a Context<'a>,
    /// Folders by the paths that they are mounted at.
    mounts: Vec<(String, PathBuf)>,
}

impl Places<'_> {
    /// The folder of a volume, filled.
    async fn mount(&mut self, name: &str, volume: Option<&Value>) -> PathBuf {
        let folder = self.pod.folder.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let Some(volume) = volume else {
            // The claim of a StatefulSet: it outlives the pod.
            std::fs::create_dir_all(self.pod.claims.join(name)).unwrap();
            return self.pod.claims.join(name);
        };
        if let Some(source) = volume["configMap"].as_object() {
            let map =
                object(&self.context.shared.config_maps, in_namespace(&self.pod.namespace, &source["name"])).await;
            for (key, value) in map["data"].as_object().into_iter().flatten() {
                let replaced = self.context.replaced.iter();
                let value = replaced.fold(text(value), |text, (from, to)| text.replace(from, to));
                super::write(&folder.join(key), value.as_bytes());
            }
        } else if let Some(source) = volume["secret"].as_object() {
            let secret =
                object(&self.context.shared.secrets, in_namespace(&self.pod.namespace, &source["secretName"])).await;
            let items = source.get("items").map(list).unwrap_or_default();
            for (key, value) in secret["stringData"].as_object().into_iter().flatten() {
                if items.is_empty() || items.iter().any(|item| item["key"] == key.as_str()) {
                    super::write(&folder.join(key), text(value).as_bytes());
                }
            }
        } else if let Some(source) = volume["projected"].as_object() {
            for source in list(&source["sources"]) {
                let of = &source["serviceAccountToken"];
                let account = super::account(&self.pod.spec);
                let token = token(&self.pod.namespace, account, of["audience"].as_str());
                super::write(&folder.join(of["path"].as_str().unwrap()), token.as_bytes());
            }
        } else {
            assert!(volume["emptyDir"].is_object(), "a volume of a kind that is not known here: {volume}");
        }
        folder
    }

    /// A word of the command line, as it is here.
    fn here(&self, word: &str) -> String {
        let mut word = self
            .mounts
            .iter()
            .fold(word.to_owned(), |word, (path, folder)| word.replace(path.as_str(), &folder.display().to_string()));
        for (name, port, here) in self.names_in(std::slice::from_ref(&word)) {
            word = word.replace(&format!("{name}:{port}"), &format!("localhost:{here}"));
        }
        // Each pod has a loopback of its own.
        let address = self.pod.address.to_string();
        let word = word.replace("=0.0.0.0:", &format!("={address}:")).replace("=127.0.0.1:", &format!("={address}:"));
        word.replace("=in-cluster", &format!("={}", self.context.kubeconfig.display()))
    }

    /// Services that words name, each with its port and the port of this machine.
    fn names_in(&self, words: &[String]) -> Vec<(String, u16, u16)> {
        let mut found = Vec::new();
        for ((namespace, name), service) in self.context.services {
            let name = format!("{name}.{namespace}.svc");
            for (port, here) in service.ports() {
                if words.iter().any(|word| word.contains(&format!("//{name}:{port}"))) {
                    found.push((name.clone(), port, here));
                }
            }
        }
        found
    }
}

/// An object, once it is there.
async fn object(objects: &Mutex<BTreeMap<Name, Value>>, name: Name) -> Value {
    let looking = async {
        loop {
            if let Some(object) = objects.lock().unwrap().get(&name) {
                return object.clone();
            }
            tokio::task::yield_now().await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, looking).await;
    found.unwrap_or_else(|_| panic!("{name:?} is not there"))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}
