//! What the standard variables say.
//!
//! Source: OpenTelemetry specification, "Environment Variable Specification" and "OpenTelemetry Protocol Exporter".

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use backstay_trace::{Collector, CollectorError, Format, Protocol, Sampler, SamplerError};
use percent_encoding::percent_decode_str;

use crate::Signal;

#[cfg(test)]
mod tests;

/// As often as the specification has it.
const METRIC_INTERVAL: Duration = Duration::from_secs(60);

/// What the variables whose names begin with `OTEL_` say. One that is empty is as if it were not set.
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<String, String>);

/// Which variable cannot be honoured, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    /// A collector cannot be reached so.
    #[error("{0}: {1}")]
    Collector(String, CollectorError),
    /// No such sampler.
    #[error("OTEL_TRACES_SAMPLER: {0}")]
    Sampler(SamplerError),
    /// The value is none of those that there are.
    #[error("{0}: {1:?} is not understood; {2}")]
    Value(String, String, &'static str),
}

impl Environment {
    /// What `variables` say, of which others are left out.
    #[must_use]
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(variables.into_iter().filter(|(name, value)| name.starts_with("OTEL_") && !value.is_empty()).collect())
    }

    /// What those of this process say.
    #[must_use]
    pub fn of_process() -> Self {
        // One that is not UTF-8 says nothing that anyone could mean.
        Self::new(
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The variable of a signal, or else that of all, with its name.
    fn of(&self, signal: Signal, what: &str) -> Option<(String, &str)> {
        let own = format!("OTEL_EXPORTER_OTLP_{}_{what}", signal.name().to_uppercase());
        let all = format!("OTEL_EXPORTER_OTLP_{what}");
        [own, all].into_iter().find_map(|name| self.0.get(&name).map(|value| (name, value.as_str())))
    }

    /// Whether nothing of a signal is to be sent.
    #[must_use]
    pub fn silences(&self, signal: Signal) -> bool {
        let disabled = self.get("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        disabled || self.get(&format!("OTEL_{}_EXPORTER", signal.name().to_uppercase())) == Some("none")
    }

    /// The collector of a signal, where the variables name one. What they say beside its address completes one that is `given`.
    ///
    /// # Errors
    /// The variable that cannot be honoured.
    pub fn collector(&self, signal: Signal, given: Option<&Collector>) -> Result<Option<Collector>, EnvironmentError> {
        let protocol = match self.of(signal, "PROTOCOL") {
            None => None,
            Some((name, text)) => {
                let protocol = Protocol::parse(text);
                Some(protocol.map_err(|error| EnvironmentError::Collector(name, error))?)
            }
        };
        let mut collector = match (self.of(signal, "ENDPOINT"), given) {
            (Some((name, text)), _) => {
                let protocol = protocol.unwrap_or_default();
                let collector = Collector::new(text, protocol);
                let mut collector = collector.map_err(|error| EnvironmentError::Collector(name.clone(), error))?;
                collector.is_whole = name != "OTEL_EXPORTER_OTLP_ENDPOINT";
                collector.gzip = false;
                collector
            }
            (None, Some(given)) => Collector { protocol: protocol.unwrap_or(given.protocol), ..given.clone() },
            (None, None) => return Ok(None),
        };
        self.complete(signal, &mut collector)?;
        Ok(Some(collector))
    }

    fn complete(&self, signal: Signal, collector: &mut Collector) -> Result<(), EnvironmentError> {
        if let Some((variable, text)) = self.of(signal, "HEADERS") {
            for (name, value) in pairs(text) {
                let said = collector.header(&name, &value);
                said.map_err(|error| EnvironmentError::Collector(variable.clone(), error))?;
            }
        }
        if let Some((name, text)) = self.of(signal, "COMPRESSION") {
            collector.gzip = match text {
                "gzip" => true,
                "none" => false,
                _ => return Err(EnvironmentError::Value(name, text.to_owned(), "there are gzip and none")),
            };
        }
        if let Some((name, text)) = self.of(signal, "TIMEOUT") {
            collector.timeout = milliseconds(&name, text)?;
        }
        let file = |what| self.of(signal, what).map(|(_, path)| PathBuf::from(path));
        collector.authorities = file("CERTIFICATE").or_else(|| collector.authorities.take());
        collector.pair = file("CLIENT_CERTIFICATE").zip(file("CLIENT_KEY")).or_else(|| collector.pair.take());
        Ok(())
    }

    /// The sampler, where the variables name one.
    ///
    /// # Errors
    /// Where there is none of that name.
    pub fn sampler(&self) -> Result<Option<Sampler>, EnvironmentError> {
        let Some(name) = self.get("OTEL_TRACES_SAMPLER") else { return Ok(None) };
        let sampler = Sampler::named(name, self.get("OTEL_TRACES_SAMPLER_ARG"));
        sampler.map(Some).map_err(EnvironmentError::Sampler)
    }

    /// How requests are to carry traces on, where the variables say.
    ///
    /// # Errors
    /// Where one of the names is none; `baggage` goes on in any case.
    pub fn propagators(&self) -> Result<Option<Vec<Format>>, EnvironmentError> {
        const NAME: &str = "OTEL_PROPAGATORS";
        let Some(text) = self.get(NAME) else { return Ok(None) };
        let names = text.split(',').map(str::trim).filter(|name| !matches!(*name, "baggage" | "none" | ""));
        let known = |name: &str| {
            let why = "there are tracecontext, baggage, b3, b3multi and none";
            Format::of(name).ok_or_else(|| EnvironmentError::Value(NAME.to_owned(), name.to_owned(), why))
        };
        names.map(known).collect::<Result<_, _>>().map(Some)
    }

    /// How often metrics are sent: as the variables say, each minute where they name a collector and no more, or as is `given`.
    ///
    /// # Errors
    /// Where that is no time, or they ask for metrics in another shape than the one that there is.
    pub fn metric_interval(&self, given: Option<Duration>) -> Result<Option<Duration>, EnvironmentError> {
        const NAME: &str = "OTEL_METRIC_EXPORT_INTERVAL";
        const SHAPES: [(&str, &str, &str); 2] = [
            ("TEMPORALITY_PREFERENCE", "cumulative", "sums are cumulative"),
            ("DEFAULT_HISTOGRAM_AGGREGATION", "explicit_bucket_histogram", "there is explicit_bucket_histogram"),
        ];
        for (what, only, why) in SHAPES {
            let name = format!("OTEL_EXPORTER_OTLP_METRICS_{what}");
            if let Some(text) = self.get(&name).filter(|text| !text.eq_ignore_ascii_case(only)) {
                return Err(EnvironmentError::Value(name, text.to_owned(), why));
            }
        }
        let said = self.get(NAME).map(|text| milliseconds(NAME, text)).transpose()?;
        let named = || self.of(Signal::Metrics, "ENDPOINT").map(|_| METRIC_INTERVAL);
        Ok(said.or(given).or_else(named))
    }

    /// What the variables say of the process.
    pub(crate) fn resource_attributes(&self) -> Vec<(String, String)> {
        let mut attributes = pairs(self.get("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default());
        if let Some(name) = self.get("OTEL_SERVICE_NAME") {
            attributes.push(("service.name".to_owned(), name.to_owned()));
        }
        attributes
    }
}

/// `name=value` with commas between, values percent-encoded. What has no name is left out, as the specification has it.
fn pairs(text: &str) -> Vec<(String, String)> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    let decoded = |text: &str| percent_decode_str(text.trim()).decode_utf8_lossy().into_owned();
    pairs.map(|(name, value)| (decoded(name), decoded(value))).filter(|(name, _)| !name.is_empty()).collect()
}

fn milliseconds(name: &str, text: &str) -> Result<Duration, EnvironmentError> {
    let number = text.trim().parse().ok().filter(|number| (1..=86_400_000).contains(number));
    let why = "it is a number of milliseconds from 1 to a day";
    number.map(Duration::from_millis).ok_or_else(|| EnvironmentError::Value(name.to_owned(), text.to_owned(), why))
}
