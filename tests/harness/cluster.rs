//! A cluster without machines: what a chart renders, run as processes of this machine.
//!
//! It reads Deployments, StatefulSets, DaemonSets and Pods, gives each pod a loopback address of its own, mounts ConfigMaps, Secrets,
//! claims and projected tokens as folders, starts the containers, probes them as a kubelet does, and passes connections to a Service on to a pod
//! that is ready. What cannot be had without a machine is left out: images (a container without a command is the binary that is tested), limits,
//! users, network policies, rollouts.
//!
//! - `api_server`: what pods ask of the cluster: whose a token is, what somebody may do, and a ConfigMap that they write.
//! - `container`: a process, with what is mounted and named in its command line put where it is here.
//! - `service`: connections to a Service.

mod api_server;
mod container;
mod service;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use self::api_server::ApiServer;
use self::container::Container;
use self::service::Service;
use super::PATIENCE;

/// Namespace and name.
pub type Name = (String, String);

/// A cluster, and what runs in it.
#[derive(Debug)]
pub struct Cluster {
    shared: Arc<Shared>,
    services: BTreeMap<Name, Service>,
    pods: BTreeMap<String, Pod>,
    api_server: ApiServer,
    /// What claims hold, for as long as the cluster is there.
    folder: tempfile::TempDir,
    /// Texts that are others here, in what is mounted.
    replaced: Vec<(String, String)>,
}

/// What its parts share.
#[derive(Debug, Default)]
struct Shared {
    config_maps: Mutex<BTreeMap<Name, Value>>,
    secrets: Mutex<BTreeMap<Name, Value>>,
    /// Pods that are ready.
    ready: Mutex<BTreeMap<String, Ready>>,
}

/// Where Services may lead.
#[derive(Debug, Clone)]
struct Ready {
    address: Ipv4Addr,
    labels: Value,
    /// Ports of its containers, by name.
    ports: BTreeMap<String, u16>,
}

/// A pod.
#[derive(Debug)]
pub struct Pod {
    pub name: String,
    namespace: String,
    pub address: Ipv4Addr,
    spec: Value,
    labels: Value,
    containers: Vec<Container>,
    folder: tempfile::TempDir,
    /// Where claims are.
    claims: PathBuf,
}

/// Every cluster of this process has pods of other addresses.
static CLUSTERS: AtomicU8 = AtomicU8::new(1);

impl Cluster {
    /// One that nothing runs in.
    pub async fn new() -> Self {
        let shared = Arc::<Shared>::default();
        let folder = tempfile::tempdir().unwrap();
        let api_server = ApiServer::start(Arc::clone(&shared), folder.path()).await;
        Self { shared, services: BTreeMap::new(), pods: BTreeMap::new(), api_server, folder, replaced: Vec::new() }
    }

    /// Has a text be another in what is mounted: what is of a machine there and not of this one here.
    pub fn replace(&mut self, from: &str, to: &str) {
        self.replaced.push((from.to_owned(), to.to_owned()));
    }

    /// Lets a service account do everything, or an account of its own.
    pub fn allow(&mut self, user: &str) {
        self.api_server.allow(user);
    }

    /// Takes over Services, ConfigMaps and Secrets, and makes the pods of workloads, which do not run yet. Other kinds are not looked at.
    /// Yields the names of the pods.
    pub async fn apply(&mut self, objects: &[Value]) -> Vec<String> {
        let network = CLUSTERS.fetch_add(1, Ordering::Relaxed);
        let process = u8::try_from(std::process::id() % 200 + 20).unwrap();
        let mut made = Vec::new();
        for object in objects {
            let name = name_of(object);
            match object["kind"].as_str().unwrap() {
                "ConfigMap" => _ = self.shared.config_maps.lock().unwrap().insert(name, object.clone()),
                "Secret" => _ = self.shared.secrets.lock().unwrap().insert(name, object.clone()),
                "Service" => {
                    let service = Service::start(object, Arc::clone(&self.shared)).await;
                    self.services.insert(name, service);
                }
                "Deployment" | "StatefulSet" | "DaemonSet" => {
                    // One node.
                    let replicas = object["spec"]["replicas"].as_u64().unwrap_or(1);
                    let template = &object["spec"]["template"];
                    for index in 0..replicas {
                        made.push((format!("{}-{index}", name.1), name.0.clone(), template.clone()));
                    }
                }
                "Pod" => made.push((name.1, name.0, object.clone())),
                _ => {}
            }
        }
        let mut names = Vec::new();
        for (name, namespace, template) in made {
            let last = u8::try_from(self.pods.len() + 1).unwrap();
            let pod = Pod {
                name: name.clone(),
                namespace,
                address: Ipv4Addr::new(127, process, network, last),
                spec: template["spec"].clone(),
                labels: template["metadata"]["labels"].clone(),
                containers: Vec::new(),
                folder: tempfile::tempdir().unwrap(),
                claims: self.folder.path().join(&name),
            };
            self.pods.insert(name.clone(), pod);
            names.push(name);
        }
        names
    }

    /// A pod.
    pub fn pod(&self, name: &str) -> &Pod {
        self.pods.get(name).unwrap_or_else(|| panic!("no pod {name} among {:?}", self.pods.keys()))
    }

    /// Names of the pods that have a label.
    pub fn pods_with(&self, label: &str, value: &str) -> Vec<String> {
        let has = |pod: &&Pod| pod.labels[label] == value;
        self.pods.values().filter(has).map(|pod| pod.name.clone()).collect()
    }

