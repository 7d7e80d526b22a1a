//! The chart's pods, as processes.

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::{Value, json};

use super::{is_test, template};
use crate::harness::cluster::Cluster;
use crate::harness::etcd;
use crate::harness::{Client, port, tools};

/// Who `helm test` is, to the cluster.
pub(super) const TESTER: &str = "system:serviceaccount:traffic:edge-backstay-test";

/// A release whose pods are there and do not run yet.
pub(super) struct Release {
    pub(super) cluster: Cluster,
    /// The port of the Gateway of `helm test`.
    listens: u16,
    pub(super) test: Vec<Value>,
}

impl Release {
    /// Of these values; the test's port is one of this machine. None where there is no Helm.
    pub(super) async fn of(values: Value) -> Option<Self> {
        Self::changed(values, |_| {}).await
    }

    /// The same, with something changed in what is rendered.
    async fn changed(mut values: Value, change: impl Fn(&mut Value)) -> Option<Self> {
        let helm = tools::helms().into_iter().next()?;
        if !tools::answers("curl", &["--version"]) {
            tools::lacking("curl", "helm test asks with it");
            return None;
        }
        let listens = port::free();
        values["test"]["port"] = json!(listens);
        let (test, objects): (Vec<_>, Vec<_>) = template(&helm, &values).into_iter().partition(is_test);
        let objects: Vec<_> = objects
            .into_iter()
            .map(|mut object| {
                change(&mut object);
                object
            })
            .collect();
        let mut cluster = Cluster::new().await;
        cluster.apply(&objects).await;
        Some(Self { cluster, listens, test })
    }

    /// Starts pods of a component, all at once, and waits until they are ready.
    pub(super) async fn start(&mut self, component: &str) -> Vec<String> {
        let pods = self.cluster.pods_with("app.kubernetes.io/component", component);
        for pod in &pods {
            self.cluster.start(pod).await;
        }
        pods
    }

    pub(super) async fn ready(&mut self, pods: &[String]) {
        for pod in pods {
            self.cluster.ready(pod).await;
        }
    }

    /// What `helm test` does, up to the request: it ends with its Backend in force.
    async fn apply_and_ask(&mut self) -> String {
        self.cluster.allow(TESTER);
        // Each pod has a loopback of its own, and a Backend that is on it is asked for in one of them here.
        let proxy = self.cluster.pods_with("app.kubernetes.io/component", "proxy").remove(0);
        let address = self.cluster.pod(&proxy).address.to_string();
        self.cluster.replace("{ip: 127.0.0.1}", &format!("{{ip: {address}}}"));
        let pod = self.cluster.apply(&self.test).await.remove(0);
        self.cluster.start(&pod).await;
        pod
    }

    /// What the test's route answers, straight at the Gateway.
    async fn ask(&self) -> u16 {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.listens));
        let answer = Client::new().get(address, "edge-backstay-test.traffic.svc", "/ready").await;
        answer.map_or(0, |answer| answer.status.as_u16())
    }
}

