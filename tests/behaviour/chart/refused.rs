//! Values that the chart refuses, and in which words.

use serde_json::json;

use super::helm;
use crate::harness::tools;

#[test]
fn values_that_are_wrong_are_refused_by_their_name() {
    for binary in tools::helms() {
        for (values, named) in [
            (json!({"replicas": 3}), "replicas"),
            (json!({"controlPlane": {"replicaz": 3}}), "replicaz"),
            (json!({"controlPlane": {"replicas": "3"}}), "controlPlane/replicas"),
            (json!({"controlPlane": {"store": {"type": "sqlite"}}}), "controlPlane/store/type"),
            (json!({"controlPlane": {"store": {"type": "etcd"}}}), "endpoints"),
            (
                json!({"controlPlane": {"store": {"type": "etcd", "etcd": {"endpoints": ["http://a:2379"]}}}}),
                "endpoints/0",
            ),
            (json!({"controlPlane": {"store": {"etcd": {"auth": {"user": "u"}}, "type": "etcd"}}}), "endpoints"),
            (json!({"proxy": {"kind": "StatefulSet"}}), "proxy/kind"),
            (json!({"proxy": {"ports": []}}), "proxy/ports"),
            (json!({"proxy": {"ports": [{"name": "http", "port": 80}]}}), "containerPort"),
            (json!({"proxy": {"drainTimeoutSeconds": -1}}), "proxy/drainTimeoutSeconds"),
            (json!({"fleets": {"edge": {"kindd": "DaemonSet"}}}), "kindd"),
            (json!({"fleets": {"Edge": {}}}), "Edge"),
            (json!({"fleets": {"edge": {"service": {"type": "ExternalName"}}}}), "fleets/edge"),
            (json!({"tls": {"mode": "none"}}), "tls/mode"),
            (json!({"tls": {"mode": "secret"}}), "tls.secret.secretName"),
            (json!({"tls": {"mode": "cert-manager"}}), "tls.certManager.issuerRef"),
            (json!({"image": {"digest": "latest"}}), "image/digest"),
            (json!({"access": {"kubernetes": {"enabled": false}}}), "access.tokensSecretName"),
            (json!({"test": {"fleet": "other"}}), "test.fleet"),
            (json!({"fullnameOverride": "x".repeat(60)}), "is longer than 63 characters"),
        ] {
            let output = helm(&binary, &["template", "edge"], &values);
            assert!(!output.status.success(), "{} takes {values}", binary.display());
            // One Helm has a slash between members, and another a dot.
            let complaint = String::from_utf8_lossy(&output.stderr).replace('.', "/");
            assert!(complaint.contains(&named.replace('.', "/")), "{} with {values}: {complaint}", binary.display());
        }
    }
}
