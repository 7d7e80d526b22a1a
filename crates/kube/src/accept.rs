//! In which form an answer is wanted.
//!
//! Source: RFC 9110 section 12.5.1; Kubernetes' media type parameters `as`, `v`, `g`.

use http::{HeaderMap, header};

use crate::status::Failure;

/// How the bytes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// `application/json`
    Json,
    /// `application/yaml`
    Yaml,
}

/// What is told of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// All of it.
    Whole,
    /// Rows for people.
    Table,
    /// Metadata alone.
    Partial,
}

/// The form of an answer about objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) encoding: Encoding,
    pub(crate) view: View,
}

impl Encoding {
    /// Its `Content-Type`.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Yaml => "application/yaml",
        }
    }
}

/// Which of the aggregated discovery documents is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aggregated {
    /// `apidiscovery.k8s.io/v2`
    V2,
    /// `apidiscovery.k8s.io/v2beta1`
    V2Beta1,
}

impl Aggregated {
    /// The `Content-Type` of the document: clients tell from it whether they got what they asked for.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::V2 => "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
            Self::V2Beta1 => "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList",
        }
    }
}

/// One media range of an `Accept` header.
#[derive(Debug)]
pub(crate) struct Range<'a> {
    /// Type and subtype.
    pub(crate) media: &'a str,
    kind: Option<&'a str>,
    version: Option<&'a str>,
    group: Option<&'a str>,
    /// In thousandths.
    quality: u16,
}

const OFFERED: &str = "application/json, application/yaml";

/// The ranges of the `Accept` headers, the most wanted first. Without a header, anything.
pub(crate) fn ranges(headers: &HeaderMap) -> Vec<Range<'_>> {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut ranges: Vec<_> = values.flat_map(|value| value.split(',')).filter_map(range).collect();
    if ranges.is_empty() {
        ranges.push(Range { media: "*/*", kind: None, version: None, group: None, quality: 1000 });
    }
    ranges.sort_by_key(|range| std::cmp::Reverse(range.quality));
    ranges
}

fn range(text: &str) -> Option<Range<'_>> {
    let mut parts = text.split(';').map(str::trim);
    let media = parts.next().filter(|media| !media.is_empty())?;
    let mut range = Range { media, kind: None, version: None, group: None, quality: 1000 };
    for (name, value) in parts.filter_map(|part| part.split_once('=')) {
        match name.trim() {
            "as" => range.kind = Some(value),
            "v" => range.version = Some(value),
            "g" => range.group = Some(value),
            "q" => range.quality = quality(value),
            _ => {}
        }
    }
    (range.quality > 0).then_some(range)
}

fn quality(text: &str) -> u16 {
    let quality = text.trim().parse::<f32>().unwrap_or(1.0).clamp(0.0, 1.0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000 after clamping")]
    let thousandths = (quality * 1000.0) as u16;
    thousandths
}

impl Range<'_> {
    fn encoding(&self) -> Option<Encoding> {
        match self.media {
            "*/*" | "application/*" | "application/json" => Some(Encoding::Json),
            "application/yaml" => Some(Encoding::Yaml),
            _ => None,
        }
    }

    fn is_meta_v1(&self) -> bool {
        self.version.is_none_or(|version| version == "v1") && self.group.is_none_or(|group| group == "meta.k8s.io")
    }
}

/// The form of an answer about objects, or 406.
pub(crate) fn form(headers: &HeaderMap) -> Result<Form, Failure> {
    let form = ranges(headers).iter().find_map(|range| {
        let encoding = range.encoding()?;
        let view = match range.kind {
            None => View::Whole,
            Some("Table") if range.is_meta_v1() => View::Table,
            Some("PartialObjectMetadata" | "PartialObjectMetadataList") if range.is_meta_v1() => View::Partial,
            Some(_) => return None,
        };
        Some(Form { encoding, view })
    });
    form.ok_or_else(|| Failure::not_acceptable(OFFERED))
}

/// The encoding of an answer that has one view only, or 406.
pub(crate) fn encoding(headers: &HeaderMap) -> Result<Encoding, Failure> {
    let plain = ranges(headers).iter().filter(|range| range.kind.is_none()).find_map(Range::encoding);
    plain.ok_or_else(|| Failure::not_acceptable(OFFERED))
}

/// The form of a discovery document: aggregated if the client wants that most, or 406.
pub(crate) fn discovery(headers: &HeaderMap) -> Result<(Encoding, Option<Aggregated>), Failure> {
    let found = ranges(headers).iter().find_map(|range| {
        let encoding = range.encoding()?;
        match (range.kind, range.version, range.group) {
            (None, ..) => Some((encoding, None)),
            (Some("APIGroupDiscoveryList"), Some("v2"), Some("apidiscovery.k8s.io")) => {
                Some((encoding, Some(Aggregated::V2)))
            }
            (Some("APIGroupDiscoveryList"), Some("v2beta1"), Some("apidiscovery.k8s.io")) => {
                Some((encoding, Some(Aggregated::V2Beta1)))
            }
            _ => None,
        }
    });
    found.ok_or_else(|| Failure::not_acceptable(OFFERED))
}
