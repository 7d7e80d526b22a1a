//! What collectors are told under the names of OpenTelemetry's semantic conventions, which no name of Prometheus could be.

use super::Exposition;
use crate::conventions::{scheme, version};
use crate::counts::{RequestTimes, SeriesRead};

const NAME: &str = "http.server.request.duration";

/// How long requests took, for what reads the format of Prometheus with any names.
pub(crate) fn conventions(times: &RequestTimes) -> String {
    let mut text = Exposition::new(true);
    if times.is_on() {
        text.family(NAME, "histogram", "Duration of HTTP server requests.");
        text.unit(NAME, "s");
        times.read().iter().for_each(|series| write(&mut text, series));
    }
    text.finish()
}

fn write(text: &mut Exposition, series: &SeriesRead) {
    let Some((measured, route)) = &series.of else {
        return text.histogram(NAME, &[("otel.metric.overflow", "true")], &series.times);
    };
    let status = measured.status.to_string();
    let answered = (measured.status > 0).then_some(("http.response.status_code", status.as_str()));
    // A client that leaves before there is an answer is none of the server's errors.
    let error = (measured.status >= 500).then_some(("error.type", status.as_str()));
    let labels = [
        Some(("http.request.method", measured.method.name())),
        route.as_deref().map(|route| ("http.route", route)),
        answered,
        error,
        Some(("network.protocol.version", version(measured.version))),
        Some(("url.scheme", scheme(measured.secure))),
    ];
    let labels: Vec<_> = labels.into_iter().flatten().collect();
    text.histogram(NAME, &labels, &series.times);
}
