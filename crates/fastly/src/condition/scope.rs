//! What a version has that its conditions can name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a version has that its conditions can name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// What can be selected, as VCL calls it: backends, with `F_` before their [names](vcl_name), and directors.
    pub destinations: BTreeSet<String>,
    /// Access lists, with the name of the address set that proxies have for each.
    pub lists: BTreeMap<String, Arc<str>>,
    /// Dictionaries, with the name of the table that proxies have for each.
    pub tables: BTreeMap<String, Arc<str>>,
}

/// A name as generated VCL has it: each character that VCL has not in names is an underscore.
#[must_use]
pub fn vcl_name(name: &str) -> String {
    name.chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '_' }).collect()
}
