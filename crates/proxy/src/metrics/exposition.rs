use std::fmt::{Display, Write};
use std::time::SystemTime;

use backstay_upstream::counts::{Exemplar, TimesRead};

/// Text in the exposition format of Prometheus, version 0.0.4.
#[derive(Debug, Default)]
pub(crate) struct Exposition {
    text: String,
    /// With the exemplars of OpenMetrics, which that version has not.
    exemplars: bool,
}

impl Exposition {
    /// Text that has exemplars, if it is to.
    pub(crate) fn new(exemplars: bool) -> Self {
        Self { text: String::new(), exemplars }
    }

    /// Begins a family: its samples follow, and no other's before all of them.
    pub(crate) fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// Says what the family that has begun is counted in, where its name does not tell.
    pub(crate) fn unit(&mut self, name: &str, unit: &str) {
        let _ = writeln!(self.text, "# UNIT {name} {unit}");
    }

    /// A histogram, all of it.
    pub(crate) fn histogram(&mut self, name: &str, labels: &[(&str, &str)], times: &TimesRead) {
        let TimesRead { bounds, cumulated, sum, exemplars } = times;
        let bounds: Vec<_> = bounds.iter().map(ToString::to_string).chain(["+Inf".to_owned()]).collect();
        for ((bound, count), exemplar) in bounds.iter().zip(cumulated).zip(exemplars) {
            let labels = labels.iter().copied().chain([("le", bound.as_str())]);
            self.bucket(&format!("{name}_bucket"), labels, *count, exemplar.as_ref());
        }
        self.sample(&format!("{name}_sum"), labels.iter().copied(), sum);
        let all = cumulated.last().copied().unwrap_or_default();
        self.sample(&format!("{name}_count"), labels.iter().copied(), all);
    }

    /// One sample.
    pub(crate) fn sample<'a>(
        &mut self,
        name: &str,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        value: impl Display,
    ) {
        self.text.push_str(name);
        let mut next = '{';
        for (label, text) in labels {
            let _ = write!(self.text, "{next}{label}=\"");
            next = ',';
            text.chars().for_each(|character| self.push(character));
            self.text.push('"');
        }
        if next == ',' {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }

    /// One bucket of a histogram, with the one of those in it that can be looked up.
    fn bucket<'a>(
        &mut self,
        name: &str,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        count: u64,
        exemplar: Option<&Exemplar>,
    ) {
        let Some(Exemplar { seconds, at, trace, span }) = exemplar.filter(|_| self.exemplars) else {
            return self.sample(name, labels, count);
        };
        let at = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let exemplar = format!("{count} # {{trace_id=\"{trace}\",span_id=\"{span}\"}} {seconds} {at:.3}");
        self.sample(name, labels, exemplar);
    }

    fn push(&mut self, character: char) {
        match character {
            '\\' => self.text.push_str("\\\\"),
            '"' => self.text.push_str("\\\""),
            '\n' => self.text.push_str("\\n"),
            // Readers take it for the end of the text.
            '\0' => self.text.push('\u{fffd}'),
            other => self.text.push(other),
        }
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }
}
