//! Parts of a request target.

/// The path: what precedes the query.
pub(crate) fn path(target: &[u8]) -> &[u8] {
    split(target).0
}

/// What follows the first `?`, if there is one.
pub(crate) fn query(target: &[u8]) -> Option<&[u8]> {
    split(target).1
}

fn split(target: &[u8]) -> (&[u8], Option<&[u8]>) {
    match target.iter().position(|byte| *byte == b'?') {
        Some(at) => (&target[..at], Some(&target[at + 1..])),
        None => (target, None),
    }
}

/// What follows the last `/` of `path`.
pub(crate) fn basename(path: &[u8]) -> &[u8] {
    path.iter().rposition(|byte| *byte == b'/').map_or(path, |at| &path[at + 1..])
}

/// What precedes the last element of `path`, without the `/` between them; `/` for an element of the root.
pub(crate) fn directory(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(0) => b"/",
        Some(at) => &path[..at],
        None => b"",
    }
}

/// What follows the last `.` of the last element of `path`; empty when it has none.
pub(crate) fn extension(path: &[u8]) -> &[u8] {
    let name = basename(path);
    name.iter().rposition(|byte| *byte == b'.').map_or(b"", |at| &name[at + 1..])
}
