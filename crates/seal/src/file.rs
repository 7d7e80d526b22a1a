//! Keys as they stand in a file.

use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};

use crate::{KEYS_MOST, KeysError, NAME_MOST};

/// Bytes of a key.
const KEY_BYTES: usize = 32;
/// The largest file that is read, in bytes.
const FILE_MOST: u64 = 64 << 10;

/// What changes when a file does: time, size, inode and device, behind all links. Files that cannot be looked at are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp(Option<(i64, i64, u64, u64, u64)>);

impl Stamp {
    pub(crate) fn of(path: &Path) -> Self {
        let metadata = std::fs::metadata(path).ok();
        Self(metadata.map(|data| (data.mtime(), data.mtime_nsec(), data.size(), data.ino(), data.dev())))
    }
}

/// The keys of a file, with their names.
pub(crate) fn read(path: &Path) -> Result<Vec<(String, LessSafeKey)>, KeysError> {
    let failed = |source| KeysError::Read { path: path.to_owned(), source };
    let mut text = String::new();
    std::fs::File::open(path).and_then(|file| file.take(FILE_MOST).read_to_string(&mut text)).map_err(failed)?;
    let mut keys: Vec<(String, LessSafeKey)> = Vec::new();
    for (index, line) in text.lines().map(str::trim).enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |why| KeysError::Line { path: path.to_owned(), line: index + 1, why };
        let (name, key) = key(line).map_err(wrong)?;
        if keys.iter().any(|(other, _)| *other == name) {
            return Err(wrong("another key has this name"));
        }
        keys.push((name, key));
    }
    if !(1..=KEYS_MOST).contains(&keys.len()) {
        return Err(KeysError::Number { path: path.to_owned() });
    }
    Ok(keys)
}

fn key(line: &str) -> Result<(String, LessSafeKey), &'static str> {
    const FORM: &str = "write it as NAME:KEY, the key as 64 hexadecimal digits";
    let (name, digits) = line.split_once(':').ok_or(FORM)?;
    let (name, digits) = (name.trim(), digits.trim());
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if !(1..=NAME_MOST).contains(&name.len()) || !name.bytes().all(fits) {
        return Err("the name must be of 1 to 32 letters, digits, '-', '_' and '.'");
    }
    let mut bytes = [0; KEY_BYTES];
    if digits.len() != 2 * KEY_BYTES || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(FORM);
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| FORM)?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| FORM)?;
    }
    let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| FORM)?;
    Ok((name.to_owned(), LessSafeKey::new(key)))
}
