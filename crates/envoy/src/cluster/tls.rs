//! TLS to endpoints.

use backstay_model::{Backend, Protocol, StaticEndpoints, StaticHost, TlsSpec};
use envoy_types::pb::envoy::config::core::v3 as core;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3 as pb;
use pb::common_tls_context::{CombinedCertificateValidationContext, ValidationContextType};
use pb::subject_alt_name_matcher::SanType;
use pb::tls_parameters::TlsProtocol;
use rustls_pki_types::ServerName;

use crate::options::Options;
use crate::secret::reference;
use crate::wire::{any, exactly, file, inline};

/// For endpoints in a list: each has a name or an address, which it must prove unless another is said.
pub(super) fn of_static(
    spec: &TlsSpec,
    list: &StaticEndpoints,
    backend: &Backend,
    options: &Options,
) -> core::TransportSocket {
    let own = spec.server_name.is_none();
    let verified = spec.verified_name.as_ref().or(spec.server_name.as_ref());
    let addresses = list.iter().filter_map(|endpoint| match endpoint.host {
        StaticHost::Ip(ip) => Some(name_matcher(SanType::IpAddress, &ip.to_string())),
        _ => None,
    });
    let names = list.iter().filter_map(|endpoint| match &endpoint.host {
        StaticHost::Name { name, .. } => Some(name_matcher(SanType::Dns, name)),
        _ => None,
    });
    // With names of their own, each endpoint is held to the one that it was sent.
    let each =
        own && spec.verified_name.is_none() && list.iter().all(|one| matches!(one.host, StaticHost::Name { .. }));
    let matchers = match verified {
        Some(name) => vec![verified_by(name)],
        None if each => Vec::new(),
        None => addresses.chain(names).collect(),
    };
    let context = pb::UpstreamTlsContext {
        common_tls_context: Some(common(spec, backend, matchers, options)),
        sni: spec.server_name.as_ref().map(sni).unwrap_or_default(),
        auto_host_sni: own,
        auto_sni_san_validation: each && !spec.skip_verification,
        ..Default::default()
    };
    socket(&context)
}

/// For endpoints that requests name: what has no name of its own is held to the authority, which the options of the protocol say.
pub(super) fn of_dynamic(spec: &TlsSpec, backend: &Backend, options: &Options) -> core::TransportSocket {
    let verified = spec.verified_name.as_ref().or(spec.server_name.as_ref());
    let matchers = verified.map(verified_by).into_iter().collect();
    let context = pb::UpstreamTlsContext {
        common_tls_context: Some(common(spec, backend, matchers, options)),
        sni: spec.server_name.as_ref().map(sni).unwrap_or_default(),
        ..Default::default()
    };
    socket(&context)
}

/// Whether another name than that of a request is sent or verified, or none is.
pub(super) fn names_another(spec: &TlsSpec) -> bool {
    spec.server_name.is_some() || spec.verified_name.is_some() || spec.skip_verification
}

fn socket(context: &pb::UpstreamTlsContext) -> core::TransportSocket {
    core::TransportSocket {
        name: "envoy.transport_sockets.tls".to_owned(),
        config_type: Some(core::transport_socket::ConfigType::TypedConfig(any(context))),
    }
}

fn common(
    spec: &TlsSpec,
    backend: &Backend,
    names: Vec<pb::SubjectAltNameMatcher>,
    options: &Options,
) -> pb::CommonTlsContext {
    let alpn = match (spec.alpn.is_empty(), backend.spec.protocol) {
        (false, _) => spec.alpn.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect(),
        (true, Protocol::Http1) => vec!["http/1.1".to_owned()],
        (true, Protocol::Http2) => vec!["h2".to_owned()],
    };
    let version = |on: bool, version: TlsProtocol| if on { TlsProtocol::TlsAuto } else { version };
    let parameters = pb::TlsParameters {
        tls_minimum_protocol_version: version(spec.tls12, TlsProtocol::TlSv13).into(),
        tls_maximum_protocol_version: match spec.tls13 {
            true => TlsProtocol::TlSv13.into(),
            false => TlsProtocol::TlSv12.into(),
        },
        // Suites of TLS 1.3 cannot be chosen there.
        cipher_suites: spec.suites.iter().filter_map(openssl_name).map(str::to_owned).collect(),
        ..Default::default()
    };
    pb::CommonTlsContext {
        tls_params: Some(parameters),
        tls_certificate_sds_secret_configs: spec.certificate.iter().map(|name| reference(name)).collect(),
        alpn_protocols: alpn,
        validation_context_type: (!spec.skip_verification).then(|| trust(spec, names, options)),
        ..Default::default()
    }
}

fn trust(spec: &TlsSpec, names: Vec<pb::SubjectAltNameMatcher>, options: &Options) -> ValidationContextType {
    let own = pb::CertificateValidationContext { match_typed_subject_alt_names: names, ..Default::default() };
    match (&spec.ca_secret, &spec.authorities) {
        (Some(secret), _) => ValidationContextType::CombinedValidationContext(CombinedCertificateValidationContext {
            default_validation_context: Some(own),
            validation_context_sds_secret_config: Some(reference(secret)),
            ..Default::default()
        }),
        (None, authorities) => {
            let trusted = match authorities {
                Some(authorities) => inline(authorities.pem().clone()),
                None => file(&options.system_authorities),
            };
            ValidationContextType::ValidationContext(pb::CertificateValidationContext { trusted_ca: trusted, ..own })
        }
    }
}

fn verified_by(name: &ServerName<'static>) -> pb::SubjectAltNameMatcher {
    let kind = if matches!(name, ServerName::IpAddress(_)) { SanType::IpAddress } else { SanType::Dns };
    name_matcher(kind, &name.to_str())
}

fn name_matcher(kind: SanType, name: &str) -> pb::SubjectAltNameMatcher {
    pb::SubjectAltNameMatcher { san_type: kind.into(), matcher: Some(exactly(name)), ..Default::default() }
}

/// Addresses are not sent as server names (RFC 6066, 3).
fn sni(name: &ServerName<'static>) -> String {
    match name {
        ServerName::DnsName(name) => name.as_ref().to_owned(),
        _ => String::new(),
    }
}

/// The name of a suite of TLS 1.2 in OpenSSL.
fn openssl_name(suite: &rustls::SupportedCipherSuite) -> Option<&'static str> {
    let name = backstay_model::cipher_suite_names().find(|name| backstay_model::cipher_suite(name) == Some(*suite));
    name.filter(|name| !name.starts_with("TLS_"))
}
