use std::fmt::{Display, Write};

/// Text in the exposition format of Prometheus, version 0.0.4.
#[derive(Debug, Default)]
pub(crate) struct Exposition(String);

impl Exposition {
    /// Begins a family: its samples follow, and no other's before all of them.
    pub(crate) fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// One sample.
    pub(crate) fn sample<'a>(
        &mut self,
        name: &str,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        value: impl Display,
    ) {
        self.0.push_str(name);
        let mut next = '{';
        for (label, text) in labels {
            let _ = write!(self.0, "{next}{label}=\"");
            next = ',';
            text.chars().for_each(|character| self.push(character));
            self.0.push('"');
        }
        if next == ',' {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }

    fn push(&mut self, character: char) {
        match character {
            '\\' => self.0.push_str("\\\\"),
            '"' => self.0.push_str("\\\""),
            '\n' => self.0.push_str("\\n"),
            // Readers take it for the end of the text.
            '\0' => self.0.push('\u{fffd}'),
            other => self.0.push(other),
        }
    }

    pub(crate) fn finish(self) -> String {
        self.0
    }
}
