//! Families of series, as tables: what is exported can be read in one place, and is what the guide lists.

use super::Exposition;
use backstay_upstream::counts::Times;

/// Series of one name, for subjects of one kind.
pub(super) struct Family<T> {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) read: Read<T>,
}

/// What is read from a subject. `Rise` and `Rises` only grow.
pub(super) enum Read<T> {
    /// One number, which only grows.
    Rise(fn(&T) -> u64),
    /// One number with a fraction, which only grows.
    Grows(fn(&T) -> f64),
    /// One number, which grows and shrinks; none where it would mean nothing.
    Level(fn(&T) -> Option<f64>),
    /// A number for each value of a label, which only grow.
    Rises(&'static str, fn(&T) -> Vec<(&'static str, u64)>),
    /// A number for each value of a label.
    Levels(&'static str, fn(&T) -> Vec<(&'static str, f64)>),
    /// Seconds.
    Times(fn(&T) -> &Times),
}

impl<T> Family<T> {
    pub(super) fn kind(&self) -> &'static str {
        match self.read {
            Read::Rise(_) | Read::Rises(..) | Read::Grows(_) => "counter",
            Read::Level(_) | Read::Levels(..) => "gauge",
            Read::Times(_) => "histogram",
        }
    }

    /// The samples of one subject, under another name if need be.
    pub(super) fn write_samples(&self, text: &mut Exposition, name: &str, labels: &[(&str, &str)], subject: &T) {
        let with = |label, value| labels.iter().copied().chain([(label, value)]);
        match self.read {
            Read::Rise(read) => text.sample(name, labels.iter().copied(), read(subject)),
            Read::Grows(read) => text.sample(name, labels.iter().copied(), read(subject)),
            Read::Level(read) => {
                if let Some(value) = read(subject) {
                    text.sample(name, labels.iter().copied(), value);
                }
            }
            Read::Rises(label, read) => {
                read(subject).into_iter().for_each(|(value, number)| text.sample(name, with(label, value), number));
            }
            Read::Levels(label, read) => {
                read(subject).into_iter().for_each(|(value, number)| text.sample(name, with(label, value), number));
            }
            Read::Times(read) => text.histogram(name, labels, &read(subject).read()),
        }
    }
}

/// Writes `families`, each with all of its samples. `label` names each subject; one that is empty names none.
pub(super) fn write<T>(text: &mut Exposition, families: &[Family<T>], label: &str, subjects: &[(&str, &T)]) {
    for family in families {
        text.family(family.name, family.kind(), family.help);
        for (name, subject) in subjects {
            let labels = [(label, *name)];
            let labels = if label.is_empty() { &[] } else { &labels[..] };
            family.write_samples(text, family.name, labels, subject);
        }
    }
}
