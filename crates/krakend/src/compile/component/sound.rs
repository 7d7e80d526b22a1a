//! What the model takes.

use backstay_model::Faults;

use crate::compile::written::Component;
use crate::problem::{Cause, Severity};

impl Component<'_> {
    /// The message, if the model takes it for a `T`. Why it does not is told.
    pub(super) fn sound<T, M>(&self, message: M) -> Option<M>
    where
        T: for<'m> TryFrom<&'m M, Error = Faults>,
    {
        match T::try_from(&message) {
            Ok(_) => Some(message),
            Err(faults) => {
                for fault in &faults {
                    self.report().not_served(self.place(), &self.path(), fault.to_string());
                }
                None
            }
        }
    }

    /// Tells of an option that KrakenD needs and a proxy does not.
    pub(super) fn note(&self, option: &str, message: &str) {
        if let Some(entry) = self.option(option) {
            self.report().add(Severity::Note, Cause::NotServed, (entry.place, &self.path().key(option)), message);
        }
    }

    /// The texts of a list, and nothing of what is not one; none where there is no list.
    pub(super) fn texts(&self, option: &str) -> Vec<String> {
        let members = self.option(option).map(|entry| entry.node.members()).unwrap_or_default();
        members.iter().filter_map(|member| member.text()).map(str::to_owned).collect()
    }

    /// Whether an option is `true`.
    pub(super) fn is_true(&self, option: &str) -> bool {
        self.option(option).is_some_and(|entry| entry.node.is_true())
    }

    /// A text; `None` where it is none, or empty.
    pub(super) fn text(&self, option: &str) -> Option<&str> {
        self.option(option).and_then(|entry| entry.node.text()).filter(|text| !text.is_empty())
    }

    /// A number; 0 where it is none.
    pub(super) fn number(&self, option: &str) -> f64 {
        self.option(option).and_then(|entry| entry.node.number()).unwrap_or_default()
    }
}
