//! The fields of an encoded object, found without decoding any.

use memchr::memchr2;

/// The name and the value of a field, both as they are written.
pub(crate) type Member<'a> = (&'a [u8], &'a [u8]);

/// The fields of an object. `None` of what is not an object. What is within the values is not looked at
/// more closely than to find where they end.
pub(crate) fn members(encoded: &[u8]) -> Option<Vec<Member<'_>>> {
    let mut rest = after(encoded, b'{')?;
    let mut members = Vec::with_capacity(8);
    if let Some(rest) = after(rest, b'}') {
        return rest.trim_ascii().is_empty().then_some(members);
    }
    loop {
        rest = rest.trim_ascii_start();
        let (name, follows) = rest.split_at_checked(text(rest)?)?;
        rest = after(follows, b':')?.trim_ascii_start();
        let (value, follows) = rest.split_at_checked(length(rest)?)?;
        members.push((name, value.trim_ascii_end()));
        rest = match after(follows, b',') {
            Some(rest) => rest,
            None => return after(follows, b'}')?.trim_ascii().is_empty().then_some(members),
        };
    }
}

/// What follows `byte`, if that is first.
fn after(encoded: &[u8], byte: u8) -> Option<&[u8]> {
    encoded.trim_ascii_start().strip_prefix(&[byte])
}

/// How long the text is that `encoded` begins with, its quotation marks included.
fn text(encoded: &[u8]) -> Option<usize> {
    let mut at = encoded.starts_with(b"\"").then_some(1)?;
    loop {
        at += memchr2(b'"', b'\\', encoded.get(at..)?)?;
        if encoded.get(at) == Some(&b'"') {
            return Some(at + 1);
        }
        // What is escaped ends nothing.
        at += 2;
    }
}

/// How long the value is that `encoded` begins with; of a number, `true` and their like, with the blanks behind it.
fn length(encoded: &[u8]) -> Option<usize> {
    let (mut at, mut depth) = (0, 0_usize);
    loop {
        match encoded.get(at)? {
            b'"' => at += text(encoded.get(at..)?)?,
            b'{' | b'[' => (at, depth) = (at + 1, depth + 1),
            b'}' | b']' if depth > 0 => (at, depth) = (at + 1, depth - 1),
            b'}' | b']' | b',' if depth == 0 => return (at > 0).then_some(at),
            _ => {
                at += 1;
                continue;
            }
        }
        if depth == 0 {
            return Some(at);
        }
    }
}
