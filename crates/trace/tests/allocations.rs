//! What is decided of each request allocates nothing.
#![allow(clippy::unwrap_used, missing_docs)]

use allocation_counter::measure;
use backstay_trace::{Incoming, Sampler};
use http::{HeaderMap, HeaderName, HeaderValue};

#[test]
fn a_request_that_is_not_sampled_allocates_nothing() {
    let headers = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
        let pairs = pairs.iter();
        pairs.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    };
    let plain = headers(&[("host", "a"), ("accept", "*/*"), ("user-agent", "b")]);
    let w3c = headers(&[("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")]);
    let b3 =
        headers(&[("x-b3-traceid", "4bf92f3577b34da6"), ("x-b3-spanid", "00f067aa0ba902b7"), ("x-b3-sampled", "0")]);
    let sampler = Sampler::parent_based(0.001).unwrap();
    for headers in [plain, w3c, b3] {
        let counted = measure(|| assert!(!sampler.samples(Incoming::read(&headers).as_ref(), u64::MAX)));
        assert_eq!(counted.count_total, 0, "{headers:?}");
    }
}
