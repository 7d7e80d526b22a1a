use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_model::Listener;
use backstay_xds::client::Rejection;

use super::super::accepted::Accepted;
use crate::config::Config;

/// What a response came to.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// What was refused; the faults of one resource stand beside each other.
    pub(crate) rejections: Vec<Rejection>,
    /// To be put in force; `None` if what is in force has taken in all that changed.
    pub(crate) config: Option<Arc<Config>>,
    /// Listeners that changed, with what they were: some may turn out not to be possible.
    pub(in crate::control) replaced: BTreeMap<Arc<str>, Option<Accepted<Listener>>>,
    /// Backends whose names have to be resolved for the first time.
    pub(crate) unresolved: Vec<Arc<str>>,
}
