//! Names as DNS has them on the wire, and as they are written here: bytes in labels, whatever they are, and a text of them.

use backstay_destination::hostname::is_dns_name;
use hickory_proto::rr::Name;

#[cfg(test)]
mod tests;

/// `text`, which is lower case and without a trailing dot, as it is asked for. None if DNS cannot know it.
///
/// Label by label: the library's own way takes text for a host name of RFC 952, and refuses labels that begin with a hyphen.
pub(super) fn to_wire(text: &str) -> Option<Name> {
    if !is_dns_name(text) {
        return None;
    }
    Name::from_labels(text.split('.').map(str::as_bytes)).ok()
}

/// `name` in lower case and without a trailing dot. None if it is none that could be asked for.
pub(super) fn from_wire(name: &Name) -> Option<String> {
    let mut text = String::new();
    for label in name.iter() {
        if !text.is_empty() {
            text.push('.');
        }
        let label = std::str::from_utf8(label).ok().filter(|label| !label.contains('.'))?;
        text.push_str(&label.to_ascii_lowercase());
    }
    is_dns_name(&text).then_some(text)
}
