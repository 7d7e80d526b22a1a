//! Names and owners of services, so that no service has to be read for its name again until it has changed.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use backstay_store::{Key, Prefix, Revision, Snapshot};

use super::failure::Failure;
use super::record::Record;
use crate::object::{FASTLY_SERVICE, ServiceSpec};

/// What is known of the services that were looked at last, each as of the revision that it was changed by. A look compares it with what
/// is stored, and reads what is not known: nobody has to tell of a change.
#[derive(Debug, Default)]
pub(super) struct Catalog(Mutex<HashMap<Key, Known>>);

#[derive(Debug, Clone)]
struct Known {
    modified: Revision,
    name: Box<str>,
    customer: Box<str>,
}

/// What a customer has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owned {
    /// How many services there are.
    pub(super) services: usize,
    /// Whether one is called so.
    pub(super) is_taken: bool,
}

impl Catalog {
    /// How many services `customer` has, and whether one but that with the id `own` is called `name`.
    pub(super) fn owned(
        &self,
        snapshot: &Snapshot,
        customer: &str,
        name: &str,
        own: Option<&str>,
    ) -> Result<Owned, Failure> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut owned, mut all) = (Owned { services: 0, is_taken: false }, 0);
        for entry in snapshot.list(&Prefix::resource(&FASTLY_SERVICE.resource())) {
            all += 1;
            if known.get(&entry.key).is_none_or(|known| known.modified != entry.modified) {
                let Record { spec: ServiceSpec { name, customer_id, .. }, .. } = Record::read(&FASTLY_SERVICE, entry)?;
                let read = Known { modified: entry.modified, name: name.into(), customer: customer_id.into() };
                known.insert(entry.key.clone(), read);
            }
            let Some(service) = known.get(&entry.key) else { continue };
            if *service.customer == *customer {
                owned.services += 1;
                owned.is_taken |= *service.name == *name && Some(entry.key.name()) != own;
            }
        }
        // Of those that are gone some are still known.
        if known.len() > all {
            known.retain(|key, _| snapshot.get(key).is_some());
        }
        Ok(owned)
    }
}
