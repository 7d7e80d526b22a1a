//! What things are looked up in: tables and address sets by expressions, revocations by guards.

mod slot;

use backstay_destination::{Network, NetworkError};
use backstay_expression::{AddressSet, Table};
use backstay_proto::config;
use backstay_token::{Filter, FilterError};

use crate::fault::{Checked, all, refuse};
pub use slot::Slot;

/// Most that the keys and values of one table may be together, in bytes.
const MAX_TABLE: usize = 8 << 20;
/// Most entries of one address set.
const MAX_NETWORKS: usize = 100_000;

/// A table, checked.
pub(crate) fn table(message: &config::Table) -> Checked<Table> {
    let size: usize = message.entries.iter().map(|(key, value)| key.len() + value.len()).sum();
    if size > MAX_TABLE {
        return refuse("entries", format!("are {size} bytes: a table holds at most {MAX_TABLE}"));
    }
    let entries = message.entries.iter();
    Ok(entries.map(|(key, value)| (key.as_bytes(), bytes::Bytes::copy_from_slice(value.as_bytes()))).collect())
}

/// Revocations, checked.
pub(crate) fn revocations(message: &config::RevocationSet) -> Checked<Filter> {
    Filter::read(message.bits, message.hashes, &message.filter).or_else(|error| {
        let field = match error {
            FilterError::Bits => "bits",
            FilterError::Hashes => "hashes",
            FilterError::Length => "filter",
        };
        refuse(field, error.to_string())
    })
}

/// An address set, checked.
pub(crate) fn address_set(message: &config::AddressSet) -> Checked<AddressSet> {
    let count = message.entries.len();
    if count > MAX_NETWORKS {
        return refuse("entries", format!("are {count}: an address set holds at most {MAX_NETWORKS}"));
    }
    let networks = message.entries.iter().enumerate().map(|(index, entry)| {
        let network: Network = entry
            .network
            .parse()
            .or_else(|error: NetworkError| refuse(format!("entries[{index}].network"), error.to_string()))?;
        Ok((network, !entry.excluded))
    });
    let networks: Vec<_> = all(networks)?;
    AddressSet::new(networks)
        .or_else(|conflict| refuse(format!("entries[{}].network", conflict.position), conflict.to_string()))
}
