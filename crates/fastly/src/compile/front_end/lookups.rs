//! Dictionaries and access lists, which change without a version.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use backstay_compiler::{Graph, ObjectKey};
use backstay_proto::config;
use backstay_proto::config::address_set::Entry;
use backstay_proto::config::resource::Kind as Resource;
use backstay_resources::Object;

use super::FastlyFrontEnd;
use crate::compile::name;
use crate::object::{AclEntry, FASTLY_ACL, FASTLY_SERVICE, FastlyAcl, FastlyDictionary};

impl FastlyFrontEnd {
    /// One small resource for each, so that a change of an item is a small one. What cannot be read stays as it last was.
    pub(super) fn read_lookup(&mut self, key: &ObjectKey, object: Option<&Object>, graph: &mut Graph) {
        let is_list = *key.kind == FASTLY_ACL;
        let resource = match object {
            None => {
                self.lookups.remove(key);
                // A version may still look things up in it.
                let is_needed = graph.dependents(key, &FASTLY_SERVICE).next().is_some();
                return match is_needed {
                    true => graph.offer(&resource_name(key), empty(is_list), Vec::new()),
                    false => graph.take_back(&resource_name(key)),
                };
            }
            Some(object) if is_list => object.typed::<FastlyAcl>().map(|list| address_set(&list.spec.entries)),
            Some(object) => object.typed::<FastlyDictionary>().map(|dictionary| {
                let items = dictionary.spec.items.into_iter();
                Resource::Table(config::Table { entries: items.map(|(key, item)| (key, item.value)).collect() })
            }),
        };
        if let Ok(resource) = resource {
            self.lookups.insert(key.clone());
            graph.offer(&resource_name(key), resource, Vec::new());
        }
    }
}

/// What there is of a dictionary or a list without an object.
pub(super) fn empty(is_list: bool) -> Resource {
    if is_list {
        Resource::AddressSet(config::AddressSet::default())
    } else {
        Resource::Table(config::Table::default())
    }
}

pub(super) fn resource_name(key: &ObjectKey) -> Arc<str> {
    if *key.kind == FASTLY_ACL { name::address_set(&key.name) } else { name::table(&key.name) }
}

/// Of several entries for one network the last counts, since a set has none twice.
fn address_set(entries: &[AclEntry]) -> Resource {
    let mut networks: BTreeMap<(IpAddr, u8), bool> = BTreeMap::new();
    for entry in entries {
        let Ok(address) = entry.ip.parse::<IpAddr>() else { continue };
        let most = if address.is_ipv4() { 32 } else { 128 };
        let length = entry.subnet.unwrap_or(most).min(most);
        networks.insert((first_address(address, length), length), entry.negated);
    }
    let entry = |((address, length), excluded): ((IpAddr, u8), bool)| Entry {
        network: format!("{address}/{length}"),
        excluded,
    };
    Resource::AddressSet(config::AddressSet { entries: networks.into_iter().map(entry).collect() })
}

/// The first address of a network that holds `address`.
fn first_address(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or_default();
            IpAddr::V4((address.to_bits() & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or_default();
            IpAddr::V6((address.to_bits() & mask).into())
        }
    }
}
