//! What a name server sends, read for the addresses of `a.example`: a byte that says of which family, and the message. Whatever comes,
//! there are no more addresses than a name may have, none is made up, and none is kept for longer than a day.

#![no_main]

use std::net::IpAddr;
use std::time::Duration;

use backstay_dns_cache::{RecordKind, read_addresses};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((family, message)) = input.split_first() else { return };
    let kind = if family & 1 == 0 { RecordKind::A } else { RecordKind::Aaaa };
    let Some((addresses, ttl)) = read_addresses("a.example", kind, message) else { return };
    assert!(ttl <= Duration::from_secs(24 * 60 * 60));
    assert!(addresses.len() <= 1024);
    let is_in = |bytes: &[u8]| message.windows(bytes.len()).any(|window| window == bytes);
    for address in addresses {
        match (address, kind) {
            (IpAddr::V4(address), RecordKind::A) => assert!(is_in(&address.octets())),
            (IpAddr::V6(address), RecordKind::Aaaa) => assert!(is_in(&address.octets())),
            (other, _) => panic!("{other} is of the other family"),
        }
    }
});
