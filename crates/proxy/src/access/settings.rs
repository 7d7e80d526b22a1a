//! Which of those who have a say about the log is heard.

use backstay_model::telemetry::{AccessLog, Layout, LogFilter, Redaction};

use super::{Log, Plan};

/// What the command line says of lines. What it does not is as the fleet says, or else as it is without a word.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogOverrides {
    /// What they are made of.
    pub layout: Option<Layout>,
    /// Which requests have one.
    pub filter: Option<LogFilter>,
    /// What is not written in full.
    pub redaction: Option<Redaction>,
}

/// Has the log follow what the fleet says.
#[derive(Debug)]
pub(crate) struct LogControl {
    pub(crate) log: Log,
    /// The command line has a place for lines, whatever the fleet says.
    pub(crate) placed: bool,
    pub(crate) overrides: LogOverrides,
}

impl LogControl {
    /// The fleet says this from now on, or nothing any more.
    pub(crate) fn follow(&self, fleet: Option<&AccessLog>) {
        if !self.placed && !fleet.is_some_and(|fleet| fleet.stdout || fleet.otlp || fleet.service.is_some()) {
            return self.log.turn(None);
        }
        let LogOverrides { layout, filter, redaction } = self.overrides.clone();
        let fleet = fleet.cloned().unwrap_or_default();
        self.log.turn(Some(Plan::new(AccessLog {
            stdout: self.placed || fleet.stdout,
            layout: layout.unwrap_or(fleet.layout),
            filter: filter.unwrap_or(fleet.filter),
            redaction: redaction.unwrap_or(fleet.redaction),
            ..fleet
        })));
    }
}
