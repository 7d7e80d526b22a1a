//! Objects as Kubernetes' own types have them: what does not fit, and what an API server would not know, is found by reading an object into
//! its type and writing it out again.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Fails where an object is not what its kind says. Kinds of others' CRDs are not looked at.
pub(super) fn check(object: &Value) {
    match object["kind"].as_str().unwrap() {
        "DaemonSet" => fits::<DaemonSet>(object),
        "Deployment" => fits::<Deployment>(object),
        "StatefulSet" => fits::<StatefulSet>(object),
        "HorizontalPodAutoscaler" => fits::<HorizontalPodAutoscaler>(object),
        "ConfigMap" => fits::<ConfigMap>(object),
        "Pod" => fits::<Pod>(object),
        "Service" => fits::<Service>(object),
        "ServiceAccount" => fits::<ServiceAccount>(object),
        "NetworkPolicy" => fits::<NetworkPolicy>(object),
        "PodDisruptionBudget" => fits::<PodDisruptionBudget>(object),
        "ClusterRole" => fits::<ClusterRole>(object),
        "ClusterRoleBinding" => fits::<ClusterRoleBinding>(object),
        "Role" => fits::<Role>(object),
        "RoleBinding" => fits::<RoleBinding>(object),
        "Certificate" | "ServiceMonitor" | "PodMonitor" | "PrometheusRule" => {}
        kind => panic!("{kind} is not known here"),
    }
}

fn fits<T: DeserializeOwned + Serialize>(object: &Value) {
    let typed: T = serde_json::from_value(object.clone()).unwrap_or_else(|error| panic!("{error}: {object:#}"));
    let again = serde_json::to_value(typed).unwrap();
    same(object, &again, object["kind"].as_str().unwrap());
}

/// Whether everything that the one has is in the other.
fn same(one: &Value, other: &Value, place: &str) {
    match (one, other) {
        (Value::Object(one), Value::Object(_)) => {
            for (key, value) in one.iter().filter(|(_, value)| !value.is_null()) {
                same(value, &other[key], &format!("{place}.{key}"));
            }
        }
        (Value::Array(one), Value::Array(all)) => {
            assert_eq!(one.len(), all.len(), "{place}");
            for (index, value) in one.iter().enumerate() {
                same(value, &other[index], &format!("{place}[{index}]"));
            }
        }
        // What is empty is the same as what is not there.
        (Value::Array(one), Value::Null) if one.is_empty() => {}
        _ => assert_eq!(one, other, "{place} is not known to Kubernetes"),
    }
}
