//! What the API of a dialect counts: requests by method and answer, and those that met a limit. Each dialect has names of its own for
//! the same.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use http::{Method, StatusCode};
use metrics::{Counter, Gauge, Key, Label, Level, Metadata, NoopRecorder, Recorder};

#[cfg(test)]
mod tests;

const METADATA: Metadata<'static> = Metadata::new("backstay_metering", Level::INFO, None);

/// What a dialect calls what it counts.
#[derive(Debug, Clone, Copy)]
pub struct Names {
    /// Requests: the series, and what it says.
    pub requests: (&'static str, &'static str),
    /// Requests that were refused for a limit.
    pub limited: (&'static str, &'static str),
}

/// Where an API counts. The default counts nowhere.
#[derive(Clone)]
pub struct Meter {
    recorder: Arc<dyn Recorder + Send + Sync>,
    names: Names,
    answered: Arc<RwLock<Answered>>,
}

/// The series of requests that have been counted, by the value of the label that a dialect adds, since to find one among all series costs
/// more than many a request.
type Answered = HashMap<String, Vec<(&'static str, StatusCode, Counter)>>;

impl Meter {
    /// Counts in `recorder`.
    pub fn new(recorder: Arc<dyn Recorder + Send + Sync>, names: Names) -> Self {
        for (name, description) in [names.requests, names.limited] {
            recorder.describe_counter(name.into(), None, description.into());
        }
        Self { recorder, names, answered: Arc::default() }
    }

    /// Counts nowhere.
    pub fn none(names: Names) -> Self {
        Self { recorder: Arc::new(NoopRecorder), names, answered: Arc::default() }
    }

    fn counter(&self, name: &'static str, labels: Vec<Label>) -> Counter {
        self.recorder.register_counter(&Key::from_parts(name, labels), &METADATA)
    }

    /// Counts a request. Of its method only what is served becomes a label, so that nobody can make labels up; `more` is for the
    /// caller to see to.
    pub fn answered(&self, method: &Method, status: StatusCode, more: Option<(&'static str, &str)>) {
        let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
        let method = known.into_iter().find(|known| *known == method.as_str()).unwrap_or("other");
        let value = more.map_or("", |(_, value)| value);
        let answered = self.answered.read().unwrap_or_else(PoisonError::into_inner);
        let mut counted = answered.get(value).into_iter().flatten();
        if let Some((.., counter)) = counted.find(|(known, code, _)| (*known, *code) == (method, status)) {
            counter.increment(1);
            return;
        }
        drop(answered);
        let code = Label::new("code", status.as_u16().to_string());
        let more = more.map(|(name, value)| Label::new(name, value.to_owned()));
        let labels = [Label::from_static_parts("method", method)].into_iter().chain(more).chain([code]);
        let counter = self.counter(self.names.requests.0, labels.collect());
        counter.increment(1);
        let mut answered = self.answered.write().unwrap_or_else(PoisonError::into_inner);
        answered.entry(value.to_owned()).or_default().push((method, status, counter));
    }

    /// Counts a request that met a limit: the name of the setting.
    pub fn limited(&self, limit: &'static str) {
        self.counter(self.names.limited.0, vec![Label::from_static_parts("limit", limit)]).increment(1);
    }

    /// A level that the dialect keeps beside these, without labels.
    pub fn gauge(&self, name: &'static str, description: &'static str) -> Gauge {
        self.recorder.describe_gauge(name.into(), None, description.into());
        self.recorder.register_gauge(&Key::from_static_name(name), &METADATA)
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Meter").field("names", &self.names).finish_non_exhaustive()
    }
}
