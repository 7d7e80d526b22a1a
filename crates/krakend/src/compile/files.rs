//! Files that a configuration names by path. None is opened: they come with the configuration.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;

/// The files that come with a configuration.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Files {
    /// They are not at hand: nothing is said of those that are missing, and what is made without them is of no use.
    #[default]
    Unknown,
    /// All there are, by path.
    Given(BTreeMap<String, File>),
}

/// A file.
#[derive(Clone, PartialEq)]
pub enum File {
    /// What is in it.
    Content(Bytes),
    /// A key of a Secret in the namespace of the configuration.
    Secret {
        /// The Secret.
        name: String,
        /// Its key, such as `tls.crt`.
        key: String,
        /// What it has there. `None` where there is no such Secret, or no such key.
        content: Option<Bytes>,
    },
}

impl File {
    /// What is in it, if that is at hand.
    #[must_use]
    pub fn content(&self) -> Option<&Bytes> {
        match self {
            Self::Content(content) => Some(content),
            Self::Secret { content, .. } => content.as_ref(),
        }
    }
}

/// Content may be a key, so none is shown.
impl fmt::Debug for File {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Content(_) => formatter.write_str("Content"),
            Self::Secret { name, key, .. } => write!(formatter, "Secret({name}, {key})"),
        }
    }
}

impl Files {
    /// The file at `path`; `./` at its start makes no difference.
    pub(crate) fn get(&self, path: &str) -> Option<&File> {
        let Self::Given(files) = self else { return None };
        let plain = |path: &str| path.trim_start_matches("./").to_owned();
        files.get(path).or_else(|| files.iter().find(|(known, _)| plain(known) == plain(path)).map(|(_, file)| file))
    }
}
