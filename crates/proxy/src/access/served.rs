//! A record as an access log service is told of it.

use std::net::SocketAddr;
use std::time::Duration;

use backstay_model::telemetry::Layout;
use backstay_proto::access_log_service::http_access_log_entry::HttpVersion;
use backstay_proto::access_log_service::http_request_properties::RequestMethod;
use backstay_proto::access_log_service::tls_properties::TlsVersion;
use backstay_proto::access_log_service::{
    AccessLogCommon, Address, HttpAccessLogEntry, HttpRequestProperties, HttpResponseProperties, ResponseFlags,
    SocketAddress, TlsProperties,
};
use http::{HeaderName, HeaderValue, Method, Version};

use super::Record;
use super::record::text;
use crate::local_reply::Flag;

impl Record {
    /// The record in the words of Envoy. What it has no word for is left out.
    pub(super) fn served(&self) -> HttpAccessLogEntry {
        let protocol = match self.protocol {
            Version::HTTP_10 => HttpVersion::Http10,
            Version::HTTP_2 => HttpVersion::Http2,
            _ => HttpVersion::Http11,
        };
        HttpAccessLogEntry {
            common_properties: Some(self.common()),
            protocol_version: protocol.into(),
            request: Some(self.request_properties()),
            response: Some(self.response_properties()),
        }
    }

    fn common(&self) -> AccessLogCommon {
        let mut tags = std::collections::BTreeMap::new();
        if let Some(trace) = self.trace {
            tags.insert("trace_id".to_owned(), trace.id.to_string());
            tags.extend(trace.span.map(|span| ("span_id".to_owned(), span.to_string())));
        }
        let tls = self.secure.then(|| TlsProperties {
            tls_version: match self.tls.map(|tls| tls.version) {
                Some("TLSv1.3") => TlsVersion::TlSv13,
                Some("TLSv1.2") => TlsVersion::TlSv12,
                _ => TlsVersion::VersionUnspecified,
            }
            .into(),
            tls_sni_hostname: self.server_name.as_deref().unwrap_or_default().to_owned(),
        });
        // As in Envoy's details, behind what kind of failure it was.
        let reason = self.details.split_once('|').and_then(|(_, reason)| reason.strip_suffix('}'));
        AccessLogCommon {
            downstream_remote_address: Some(address(self.client)),
            downstream_direct_remote_address: Some(address(self.client)),
            downstream_local_address: Some(address(self.local)),
            tls_properties: tls,
            start_time: Some(self.start.into()),
            time_to_first_upstream_tx_byte: self
                .sent
                .and_then(|sent| duration(sent.saturating_duration_since(self.begun))),
            time_to_first_upstream_rx_byte: self.response_after.and_then(duration),
            time_to_last_downstream_tx_byte: duration(self.duration),
            upstream_remote_address: self.upstream.map(address),
            upstream_local_address: self.upstream_local.map(address),
            upstream_cluster: self.backend.as_deref().unwrap_or_default().to_owned(),
            response_flags: self.is_flagged().then(|| response_flags([self.flag, self.retry_flag])),
            upstream_transport_failure_reason: reason.unwrap_or_default().to_owned(),
            route_name: self.route.as_deref().unwrap_or_default().to_owned(),
            custom_tags: tags,
            duration: duration(self.duration),
            upstream_request_attempt_count: self.attempts,
            stream_id: self.request_id.as_ref().map(|id| text(id).into_owned()).unwrap_or_default(),
        }
    }

    fn request_properties(&self) -> HttpRequestProperties {
        let shown = |value: &Option<HeaderValue>| value.as_ref().map(|value| text(value).into_owned());
        let method = match self.method {
            Method::GET => RequestMethod::Get,
            Method::HEAD => RequestMethod::Head,
            Method::POST => RequestMethod::Post,
            Method::PUT => RequestMethod::Put,
            Method::DELETE => RequestMethod::Delete,
            Method::CONNECT => RequestMethod::Connect,
            Method::OPTIONS => RequestMethod::Options,
            Method::TRACE => RequestMethod::Trace,
            Method::PATCH => RequestMethod::Patch,
            _ => RequestMethod::MethodUnspecified,
        };
        let captured = |name: &HeaderName| self.plan.request_header(name, &self.request_headers);
        HttpRequestProperties {
            request_method: method.into(),
            scheme: if self.secure { "https" } else { "http" }.to_owned(),
            authority: shown(&self.authority).unwrap_or_default(),
            port: Some(self.local.port().into()),
            path: self.plan.target(self.path()).into_owned(),
            user_agent: shown(&self.user_agent).unwrap_or_default(),
            request_id: shown(&self.request_id).unwrap_or_default(),
            request_body_bytes: self.bytes_in,
            request_headers: self.headers_of(|fields| &fields.request_headers, captured),
            ..HttpRequestProperties::default()
        }
    }

    fn response_properties(&self) -> HttpResponseProperties {
        let captured = |name: &HeaderName| self.plan.response_header(name, &self.response_headers);
        HttpResponseProperties {
            response_code: Some(self.status.into()),
            response_body_bytes: self.bytes_out,
            response_headers: self.headers_of(|fields| &fields.response_headers, captured),
            response_code_details: self.details.clone().into_owned(),
        }
    }

    /// Headers that were asked for by name, as they are written.
    fn headers_of<'a>(
        &self,
        names: impl Fn(&backstay_model::telemetry::LogFields) -> &[HeaderName],
        value: impl Fn(&HeaderName) -> Option<std::borrow::Cow<'a, [u8]>>,
    ) -> std::collections::BTreeMap<String, String> {
        let Layout::Fields(fields) = &self.plan.layout else { return Default::default() };
        let written = |name: &HeaderName| {
            let value = value(name)?;
            Some((name.as_str().to_owned(), String::from_utf8_lossy(&value).into_owned()))
        };
        names(fields).iter().filter_map(written).collect()
    }
}

fn address(address: SocketAddr) -> Address {
    let (ip, port) = (address.ip().to_string(), address.port().into());
    Address { socket_address: Some(SocketAddress { address: ip, port_value: port }) }
}

fn duration(time: Duration) -> Option<prost_types::Duration> {
    time.try_into().ok()
}

fn response_flags(flags: [Flag; 2]) -> ResponseFlags {
    let mut told = ResponseFlags::default();
    for flag in flags {
        match flag {
            Flag::NoRoute => told.no_route_found = true,
            Flag::NoCluster => told.no_cluster_found = true,
            Flag::NoHealthyUpstream => told.no_healthy_upstream = true,
            Flag::UpstreamConnectionFailure => told.upstream_connection_failure = true,
            Flag::UpstreamConnectionTermination => told.upstream_connection_termination = true,
            Flag::UpstreamRemoteReset => told.upstream_remote_reset = true,
            Flag::UpstreamProtocolError => told.upstream_protocol_error = true,
            Flag::UpstreamRequestTimeout => told.upstream_request_timeout = true,
            Flag::StreamIdleTimeout => told.stream_idle_timeout = true,
            Flag::DownstreamMaxDuration => told.duration_timeout = true,
            Flag::UpstreamOverflow => told.upstream_overflow = true,
            Flag::UpstreamRetryLimitExceeded => told.upstream_retry_limit_exceeded = true,
            Flag::DnsFailure => told.dns_resolution_failure = true,
            Flag::RateLimited => told.rate_limited = true,
            Flag::DownstreamConnectionTermination => told.downstream_connection_termination = true,
            Flag::DownstreamProtocolError => told.downstream_protocol_error = true,
            // There is no word for the second.
            Flag::None | Flag::LoopDetected => {}
        }
    }
    told
}
