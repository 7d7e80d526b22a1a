use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::{Bytes, BytesMut};

use crate::{Resource, Variant};

/// All resources of a type, as responses carry them.
#[derive(Debug, Default)]
pub(crate) struct Full {
    pub(crate) parts: Vec<Part>,
    part_bytes: usize,
}

/// The content of one response.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// The resources, encoded one after another.
    pub(crate) body: Bytes,
    /// Name and version of each.
    pub(crate) resources: Arc<[(Arc<str>, Arc<str>)]>,
}

impl Part {
    /// These resources, of `bytes` in all.
    pub(crate) fn of(resources: &[&Arc<Resource>], variant: Variant, bytes: usize) -> Self {
        let body = match resources {
            [] => Bytes::new(),
            // Nearly every change is of one resource, which all streams share.
            [one] => one.field(variant),
            _ => {
                let mut body = BytesMut::with_capacity(bytes);
                resources.iter().for_each(|resource| body.extend_from_slice(&resource.field(variant)));
                body.freeze()
            }
        };
        let names = resources.iter().map(|resource| (resource.name().clone(), resource.version().clone()));
        Self { body, resources: names.collect() }
    }
}

/// What was made last, for as long as a stream sends it: a fleet at rest keeps nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Shared(Arc<[Mutex<Weak<Full>>; 2]>);

impl Shared {
    pub(super) fn get<'a>(
        &self,
        resources: impl Iterator<Item = &'a Arc<Resource>>,
        variant: Variant,
        part_bytes: usize,
    ) -> Arc<Full> {
        let [incremental, state_of_the_world] = &*self.0;
        let slot = match variant {
            Variant::Incremental => incremental,
            Variant::StateOfTheWorld => state_of_the_world,
        };
        // Held while it is made: whoever comes meanwhile wants the same.
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(full) = slot.upgrade().filter(|full| full.part_bytes == part_bytes) {
            return full;
        }
        let full = Arc::new(Full { parts: split(resources, variant, part_bytes), part_bytes });
        *slot = Arc::downgrade(&full);
        full
    }
}

fn split<'a>(resources: impl Iterator<Item = &'a Arc<Resource>>, variant: Variant, part_bytes: usize) -> Vec<Part> {
    let (mut parts, mut part, mut bytes) = (Vec::new(), Vec::new(), 0_usize);
    for resource in resources {
        let len = resource.field_len(variant);
        if !part.is_empty() && bytes.saturating_add(len) > part_bytes {
            parts.push(Part::of(&part, variant, bytes));
            part.clear();
            bytes = 0;
        }
        bytes = bytes.saturating_add(len);
        part.push(resource);
    }
    if !part.is_empty() {
        parts.push(Part::of(&part, variant, bytes));
    }
    parts
}
