use serde_json::json;

use super::{errors, section_accepted, section_refused, with};
use crate::backstay::{CIPHER_SUITES, cipher_suite};

const PEM: &str = "-----BEGIN CERTIFICATE-----\nMIIBAQ==\n-----END CERTIFICATE-----\n";

#[test]
fn names() {
    section_refused("tls", json!({"sni": "10.0.0.1"}), ".sni: Invalid value: \"10.0.0.1\": must not be an IP address");
    section_refused("tls", json!({"verifiedName": "*.a"}), ".verifiedName: Invalid value");
    section_accepted("tls", json!({"sni": "a.example", "verifiedName": "2001:db8::1"}));
}

#[test]
fn certificates() {
    for name in ["caCertificateRef", "clientCertificateRef"] {
        section_refused("tls", json!({name: {}}), &format!(".{name}.name: Required value"));
        section_refused("tls", json!({name: {"name": "a", "namespace": "A"}}), &format!(".{name}.namespace: Invalid"));
        section_accepted("tls", json!({name: {"name": "a", "namespace": "n"}}));
    }
    section_accepted("tls", json!({"caCertificate": PEM}));
    let broken = PEM.replace("MIIBAQ==", "?");
    section_refused("tls", json!({"caCertificate": broken}), ".caCertificate: Invalid value");
    section_refused("tls", json!({"caCertificate": "x"}), ".caCertificate: Invalid value: \"x\": must be PEM");
    section_refused("tls", json!({"caCertificate": ""}), ".caCertificate: Required value");
    section_refused("tls", json!({"caCertificate": PEM.repeat(5000)}), ".caCertificate: Too long");
    let both = json!({"caCertificate": PEM, "caCertificateRef": {"name": "a"}});
    section_refused("tls", both, ".caCertificate: Forbidden: caCertificate and caCertificateRef cannot");
}

#[test]
fn nothing_is_verified_or_something_is() {
    section_accepted("tls", json!({"insecureSkipVerify": true, "sni": "a.example"}));
    let found = errors(with(json!({"tls": {
        "insecureSkipVerify": true, "verifiedName": "a.example", "caCertificate": PEM
    }})));
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].starts_with("spec.tls.verifiedName: Forbidden"), "{found:#?}");
    assert!(found[1].starts_with("spec.tls.caCertificate: Forbidden"), "{found:#?}");
}

#[test]
fn old_versions_are_refused_with_the_reason() {
    section_accepted("tls", json!({"minVersion": "1.2", "maxVersion": "1.3"}));
    for name in ["minVersion", "maxVersion"] {
        for old in ["1.0", "1.1"] {
            let found = errors(with(json!({"tls": {name: old}})));
            assert_eq!(found.len(), 1, "{found:#?}");
            assert!(found[0].starts_with(&format!("spec.tls.{name}: Unsupported value: {old:?}")), "{found:#?}");
            assert!(found[0].contains("RFC 8996") && found[0].contains("rustls"), "{found:#?}");
        }
        let other = format!(".{name}: Unsupported value: \"1.4\": supported values: \"1.2\", \"1.3\"");
        section_refused("tls", json!({name: "1.4"}), &other);
        section_refused("tls", json!({name: 1.2}), &format!(".{name}: Invalid value"));
    }
    let crossed = json!({"minVersion": "1.3", "maxVersion": "1.2"});
    section_refused("tls", crossed, ".maxVersion: Invalid value: \"1.2\": must not be below minVersion, 1.3");
}

#[test]
fn suites_have_the_names_of_openssl_and_of_iana() {
    for suite in &CIPHER_SUITES {
        assert_eq!(cipher_suite(suite.openssl), Some(suite));
        assert_eq!(cipher_suite(suite.iana), Some(suite));
        section_accepted("tls", json!({"ciphers": [suite.iana]}));
    }
    section_accepted("tls", json!({"ciphers": ["ECDHE-RSA-AES128-GCM-SHA256", "TLS_AES_128_GCM_SHA256"]}));
    let found = errors(with(json!({"tls": {"ciphers": ["HIGH"]}})));
    assert!(found[0].starts_with("spec.tls.ciphers[0]: Unsupported value: \"HIGH\""), "{found:#?}");
    assert!(CIPHER_SUITES.iter().all(|suite| found[0].contains(suite.openssl)), "{found:#?}");
    let twice = json!({"ciphers": ["ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]});
    section_refused("tls", twice, ".ciphers[1]: Duplicate value");
}

#[test]
fn suites_are_of_a_version_that_is_allowed() {
    section_refused(
        "tls",
        json!({"minVersion": "1.3", "ciphers": ["ECDHE-RSA-AES128-GCM-SHA256"]}),
        ".ciphers[0]: Invalid value: \"ECDHE-RSA-AES128-GCM-SHA256\": is a suite of TLS 1.2, which minVersion leaves out",
    );
    section_refused(
        "tls",
        json!({"maxVersion": "1.2", "ciphers": ["TLS_AES_128_GCM_SHA256"]}),
        ".ciphers[0]: Invalid value: \"TLS_AES_128_GCM_SHA256\": is a suite of TLS 1.3, which maxVersion leaves out",
    );
}

#[test]
fn protocols() {
    section_accepted("tls", json!({"alpn": ["h2", "x-own/1"]}));
    section_refused("tls", json!({"alpn": [""]}), ".alpn[0]: Required value");
    section_refused("tls", json!({"alpn": ["a b"]}), ".alpn[0]: Invalid value");
    section_refused("tls", json!({"alpn": ["h2", "h2"]}), ".alpn[1]: Duplicate value");
    section_refused("tls", json!({"alpn": ["a".repeat(256)]}), ".alpn[0]: Too long");
    section_refused("tls", json!({"alpn": vec!["h2"; 33]}), ".alpn: Too many: 33");
}
