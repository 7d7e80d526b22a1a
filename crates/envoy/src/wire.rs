//! Small values of Envoy's API.

use std::time::Duration;

use backstay_destination::lookup::Family;
use envoy_types::pb::envoy::config::cluster::v3::cluster::DnsLookupFamily;
use envoy_types::pb::envoy::config::core::v3 as core;
use envoy_types::pb::envoy::r#type::matcher::v3 as matcher;
use envoy_types::pb::envoy::r#type::v3 as kind;
use envoy_types::pb::google::protobuf;
use prost::{Message, Name};

/// `message` as a value that says its type.
pub(crate) fn any<M: Message + Name>(message: &M) -> protobuf::Any {
    protobuf::Any { type_url: format!("type.googleapis.com/{}", M::full_name()), value: message.encode_to_vec() }
}

/// A duration; longer ones than Envoy knows are its longest.
pub(crate) fn duration(duration: Duration) -> Option<protobuf::Duration> {
    // protobuf's own limit, some ten thousand years.
    let seconds = duration.as_secs().min(315_576_000_000);
    let nanos = i32::try_from(duration.subsec_nanos()).unwrap_or_default();
    Some(protobuf::Duration { seconds: i64::try_from(seconds).unwrap_or_default(), nanos })
}

pub(crate) const fn number(value: u32) -> Option<protobuf::UInt32Value> {
    Some(protobuf::UInt32Value { value })
}

pub(crate) fn large(value: u32) -> Option<protobuf::UInt64Value> {
    Some(protobuf::UInt64Value { value: value.into() })
}

pub(crate) const fn flag(value: bool) -> Option<protobuf::BoolValue> {
    Some(protobuf::BoolValue { value })
}

pub(crate) const fn percent(value: f64) -> Option<kind::Percent> {
    Some(kind::Percent { value })
}

/// A number that the runtime could change under `key`, which nobody sets.
pub(crate) fn runtime_double(value: f64, key: &str) -> Option<core::RuntimeDouble> {
    Some(core::RuntimeDouble { default_value: value, runtime_key: key.to_owned() })
}

/// `numerator` of a million.
pub(crate) fn of_a_million(numerator: u32) -> core::RuntimeFractionalPercent {
    let denominator = kind::fractional_percent::DenominatorType::Million.into();
    let value = kind::FractionalPercent { numerator, denominator };
    core::RuntimeFractionalPercent { default_value: Some(value), runtime_key: String::new() }
}

/// By the stream that the subscriber has.
pub(crate) fn ads() -> Option<core::ConfigSource> {
    let specifier = core::config_source::ConfigSourceSpecifier::Ads(core::AggregatedConfigSource {});
    Some(core::ConfigSource {
        resource_api_version: core::ApiVersion::V3.into(),
        config_source_specifier: Some(specifier),
        ..Default::default()
    })
}

/// A host, by address or by name, and a port.
pub(crate) fn address(host: &str, port: u16) -> core::Address {
    let socket = core::SocketAddress {
        address: host.to_owned(),
        port_specifier: Some(core::socket_address::PortSpecifier::PortValue(port.into())),
        ..Default::default()
    };
    core::Address { address: Some(core::address::Address::SocketAddress(socket)) }
}

pub(crate) fn inline(bytes: impl Into<Vec<u8>>) -> Option<core::DataSource> {
    let specifier = core::data_source::Specifier::InlineBytes(bytes.into());
    Some(core::DataSource { specifier: Some(specifier), ..Default::default() })
}

pub(crate) fn file(path: &str) -> Option<core::DataSource> {
    let specifier = core::data_source::Specifier::Filename(path.to_owned());
    Some(core::DataSource { specifier: Some(specifier), ..Default::default() })
}

pub(crate) fn exactly(text: &str) -> matcher::StringMatcher {
    let pattern = matcher::string_matcher::MatchPattern::Exact(text.to_owned());
    matcher::StringMatcher { match_pattern: Some(pattern), ..Default::default() }
}

pub(crate) fn expression(regex: &str) -> matcher::StringMatcher {
    let pattern = matcher::string_matcher::MatchPattern::SafeRegex(self::regex(regex));
    matcher::StringMatcher { match_pattern: Some(pattern), ..Default::default() }
}

pub(crate) fn regex(regex: &str) -> matcher::RegexMatcher {
    matcher::RegexMatcher { regex: regex.to_owned(), ..Default::default() }
}

pub(crate) fn substitution(pattern: &str, substitution: &str) -> Option<matcher::RegexMatchAndSubstitute> {
    let substitution = substitution.to_owned();
    Some(matcher::RegexMatchAndSubstitute { pattern: Some(regex(pattern)), substitution })
}

/// Envoy's word for a family.
pub(crate) const fn family(family: Family) -> DnsLookupFamily {
    match family {
        // Envoy's own AUTO gives up on IPv4 as soon as there is an IPv6 address.
        Family::Auto | Family::All => DnsLookupFamily::All,
        Family::StrictAuto => DnsLookupFamily::Auto,
        Family::V4Only => DnsLookupFamily::V4Only,
        Family::V6Only => DnsLookupFamily::V6Only,
        Family::V4Preferred => DnsLookupFamily::V4Preferred,
    }
}
