//! Listeners of a configuration's own.

use backstay_proto::config::server_tls::Version;
use bytes::Bytes;

use super::*;

fn of(service: &str) -> (Option<Compiled>, Vec<String>) {
    let certificate = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
    let file = |text: String| File::Content(Bytes::from(text));
    let files = [
        ("c.pem".to_owned(), file(certificate.cert.pem())),
        ("k.pem".to_owned(), file(certificate.signing_key.serialize_pem())),
        ("ca.pem".to_owned(), file(certificate.cert.pem())),
    ];
    let text = format!(r#"{{"version": 3, {service}, "endpoints": []}}"#);
    let (compiled, problems) = compiled(&text, Files::Given(files.into_iter().collect()));
    let has_weight =
        |problem: &&Problem| problem.severity != Severity::Note && !problem.message.contains("no endpoints");
    let problems = problems.iter().filter(has_weight);
    (compiled, problems.map(ToString::to_string).collect())
}

fn limits(service: &str) -> Option<config::ClientLimits> {
    let (compiled, problems) = of(service);
    assert_eq!(problems, Vec::<String>::new());
    let listener = compiled.unwrap().listener;
    backstay_model::Listener::try_from(&listener).unwrap();
    listener.limits
}

#[test]
fn times_of_clients_are_those_of_gos_server() {
    assert_eq!(limits(r#""port": 8080"#), None);
    let seconds = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
    let all =
        limits(r#""read_timeout": "9s", "write_timeout": "8s", "idle_timeout": "7s", "read_header_timeout": "6s""#);
    let wanted = config::ClientLimits {
        header_timeout: seconds(6),
        idle_timeout: seconds(7),
        request_timeout: seconds(9),
        response_timeout: seconds(8),
        max_head_size: 0,
    };
    assert_eq!(all, Some(wanted));
    // What is not said, the time of the whole request says.
    let read = limits(r#""read_timeout": "9s""#).unwrap();
    assert_eq!((read.header_timeout, read.idle_timeout, read.response_timeout), (seconds(9), seconds(9), None));
}

#[test]
fn a_head_may_be_a_little_longer_as_with_go() {
    let size = |bytes: u64| limits(&format!(r#""max_header_bytes": {bytes}"#)).map(|limits| limits.max_head_size);
    assert_eq!(size(10), Some(4106));
    assert_eq!(size(1 << 20), None, "KrakenD's default is not said");
    assert_eq!(size(u64::from(u32::MAX)), Some(16 << 20));
}

#[test]
fn versions_of_tls_are_spoken_as_they_are_named() {
    let tls = |more: &str| of(&format!(r#""tls": {{"public_key": "c.pem", "private_key": "k.pem"{more}}}"#));
    for (more, versions) in [
        ("", (Version::Tls13, Version::Default)),
        (r#", "min_version": "TLS12""#, (Version::Tls12, Version::Default)),
        (r#", "min_version": "TLS10""#, (Version::Default, Version::Default)),
        (r#", "min_version": "TLS12", "max_version": "TLS12""#, (Version::Tls12, Version::Tls12)),
        (r#", "max_version": "TLS13""#, (Version::Tls13, Version::Tls13)),
    ] {
        let (compiled, problems) = tls(more);
        assert_eq!(problems, Vec::<String>::new(), "{more}");
        let made = compiled.unwrap().listener.tls.unwrap();
        assert_eq!((made.min_version(), made.max_version()), versions, "{more}");
    }
    for (more, message) in [
        (r#", "max_version": "TLS12""#, "it is below min_version"),
        (r#", "min_version": "TLS10", "max_version": "TLS11""#, "TLS11 is not spoken"),
    ] {
        let (_, problems) = tls(more);
        assert!(problems.iter().any(|problem| problem.contains(message)), "{more}: {problems:?}");
    }
}

#[test]
fn clients_certificates_are_asked_for_where_there_are_authorities_of_them() {
    let tls = |more: &str| of(&format!(r#""tls": {{"public_key": "c.pem", "private_key": "k.pem"{more}}}"#));
    let (compiled, problems) = tls(r#", "enable_mtls": true, "ca_certs": ["ca.pem"], "disable_system_ca_pool": true"#);
    assert_eq!(problems, Vec::<String>::new());
    let listener = backstay_model::Listener::try_from(&compiled.unwrap().listener).unwrap();
    assert!(listener.terms.client_authorities.is_some());
    let (_, problems) = tls(r#", "enable_mtls": true, "ca_certs": ["ca.pem"]"#);
    assert!(matches!(&problems[..], [one] if one.contains("those of the system are not")), "{problems:?}");
    for (more, message) in [
        (r#", "enable_mtls": true"#, "name one"),
        (r#", "enable_mtls": true, "ca_certs": ["gone.pem"]"#, "is not in spec.files"),
    ] {
        let (_, problems) = tls(more);
        assert!(problems.iter().any(|problem| problem.contains(message)), "{more}: {problems:?}");
    }
    let (compiled, problems) = tls(r#", "ca_certs": ["ca.pem"]"#);
    assert_eq!((problems, compiled.unwrap().listener.tls.unwrap().client_ca_bundle), (Vec::new(), Bytes::new()));
}
