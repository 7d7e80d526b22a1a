//! The names that the expressions of one sequence can use, and what is left of their limits.

use std::sync::Arc;

use backstay_expression::{Budget, DestinationIndex, SetIndex, TableIndex};

use crate::fault::{Checked, refuse};
use crate::name::{Kind, reference};

/// Names become indices here: destinations are known beforehand, tables and address sets are noted as they are met.
#[derive(Debug, Default)]
pub(super) struct Scope {
    pub(super) budget: Budget,
    pub(super) destinations: Vec<Arc<str>>,
    pub(super) tables: Vec<Arc<str>>,
    pub(super) address_sets: Vec<Arc<str>>,
}

impl Scope {
    /// The destination called `name`.
    pub(super) fn destination(&self, field: &str, name: &str) -> Checked<DestinationIndex> {
        match self.destinations.iter().position(|known| **known == *name) {
            Some(index) => Ok(DestinationIndex(index)),
            None => refuse(field, format!("{name:?} is no destination of this sequence")),
        }
    }

    /// The table resource called `name`.
    pub(super) fn table(&mut self, field: &str, name: &str) -> Checked<TableIndex> {
        let name = reference(Kind::Table, field, name)?;
        Ok(TableIndex(position(&mut self.tables, name)))
    }

    /// The address set resource called `name`.
    pub(super) fn address_set(&mut self, field: &str, name: &str) -> Checked<SetIndex> {
        let name = reference(Kind::AddressSet, field, name)?;
        Ok(SetIndex(position(&mut self.address_sets, name)))
    }
}

fn position(names: &mut Vec<Arc<str>>, name: Arc<str>) -> usize {
    names.iter().position(|known| *known == name).unwrap_or_else(|| {
        names.push(name);
        names.len() - 1
    })
}
