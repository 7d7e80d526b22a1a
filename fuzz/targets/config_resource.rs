//! A resource as a control plane sends it: its name, a line feed, its bytes. Whatever comes, it is either a value that a
//! proxy can serve or a list of faults.

#![no_main]

use backstay_model::{Kind, Resource};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some(end) = input.iter().position(|byte| *byte == b'\n') else { return };
    let Ok(name) = std::str::from_utf8(&input[..end]) else { return };
    match Resource::decode(name, Bytes::copy_from_slice(&input[end + 1..])) {
        Ok(resource) => assert_eq!(Kind::of(name), Some(resource.kind()), "it is of the kind that its name says"),
        Err(faults) => assert!(!faults.to_string().is_empty(), "what is refused is told why"),
    }
});
