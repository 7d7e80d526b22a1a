//! What the chart renders.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::{find, helm, is_test, template, try_find, typed};
use crate::harness::cluster::documents;
use crate::harness::tools;

/// Values that together turn everything on and off.
pub(super) fn matrix() -> Vec<Value> {
    let etcd = json!({
        "type": "etcd",
        "etcd": {"endpoints": ["a:2379", "[::1]:2379"], "tls": {"enabled": true, "secretName": "etcd", "clientCertificate": true},
                 "auth": {"user": "backstay", "secretName": "etcd-user"}, "encryptionKeysSecretName": "keys", "maxRequestBytes": 10_000_000},
    });
    let extras = json!({
        "extraArgs": ["--allowed-host=proxies.example"], "extraEnv": [{"name": "A", "value": "b"}],
        "envFrom": [{"secretRef": {"name": "environment"}}], "extraVolumes": [{"name": "logs", "emptyDir": {}}],
        "extraVolumeMounts": [{"name": "logs", "mountPath": "/var/log"}], "podAnnotations": {"a": "b"}, "podLabels": {"c": "d"},
        "annotations": {"e": "f"}, "nodeSelector": {"disk": "fast"}, "tolerations": [{"operator": "Exists"}],
        "affinity": {"podAntiAffinity": {}}, "topologySpreadConstraints": [], "priorityClassName": "high",
        "serviceAccount": {"create": false, "name": "given"}, "limits": {"max-connections": 1_000_000},
        "initContainers": [{"name": "first", "image": "x"}], "extraContainers": [{"name": "beside", "image": "y"}],
    });
    let mut fleet = extras.clone();
    fleet["ports"] = json!([{"name": "http", "port": 80, "containerPort": 80, "hostPort": 80, "nodePort": 30080, "appProtocol": "http"}]);
    fleet["kind"] = json!("DaemonSet");
    let mut control_plane = extras;
    control_plane["store"] = etcd.clone();
    control_plane["limits"] = json!({"max-watches": 20_000_000});
    vec![
        json!({}),
        json!({"controlPlane": {"store": etcd, "replicas": 3}, "networkPolicy": {"enabled": true}}),
        json!({"controlPlane": control_plane, "fleets": {"edge": fleet, "default": null}, "test": {"fleet": "edge"}}),
        json!({"fleets": {"edge": {"hostNetwork": true, "autoscaling": {"enabled": true, "targetMemoryUtilizationPercentage": 80}}}}),
        json!({"tls": {"mode": "secret", "secret": {"secretName": "given"}}, "rbac": {"aggregate": true}}),
        json!({"tls": {"mode": "cert-manager", "certManager": {"issuerRef": {"name": "own", "kind": "ClusterIssuer"}}}}),
        json!({"tls": {"authority": {"secretName": "given"}, "extraNames": ["backstay.example"]}}),
        json!({"access": {"kubernetes": {"enabled": false}, "tokensSecretName": "tokens", "rolesConfigMapName": "roles"}}),
        json!({"monitoring": {"serviceMonitor": {"enabled": true}, "podMonitor": {"enabled": true}, "prometheusRule": {"enabled": true},
                              "dashboards": {"enabled": true}}}),
        json!({"global": {"imageRegistry": "mirror.example/", "imagePullSecrets": ["a"], "anything": 1}, "imagePullSecrets": [{"name": "b"}],
               "image": {"digest": format!("sha256:{}", "0".repeat(64))}, "commonLabels": {"team": "edge"}, "nameOverride": "gate"}),
        json!({"fullnameOverride": "gate", "namespaceOverride": "elsewhere", "test": {"enabled": false}, "rbac": {"create": false},
               "controlPlane": {"store": {"redb": {"persistence": {"enabled": false}, "encryptionKeysSecretName": "keys"}}}}),
        json!({"networkPolicy": {"enabled": true, "apiFrom": [{"namespaceSelector": {}}], "monitoringFrom": [{"namespaceSelector": {}}]},
               "monitoring": {"serviceMonitor": {"enabled": true}}}),
        json!({"extraObjects": ["apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"{{ .Release.Name }}-own\"}\n",
                                {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other"}}]}),
    ]
}

fn workloads(objects: &[Value]) -> impl Iterator<Item = &Value> {
    objects
        .iter()
        .filter(|object| ["Deployment", "StatefulSet", "DaemonSet"].iter().any(|kind| object["kind"] == *kind))
}

#[test]
fn it_is_well_formed_whatever_the_values_are_and_the_same_every_time_and_with_every_helm() {
    let mut of_others: Option<Vec<Vec<Value>>> = None;
    for binary in tools::helms() {
        let mut rendered = Vec::new();
        for values in matrix() {
            let linted = helm(&binary, &["lint", "--strict"], &values);
            assert!(linted.status.success(), "{values}: {}", String::from_utf8_lossy(&linted.stdout));
            let objects = template(&binary, &values);
            assert_eq!(objects, template(&binary, &values), "nothing in it is random");
            check(&objects, &values);
            rendered.push(objects);
        }
        // Helms sort kinds alike, but objects of a kind each in an order of its own.
        let mut sorted = rendered.clone();
        sorted.iter_mut().for_each(|objects| objects.sort_by_key(Value::to_string));
        let others = of_others.get_or_insert_with(|| sorted.clone());
        assert_eq!(*others, sorted, "{}", binary.display());
    }
}

fn check(objects: &[Value], values: &Value) {
    let mut seen = BTreeSet::new();
    for object in objects {
        let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
        let (kind, name) = (object["kind"].as_str().unwrap(), text("name"));
        assert!(object["apiVersion"].is_string() && !name.is_empty() && name.len() <= 63, "{object}");
        assert!(seen.insert((kind, name.clone())), "{kind} {name} twice");
        typed::check(object);
        assert_ne!(kind, "CustomResourceDefinition");
        assert_ne!(kind, "Job");
        if let Some(hook) = object["metadata"]["annotations"]["helm.sh/hook"].as_str() {
            assert_eq!(hook, "test", "no other hook can hang an installation");
        }
        let is_of_cluster = matches!(kind, "ClusterRole" | "ClusterRoleBinding");
        let is_given = values["extraObjects"].is_array() && kind == "ConfigMap";
        let namespace = values["namespaceOverride"].as_str().unwrap_or("traffic");
        assert_eq!(
            text("namespace"),
            if is_of_cluster || (is_given && !is_test(object)) { "" } else { namespace },
            "{object}"
        );
        if !is_given {
            assert_eq!(object["metadata"]["labels"]["app.kubernetes.io/part-of"], "backstay", "{object}");
        }
    }
    for workload in workloads(objects) {
        let template = &workload["spec"]["template"];
        for (label, value) in workload["spec"]["selector"]["matchLabels"].as_object().unwrap() {
            assert_eq!(template["metadata"]["labels"][label], *value);
        }
        let pod = &template["spec"];
        let volumes: BTreeSet<_> =
            names(&pod["volumes"]).chain(names(&workload["spec"]["volumeClaimTemplates"])).collect();
        for container in pod["containers"].as_array().unwrap() {
            let Some(mounts) = container["volumeMounts"].as_array() else { continue };
            for mount in mounts {
                assert!(volumes.contains(mount["name"].as_str().unwrap()), "{mount} is of no volume");
            }
        }
        is_restricted(pod);
        let container = &pod["containers"][0];
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
            assert!(container[probe]["httpGet"]["path"].is_string(), "{container}");
        }
        for argument in container["args"].as_array().unwrap() {
            assert!(!argument.as_str().unwrap().contains("e+"), "{argument} is a number as nobody writes it");
        }
    }
}

fn names(list: &Value) -> impl Iterator<Item = &str> {
    fn name(item: &Value) -> Option<&str> {
        item["name"].as_str().or_else(|| item["metadata"]["name"].as_str())
    }
    list.as_array().into_iter().flatten().filter_map(name)
}

/// As the profile `restricted` of Kubernetes' Pod Security Standards has it.
fn is_restricted(pod: &Value) {
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["runAsUser"], 65532);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    let context = &pod["containers"][0]["securityContext"];
    assert_eq!(context["allowPrivilegeEscalation"], false);
    assert_eq!(context["readOnlyRootFilesystem"], true);
    assert_eq!(context["capabilities"]["drop"], json!(["ALL"]));
    let low = pod["containers"][0]["ports"]
        .as_array()
        .unwrap()
        .iter()
        .any(|port| port["containerPort"].as_u64() < Some(1024));
    assert_eq!(context["capabilities"]["add"], if low { json!(["NET_BIND_SERVICE"]) } else { Value::Null });
}

fn any_helm() -> Option<std::path::PathBuf> {
    tools::helms().into_iter().next()
}

#[test]
fn a_budget_is_there_only_where_a_pod_may_be_missing() {
    let Some(binary) = any_helm() else { return };
    let of = |values: Value, end| try_find(&template(&binary, &values), "PodDisruptionBudget", end).cloned();
    assert_eq!(of(json!({}), "proxy-default").unwrap()["spec"]["maxUnavailable"], 1);
    assert!(of(json!({"proxy": {"replicas": 1}}), "proxy-default").is_none());
    assert!(of(json!({}), "control-plane").is_none(), "the embedded store has one replica");
    let etcd = |replicas: u8| json!({"controlPlane": {"replicas": replicas, "store": {"type": "etcd", "etcd": {"endpoints": ["a"]}}}});
    assert!(of(etcd(2), "control-plane").is_some());
    assert!(of(etcd(1), "control-plane").is_none());
    let scaled = |least: u8| json!({"proxy": {"replicas": 1, "autoscaling": {"enabled": true, "minReplicas": least}}});
    assert!(of(scaled(2), "proxy-default").is_some());
    assert!(of(scaled(1), "proxy-default").is_none());
}

#[test]
fn a_pod_has_the_time_that_its_drain_takes() {
    let Some(binary) = any_helm() else { return };
    let objects = template(&binary, &json!({"proxy": {"drainDelaySeconds": 7, "drainTimeoutSeconds": 60}}));
    let pod = &find(&objects, "Deployment", "proxy-default")["spec"]["template"]["spec"];
    assert_eq!(pod["terminationGracePeriodSeconds"], 72);
    let arguments = pod["containers"][0]["args"].as_array().unwrap();
    assert!(arguments.contains(&json!("--drain-delay=7s")) && arguments.contains(&json!("--drain-timeout=60s")));
}

#[test]
fn a_fleet_says_what_it_has_otherwise_than_the_others() {
    let Some(binary) = any_helm() else { return };
    let values = json!({"proxy": {"threads": 4}, "fleets": {"edge": {"kind": "DaemonSet", "resources": {"limits": {"memory": "4Gi"}}}}});
    let objects = template(&binary, &values);
    let edge = &find(&objects, "DaemonSet", "proxy-edge")["spec"]["template"]["spec"];
    assert_eq!(edge["containers"][0]["resources"]["limits"]["memory"], "4Gi");
    assert_eq!(edge["containers"][0]["resources"]["requests"]["cpu"], "100m");
    for (kind, name) in [("DaemonSet", "proxy-edge"), ("Deployment", "proxy-default")] {
        let arguments = &find(&objects, kind, name)["spec"]["template"]["spec"]["containers"][0]["args"];
        assert!(arguments.as_array().unwrap().contains(&json!("--threads=4")), "{arguments}");
    }
    let control_plane =
        &find(&objects, "StatefulSet", "control-plane")["spec"]["template"]["spec"]["containers"][0]["args"];
    for account in ["traffic/edge-backstay-proxy-edge=edge", "traffic/edge-backstay-proxy-default=default"] {
        assert!(control_plane.as_array().unwrap().contains(&json!(format!("--proxy-service-account={account}"))));
    }
}

#[test]
fn a_mirror_and_a_digest_are_taken_for_every_image() {
    let Some(binary) = any_helm() else { return };
    let digest = format!("sha256:{}", "a".repeat(64));
    let values = json!({"global": {"imageRegistry": "mirror.example/"}, "image": {"digest": digest}});
    let objects = template(&binary, &values);
    for workload in workloads(&objects) {
        let image = &workload["spec"]["template"]["spec"]["containers"][0]["image"];
        assert_eq!(*image, format!("mirror.example/backstay@{digest}"));
    }
    let asks = &find(&objects, "Pod", "test")["spec"]["initContainers"][1]["image"];
    assert!(asks.as_str().unwrap().starts_with("mirror.example/curlimages/curl:"), "{asks}");
}

#[test]
fn who_may_edit_may_not_make_join_tokens_nor_look_into_requests() {
    let Some(binary) = any_helm() else { return };
    let objects = template(&binary, &json!({}));
    for role in ["view", "edit"] {
        for rule in find(&objects, "ClusterRole", &format!("backstay-{role}"))["rules"].as_array().unwrap() {
            let groups = rule["apiGroups"].as_array().unwrap();
            assert!(!groups.contains(&json!("")), "Secrets of the cluster are none of ours");
            if groups.contains(&json!("backstay.dev")) {
                assert!(!rule["resources"].as_array().unwrap().contains(&json!("*")), "{rule}");
            }
        }
    }
}

#[test]
fn what_is_in_the_folder_of_monitoring_is_what_the_chart_has() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    for (one, other) in [
        ("monitoring/prometheus-rules.yaml", "helm/backstay/files/prometheus-rules.yaml"),
        ("monitoring/grafana", "helm/backstay/files/grafana"),
    ] {
        let real = |path: &str| std::fs::canonicalize(root.join(path)).unwrap();
        assert_eq!(real(one), real(other));
    }
}

#[test]
fn values_of_the_guide_are_taken() {
    let Some(binary) = any_helm() else { return };
    let guide = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/helm.md")).unwrap();
    let blocks: Vec<_> = guide.split("<!-- values -->\n```yaml invalid\n").skip(1).collect();
    assert_eq!(blocks.len(), 2);
    for block in blocks {
        let values = documents(block.split("```").next().unwrap()).remove(0);
        assert!(!template(&binary, &values).is_empty());
    }
    // And those of its table are there.
    let all = documents(&std::fs::read_to_string(super::folder().join("values.yaml")).unwrap()).remove(0);
    let section = guide.split("## Values").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    for name in rows.flat_map(|row| row.split(" | ").next().unwrap().split('`').skip(1).step_by(2)) {
        let is_known = |of: &Value| name.split('.').try_fold(of, |value, part| value.get(part)).is_some();
        let is_free = name.starts_with("global.") || name.starts_with("fleets.");
        assert!(is_free || is_known(&all) || is_known(&all["proxy"]), "there is no {name}");
    }
}
