//! Where a Gateway is reached.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use backstay_compiler::{AddressSource, Condition, GatewayAddresses};
use backstay_resources::ConditionStatus;
use serde_json::Value;

use super::PROGRAMMED;
use crate::tracker::Tracker;

#[cfg(test)]
mod tests;

/// Most addresses in the status of a Gateway. Source: Gateway API, `GatewayStatus.Addresses`.
const MAX_ADDRESSES: usize = 16;

/// How the message of an address that proxies cannot have begins.
pub(super) const UNUSABLE: &str = "a proxy cannot listen on";
/// How the message of an address that nobody has begins.
pub(super) const UNASSIGNED: &str = "no address can be assigned";

/// The addresses of a Gateway's status, and what is wrong with those that are not there.
pub(super) struct Reached {
    pub(super) addresses: Vec<String>,
    pub(super) fault: Option<AddressFault>,
}

/// Why an address that was asked for is none at which the Gateway is reached.
pub(super) struct AddressFault {
    reason: &'static str,
    message: String,
}

impl Reached {
    /// What proxies can listen on, of what was `asked` for. The Gateway has the status `old` now.
    pub(super) fn find(tracker: &Tracker, asked: &GatewayAddresses, old: &Value) -> Self {
        match asked.source {
            AddressSource::Spec => Self::given(tracker, asked),
            AddressSource::Proxies => Self { addresses: of_proxies(tracker, asked, old), fault: None },
            AddressSource::Assigned => {
                let mut addresses = of_proxies(tracker, asked, old);
                addresses.truncate(1);
                let fault = addresses.is_empty().then(|| {
                    let why = format!("no proxy of {} is connected, whose it could be", asked.fleet);
                    AddressFault::unassigned(&why)
                });
                Self { addresses, fault }
            }
            AddressSource::Unassignable(index) => {
                let given = Self::given(tracker, asked);
                let why = format!("for spec.addresses[{index}]: proxies have none beside those that are named");
                Self { fault: given.fault.or_else(|| Some(AddressFault::unassigned(&why))), ..given }
            }
        }
    }

    fn given(tracker: &Tracker, asked: &GatewayAddresses) -> Self {
        let mut reached = Self { addresses: Vec::new(), fault: None };
        for (address, resources) in &asked.given {
            match resources.iter().find_map(|resource| tracker.refused_address(resource)) {
                None => reached.addresses.push(address.clone()),
                Some((node, words)) => {
                    let message = format!("{UNUSABLE} {address}: {node} says: {words}");
                    reached.fault.get_or_insert(AddressFault { reason: "AddressNotUsable", message });
                }
            }
        }
        reached
    }
}

impl AddressFault {
    fn unassigned(why: &str) -> Self {
        Self { reason: "AddressNotAssigned", message: format!("{UNASSIGNED}: {why}") }
    }

    /// Has `Programmed` tell it, which is false then. What keeps the Gateway from being accepted comes first.
    pub(super) fn tell(self, conditions: &mut [Condition]) {
        let told = conditions.iter_mut().find(|found| found.kind == PROGRAMMED && found.reason != "Invalid");
        if let Some(found) = told {
            (found.status, found.reason, found.message) = (ConditionStatus::False, self.reason, self.message);
        }
    }
}

/// Where the proxies of the fleet are, as the control plane sees them. While none is connected, what was said before holds.
fn of_proxies(tracker: &Tracker, asked: &GatewayAddresses, old: &Value) -> Vec<String> {
    let streams = tracker.streams().filter(|stream| stream.fleet == asked.fleet);
    let addresses = streams.filter_map(|stream| stream.address.parse::<SocketAddr>().ok());
    let addresses: BTreeSet<IpAddr> = addresses.map(|address| address.ip().to_canonical()).collect();
    if !addresses.is_empty() {
        return addresses.iter().take(MAX_ADDRESSES).map(ToString::to_string).collect();
    }
    let before = old.get("addresses").and_then(Value::as_array).into_iter().flatten();
    before.filter_map(|address| address["value"].as_str()).map(str::to_owned).collect()
}
