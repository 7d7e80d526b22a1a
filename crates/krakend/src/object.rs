//! Reading the fields of an object: names in any case, values by weak typing, and a word on what is left over.

use std::collections::HashMap;
use std::time::Duration;

use crate::document::{Entry, Node, Value};
use crate::hint;
use crate::place::{At, Path, Place};
use crate::problem::{Report, Severity};
use crate::quote::quoted;
use crate::weak;

#[cfg(test)]
thread_local! {
    /// Every field that has been asked for, by what leads to its object: the guide lists them.
    pub(crate) static KNOWN: std::cell::RefCell<std::collections::BTreeSet<(String, &'static str)>> = Default::default();
}

/// An object whose fields are being read.
pub(crate) struct Object<'d, 'r> {
    /// What leads to it.
    pub(crate) path: &'r Path<'r>,
    pub(crate) report: &'r Report,
    entries: &'d [Entry],
    /// By their names in small letters, in the order of the file.
    by_name: HashMap<String, Vec<usize>>,
    /// The names that have been asked for.
    known: Vec<&'static str>,
}

/// A field as it is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field<'d> {
    /// Where its key is written.
    pub(crate) place: Place,
    /// Its value, which is not null.
    pub(crate) node: &'d Node,
}

impl<'d, 'r> Object<'d, 'r> {
    /// Begins to read. What is no object is told, and has no fields.
    pub(crate) fn of(node: &'d Node, path: &'r Path<'r>, report: &'r Report) -> Self {
        if !matches!(node.value, Value::Map(_) | Value::Null) {
            report.unreadable(node.place, path, format!("an object is wanted here, and this is {}", node.kind()));
        }
        let entries = node.entries();
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::with_capacity(entries.len());
        for (index, entry) in entries.iter().enumerate() {
            by_name.entry(entry.key.to_ascii_lowercase()).or_default().push(index);
        }
        Self { path, report, entries, by_name, known: Vec::new() }
    }

    /// The field `name`, whatever its case: the one that is spelt exactly so before any other.
    pub(crate) fn field(&mut self, name: &'static str) -> Option<Field<'d>> {
        self.known.push(name);
        let candidates = self.by_name.get(name)?;
        let entries = self.entries;
        let spelt = |index: &&usize| entries.get(**index).is_some_and(|entry| entry.key == name);
        let exact = candidates.iter().find(spelt);
        let chosen = *exact.or_else(|| candidates.first())?;
        for other in candidates.iter().filter(|index| **index != chosen).filter_map(|index| entries.get(*index)) {
            let how = if exact.is_some() { "" } else { ", and KrakenD takes either by chance" };
            let message = format!("it is ignored: {name} is here twice, in different cases{how}");
            self.report.dropped(other.place, &self.path.key(&other.key), message);
        }
        let entry = entries.get(chosen)?;
        (entry.node.value != Value::Null).then_some(Field { place: entry.place, node: &entry.node })
    }

    /// What `read` makes of the field `name`. A value that it refuses is told, and then there is none.
    pub(crate) fn read<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'d Node) -> Result<T, String>,
    ) -> Option<At<T>> {
        let field = self.field(name)?;
        match read(field.node) {
            Ok(value) => Some(At { place: field.place, value }),
            Err(message) => {
                self.report.unreadable(field.place, &self.path.key(name), message);
                None
            }
        }
    }

    /// A text. An empty one is as good as none.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<At<String>> {
        self.read(name, weak::text).filter(|text| !text.value.is_empty())
    }

    /// A truth value, false where there is none.
    pub(crate) fn truth(&mut self, name: &'static str) -> bool {
        self.read(name, weak::truth).is_some_and(|truth| truth.value)
    }

    /// An integer. 0 is as good as none.
    pub(crate) fn integer(&mut self, name: &'static str) -> Option<At<i64>> {
        self.read(name, weak::integer)
    }

    /// An integer that counts something, 0 where there is none.
    pub(crate) fn count(&mut self, name: &'static str) -> u64 {
        let Some(At { place, value }) = self.integer(name) else { return 0 };
        u64::try_from(value).unwrap_or_else(|_| {
            self.report.unreadable(place, &self.path.key(name), "it must not be negative");
            0
        })
    }

    /// A duration.
    pub(crate) fn duration(&mut self, name: &'static str) -> Option<At<Duration>> {
        let At { place, value: (span, advice) } = self.read(name, weak::span)?;
        if let Some(advice) = advice {
            self.report.surprising(place, &self.path.key(name), advice);
        }
        Some(At { place, value: span })
    }

    /// A list of texts. `None` where it is not there, which some fields tell from an empty one.
    pub(crate) fn texts(&mut self, name: &'static str) -> Option<At<Vec<At<String>>>> {
        let field = self.field(name)?;
        let path = self.path.key(name);
        let is_list = matches!(field.node.value, Value::List(_));
        let mut texts = Vec::new();
        for (index, member) in weak::list(field.node).iter().enumerate() {
            let place = if is_list { member.place } else { field.place };
            match weak::text(member) {
                Ok(value) => texts.push(At { place, value }),
                Err(message) => self.report.unreadable(place, &path.index(index), message),
            }
        }
        if let (false, [only]) = (is_list, texts.as_slice())
            && only.value.contains(',')
        {
            let message = format!("{} is one entry, commas and all: write a list", quoted(&only.value));
            self.report.surprising(field.place, &path, message);
        }
        Some(At { place: field.place, value: texts })
    }

    /// Tells of every field that has not been asked for. `meant` knows of names that are no misspelling: what is right elsewhere or
    /// was right once.
    pub(crate) fn finish(self, meant: impl Fn(&str) -> Option<String>) {
        #[cfg(test)]
        KNOWN.with_borrow_mut(|known| known.extend(self.known.iter().map(|name| (self.path.to_string(), *name))));
        for entry in self.entries {
            let is_known = self.known.iter().any(|known| known.eq_ignore_ascii_case(&entry.key));
            if is_known || is_comment(&entry.key) {
                continue;
            }
            if self.report.is_full(Severity::Warning) {
                self.report.dropped(entry.place, self.path, "");
                continue;
            }
            let hint = meant(&entry.key).or_else(|| {
                let word = hint::closest(&entry.key, self.known.iter().copied())?;
                Some(format!("did you mean {word}?"))
            });
            let hint = hint.map(|hint| format!(": {hint}")).unwrap_or_default();
            self.report.dropped(
                entry.place,
                &self.path.key(&entry.key),
                format!("KrakenD ignores a key that it does not know{hint}"),
            );
        }
    }
}

/// Keys that KrakenD's own schema allows anywhere, for what their owner likes.
pub(crate) fn is_comment(key: &str) -> bool {
    key.starts_with(['@', '$', '_', '#'])
}
