//! The settings of DNS caches that a dynamic backend has and had.

use std::sync::Arc;

use backstay_destination::lookup::Settings;
use backstay_model::{Backend, Discovery, DynamicDiscovery};

use crate::dynamic::cache_name;

/// How many are kept: what is in force, and what connections may still go by that were accepted before.
const KEPT: usize = 2;

/// A dynamic backend with each of its latest settings, the oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Generations(Vec<(Arc<str>, Settings, Backend)>);

impl Generations {
    /// Takes in the backend called `name` as it is now. Nothing of one that is not dynamic.
    pub(crate) fn take_in(&mut self, name: &str, backend: &Backend) {
        let Discovery::Dynamic(found) = &backend.discovery else { return self.0.clear() };
        let settings = &found.settings;
        let cache = cache_name(name, settings);
        // Whatever else it has changed counts for the settings of before as well.
        for (_, settings, known) in &mut self.0 {
            let discovery = with_settings(&backend.discovery, settings);
            *known = Backend { discovery, ..backend.clone() };
        }
        self.0.retain(|(known, ..)| *known != cache);
        self.0.push((cache, settings.clone(), backend.clone()));
        let surplus = self.0.len().saturating_sub(KEPT);
        self.0.drain(..surplus);
    }

    /// The names of its caches, with their settings.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Settings)> {
        self.0.iter().map(|(cache, settings, _)| (cache, settings))
    }

    /// The backend with the settings of a cache.
    pub(crate) fn backend(&self, cache: &str) -> Option<&Backend> {
        self.0.iter().find(|(known, ..)| **known == *cache).map(|(.., backend)| backend)
    }
}

fn with_settings(discovery: &Discovery, settings: &Settings) -> Discovery {
    match discovery {
        Discovery::Dynamic(found) => {
            Discovery::Dynamic(Box::new(DynamicDiscovery { settings: settings.clone(), ..(**found).clone() }))
        }
        other => other.clone(),
    }
}
