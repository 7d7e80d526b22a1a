#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::Sampler;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())).collect()
}

fn read(pairs: &[(&'static str, &str)]) -> Option<(bool, Option<bool>, Format)> {
    let incoming = Incoming::read(&headers(pairs))?;
    let parent = incoming.parent;
    if let Some(parent) = parent {
        assert!(TRACE.ends_with(&parent.trace.to_string()[16..]) && parent.span.to_string() == SPAN);
    }
    Some((parent.is_some(), incoming.sampled, incoming.format))
}

#[test]
fn each_way_to_say_it_is_read() {
    let w3c = |flags: &str| format!("00-{TRACE}-{SPAN}-{flags}");
    assert_eq!(read(&[("traceparent", &w3c("01"))]), Some((true, Some(true), Format::W3c)));
    assert_eq!(read(&[("traceparent", &w3c("fe"))]), Some((true, Some(false), Format::W3c)));
    let later = format!("cc-{TRACE}-{SPAN}-01-what-the-future");
    assert_eq!(read(&[("traceparent", &later)]), Some((true, Some(true), Format::W3c)));
    let b3 = |rest: &str| format!("{TRACE}-{SPAN}{rest}");
    assert_eq!(read(&[("b3", &b3("-1-05e3ac9a4f6e3b90"))]), Some((true, Some(true), Format::B3)));
    assert_eq!(read(&[("b3", &b3("-d"))]), Some((true, Some(true), Format::B3)));
    assert_eq!(read(&[("b3", &b3(""))]), Some((true, None, Format::B3)));
    assert_eq!(read(&[("b3", "0")]), Some((false, Some(false), Format::B3)));
    assert_eq!(read(&[("b3", &format!("{}-{SPAN}-1", &TRACE[16..]))]), Some((true, Some(true), Format::B3)));
    let several = [("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN), ("x-b3-sampled", "0")];
    assert_eq!(read(&several), Some((true, Some(false), Format::B3Multiple)));
    assert_eq!(read(&[several[0], several[1], ("x-b3-flags", "1")]), Some((true, Some(true), Format::B3Multiple)));
    assert_eq!(read(&[("x-b3-sampled", "1")]), Some((false, Some(true), Format::B3Multiple)));
    assert_eq!(read(&[("traceparent", "nonsense"), ("b3", "0")]), Some((false, Some(false), Format::B3)));
}

#[test]
fn what_is_none_is_as_if_it_were_not_there() {
    let zero = "0".repeat(32);
    for value in [
        format!("00-{zero}-{SPAN}-01"),
        format!("00-{TRACE}-{}-01", "0".repeat(16)),
        format!("ff-{TRACE}-{SPAN}-01"),
        format!("00-{TRACE}-{SPAN}-01-more"),
        format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
        format!("00-{TRACE}-{SPAN}-0"),
        format!("00_{TRACE}-{SPAN}-01"),
        String::new(),
    ] {
        assert_eq!(read(&[("traceparent", &value)]), None, "{value}");
    }
    for value in ["x", "1-2-3", &format!("{TRACE}-{SPAN}-2"), &format!("{TRACE}-{SPAN}-1-{SPAN}-1")] {
        assert_eq!(read(&[("b3", value)]), None, "{value}");
    }
    assert_eq!(read(&[("x-b3-traceid", TRACE)]), None);
    let twice = format!("00-{TRACE}-{SPAN}-01");
    assert_eq!(read(&[("traceparent", &twice), ("traceparent", &twice)]), None);
}

#[test]
fn what_is_written_is_read_again() {
    let (trace, span) = (TraceId::new(1, 2), SpanId::new(3));
    for format in [Format::W3c, Format::B3, Format::B3Multiple] {
        let mut map = headers(&[("tracestate", "a=b"), ("x-b3-parentspanid", SPAN)]);
        format.write(&mut map, trace, span, None, true);
        let expected = Incoming { parent: Some(Parent { trace, span }), sampled: Some(true), format };
        assert_eq!(Incoming::read(&map), Some(expected));
        assert_eq!(map.contains_key("tracestate"), format != Format::W3c);
        assert_eq!(map.contains_key("x-b3-parentspanid"), format != Format::B3Multiple);
    }
}

#[test]
fn callers_are_heeded_and_of_the_rest_there_is_a_share() {
    let w3c = |flags| Incoming::read(&headers(&[("traceparent", &format!("00-{TRACE}-{SPAN}-{flags}"))]));
    let half = Sampler::parent_based(0.5).unwrap();
    assert!(half.samples(w3c("01").as_ref(), u64::MAX) && !half.samples(w3c("00").as_ref(), 0));
    assert!(half.samples(None, u64::MAX / 2) && !half.samples(None, u64::MAX / 2 + 2));
    let all = Sampler::parent_based(1.0).unwrap();
    assert!(all.samples(None, u64::MAX) && !all.samples(w3c("00").as_ref(), 0));
    let always = Sampler::named("always_on", None).unwrap();
    assert!(always.samples(w3c("00").as_ref(), u64::MAX));
    assert!(!Sampler::OFF.is_on() && Sampler::parent_based(0.0).unwrap().is_on());
    assert!(!Sampler::parent_based(0.0).unwrap().samples(None, 0));
    for ratio in [-0.1, 1.1, f64::NAN] {
        assert!(Sampler::parent_based(ratio).is_err());
    }
    assert!(Sampler::named("parentbased_traceidratio", Some("x")).is_err() && Sampler::named("jaeger", None).is_err());
}

proptest! {
    #[test]
    fn whatever_clients_send_is_read_or_not(name in prop::sample::select(vec!["traceparent", "b3", "x-b3-traceid", "x-b3-sampled"]), value in "[ -~]{0,70}") {
        let mut map = HeaderMap::new();
        map.insert(HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap());
        let _ = Incoming::read(&map);
    }
}
