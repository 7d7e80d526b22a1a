//! Identifiers.

use rand::RngExt as _;

/// How long identifiers are, as Fastly's.
const LENGTH: usize = 22;
const LETTERS: &[u8; 26] = b"abcdefghijklmnopqrstuvwxyz";
const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// A new identifier: 22 characters of base 62, of which only lower case is used and a letter comes first, so that it is a
/// Kubernetes name as well. 113 random bits: two are never the same.
#[must_use]
pub fn new_id() -> String {
    let mut random = rand::rng();
    let mut character = |index: usize| match index {
        0 => char::from(LETTERS[random.random_range(0..LETTERS.len())]),
        _ => char::from(DIGITS[random.random_range(0..DIGITS.len())]),
    };
    (0..LENGTH).map(&mut character).collect()
}

/// The name of the object that holds a version.
#[must_use]
pub fn version_name(service: &str, number: u32) -> String {
    format!("{service}.{number}")
}