    /// The port of this machine at which a port of a Service is.
    pub fn service(&self, namespace: &str, name: &str, port: u16) -> u16 {
        let service = self.services.get(&(namespace.to_owned(), name.to_owned()));
        service.unwrap_or_else(|| panic!("no Service {name}")).local(port)
    }

    /// What a ConfigMap has under a key, if it is there.
    pub fn config_map(&self, namespace: &str, name: &str, key: &str) -> Option<String> {
        let maps = self.shared.config_maps.lock().unwrap();
        let map = maps.get(&(namespace.to_owned(), name.to_owned()))?;
        map["data"][key].as_str().map(str::to_owned)
    }

    /// Starts the containers of a pod, after those that initialize it, each of which ends first.
    pub async fn start(&mut self, name: &str) {
        let mut pod = self.pods.remove(name).unwrap();
        let context = container::Context {
            shared: &self.shared,
            services: &self.services,
            kubeconfig: self.api_server.kubeconfig(&pod.namespace, account(&pod.spec)),
            replaced: &self.replaced,
        };
        for spec in list(&pod.spec["initContainers"]) {
            let mut container = Container::start(spec, &pod, &context).await;
            assert!(container.wait().success(), "{name}: {}", container.printed());
        }
        let mut containers = Vec::new();
        for spec in list(&pod.spec["containers"]) {
            containers.push(Container::start(spec, &pod, &context).await);
        }
        pod.containers = containers;
        self.pods.insert(name.to_owned(), pod);
    }

    /// Waits until every container of a pod has passed its startup and its readiness probe, and lets Services lead there.
    pub async fn ready(&mut self, name: &str) {
        let pod = self.pods.get_mut(name).unwrap();
        let probing = async {
            for container in &mut pod.containers {
                container.pass("startupProbe").await;
                container.pass("readinessProbe").await;
            }
        };
        let passed = tokio::time::timeout(PATIENCE, probing).await;
        let pod = self.pod(name);
        assert!(passed.is_ok(), "{name} is not ready; it printed:\n{}", pod.printed());
        let ports = list(&pod.spec["containers"]).iter().flat_map(|container| list(&container["ports"]));
        let ports = ports.map(|port| (port["name"].as_str().unwrap().to_owned(), number(&port["containerPort"])));
        let ready = Ready { address: pod.address, labels: pod.labels.clone(), ports: ports.collect() };
        self.shared.ready.lock().unwrap().insert(name.to_owned(), ready);
    }

    /// Whether the containers of a pod pass a probe now.
    pub async fn passes(&self, name: &str, probe: &str) -> bool {
        let mut passes = true;
        for container in &self.pod(name).containers {
            passes &= container.passes(probe).await;
        }
        passes
    }

    /// Ends the containers of a pod as a power cut would. What is mounted stays: it is the containers that are started again.
    pub fn kill(&mut self, name: &str) {
        self.shared.ready.lock().unwrap().remove(name);
        self.pods.get_mut(name).unwrap().containers.clear();
    }

    /// Deletes a pod as a kubelet does: Services do not lead there any more, SIGTERM, and what it has of time. It must end by itself.
    pub fn terminate(&mut self, name: &str) {
        self.shared.ready.lock().unwrap().remove(name);
        for container in &mut self.pods.get_mut(name).unwrap().containers {
            container.signal("TERM");
            let status = container.wait();
            assert!(status.success(), "{name} ended with {status}: {}", container.printed());
        }
        self.kill(name);
    }

    /// Waits until the containers of a pod have ended by themselves, and yields what they printed.
    pub fn ended(&mut self, name: &str) -> String {
        let pod = self.pods.get_mut(name).unwrap();
        for container in &mut pod.containers {
            let status = container.wait();
            assert!(status.success(), "{name} ended with {status}: {}", container.printed());
        }
        pod.printed()
    }
}

impl Pod {
    /// What its containers printed.
    pub fn printed(&self) -> String {
        self.containers.iter().map(Container::printed).collect()
    }

    /// Waits until a container has printed a line with this text.
    pub fn wait_for_line(&self, text: &str) {
        self.containers[0].wait_for_line(text);
    }
}

fn name_of(object: &Value) -> Name {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or("default").to_owned();
    (text("namespace"), text("name"))
}

fn number(value: &Value) -> u16 {
    u16::try_from(value.as_u64().unwrap()).unwrap()
}

fn account(spec: &Value) -> &str {
    spec["serviceAccountName"].as_str().unwrap_or("default")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The documents of a YAML text, but for empty ones.
pub fn documents(text: &str) -> Vec<Value> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).unwrap();
    documents.into_iter().filter(|document| !document.is_null()).collect()
}

/// Namespace and name as a reference of the same namespace has them.
fn in_namespace(namespace: &str, name: &Value) -> Name {
    (namespace.to_owned(), name.as_str().unwrap().to_owned())
}

/// A token of a service account, as far as this cluster knows it: three parts, of which the second says whose it is and what for.
fn token(namespace: &str, account: &str, audience: Option<&str>) -> String {
    use base64::Engine as _;
    let user = format!("system:serviceaccount:{namespace}:{account}");
    let claims = json!({"sub": user, "aud": audience.unwrap_or("cluster")}).to_string();
    format!("header.{}.signature", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims))
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}