/// Probes and drain are what they are in a pod, but for the time that a load balancer would take to notice.
fn proxies() -> Value {
    json!({"drainDelaySeconds": 0, "drainTimeoutSeconds": 10, "threads": 1})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_serves_and_goes_on_when_the_control_plane_dies() {
    let values = json!({"proxy": proxies(), "fleets": {"default": {"replicas": 1}}});
    let Some(mut release) = Release::of(values).await else { return };
    let control_plane = release.start("control-plane").await;
    assert_eq!(control_plane, ["edge-backstay-control-plane-0"]);
    release.ready(&control_plane).await;
    // Its authority's certificate is what proxies wait for.
    let proxies = release.start("proxy").await;
    let published = release.cluster.config_map("traffic", "edge-backstay-ca", "ca.crt").unwrap();
    assert!(published.starts_with("-----BEGIN CERTIFICATE-----"), "{published}");
    release.ready(&proxies).await;

    let test = release.apply_and_ask().await;
    let said = release.cluster.ended(&test);
    assert!(said.contains("deleted"), "{said}");

    // Once more, and this time it stays.
    let init = release.test.iter_mut().find(|object| object["kind"] == "Pod").unwrap();
    init["metadata"]["name"] = json!("stays");
    init["spec"]["containers"] = json!([]);
    release.apply_and_ask().await;
    assert_eq!(release.ask().await, 200);
    release.cluster.kill(&control_plane[0]);
    assert_eq!(release.ask().await, 200);
    assert!(release.cluster.passes(&proxies[0], "livenessProbe").await, "it is none of a proxy's business");
    // A restart of the container finds what it had.
    release.cluster.terminate(&proxies[0]);
    assert_eq!(release.ask().await, 0);
    release.cluster.start(&proxies[0]).await;
    release.ready(&proxies).await;
    assert_eq!(release.ask().await, 200);
    // And the control plane finds its volume, and its authority, which proxies still trust.
    release.cluster.start(&control_plane[0]).await;
    release.ready(&control_plane).await;
    assert_eq!(release.cluster.config_map("traffic", "edge-backstay-ca", "ca.crt").unwrap(), published);
    release.apply_and_ask().await;
    release.cluster.terminate(&proxies[0]);
    release.cluster.terminate(&control_plane[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_joins_its_own_fleet_alone() {
    let values = json!({"proxy": proxies(), "fleets": {"default": {"replicas": 1}, "edge": {"replicas": 1}}});
    // As somebody would do who has taken over a proxy of the one fleet and would like to have the keys of the other.
    let steal = |object: &mut Value| {
        if object["metadata"]["name"] == "edge-backstay-proxy-edge" && object["kind"] == "Deployment" {
            object["spec"]["template"]["spec"]["serviceAccountName"] = json!("edge-backstay-proxy-default");
        }
    };
    let Some(mut release) = Release::changed(values, steal).await else { return };
    let control_plane = release.start("control-plane").await;
    release.ready(&control_plane).await;
    let own = release.cluster.pods_with("backstay.dev/fleet", "default");
    let other = release.cluster.pods_with("backstay.dev/fleet", "edge");
    release.cluster.start(&own[0]).await;
    release.cluster.start(&other[0]).await;
    release.ready(&own).await;
    release.cluster.pod(&other[0]).wait_for_line("may not join the fleet");
    assert!(!release.cluster.passes(&other[0], "readinessProbe").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_etcd_another_control_plane_takes_over() {
    if etcd::program().is_none() {
        return;
    }
    let cluster = etcd::blocking(|| etcd::Cluster::of(1));
    let values = json!({
        "proxy": proxies(),
        "controlPlane": {"store": {"type": "etcd", "etcd": {"endpoints": cluster.endpoints(), "prefix": "/chart"}}},
        // They would both listen on one port of this machine.
        "fleets": {"default": {"replicas": 1}},
    });
    let Some(mut release) = Release::of(values).await else { return };
    let control_planes = release.start("control-plane").await;
    assert_eq!(control_planes.len(), 2);
    let first = release.first_ready(&control_planes).await;
    let proxies = release.start("proxy").await;
    release.ready(&proxies).await;
    let init = release.test.iter_mut().find(|object| object["kind"] == "Pod").unwrap();
    init["spec"]["containers"] = json!([]);
    release.apply_and_ask().await;
    release.cluster.kill(&first);
    assert_eq!(release.ask().await, 200);
    let others: Vec<_> = control_planes.into_iter().filter(|name| *name != first).collect();
    release.ready(&others).await;
    // It can be changed again, and proxies are told by the other one.
    release.apply_and_ask().await;
    assert_eq!(release.ask().await, 200);
}

impl Release {
    /// The first of these pods that is ready; all are in the end.
    async fn first_ready(&mut self, pods: &[String]) -> String {
        loop {
            for pod in pods {
                if self.cluster.passes(pod, "readinessProbe").await {
                    self.cluster.ready(pod).await;
                    return pod.clone();
                }
            }
            tokio::task::yield_now().await;
        }
    }
}
