//! Cookies as Go writes them (`http.Cookie`).

use jiff::Timestamp;

use super::Found;

/// What requests send of a cookie, and what answers set. `None` where a field is of a wrong type, which has been told; an error has
/// the field that is wrong otherwise.
#[allow(clippy::type_complexity, reason = "two texts, or why not")]
pub(super) fn read(found: &Found<'_>) -> Result<Option<(String, String)>, (&'static str, &'static str)> {
    let fields = &found.fields;
    let texts = (fields.text("name"), fields.text("value"), fields.text("path"), fields.text("domain"));
    let rest = (fields.text("expires"), fields.truth("secure"), fields.truth("httpOnly"), fields.integer("maxAge"));
    let (
        (Some(name), Some(value), Some(path), Some(domain)),
        (Some(expires), Some(secure), Some(http_only), Some(age)),
    ) = (texts, rest)
    else {
        return Ok(None);
    };
    if name.is_empty() || !name.bytes().all(is_of_token) {
        return Err(("name", "no cookie can be called so"));
    }
    let is_of_value = |byte: u8| (0x20..0x7F).contains(&byte) && !matches!(byte, b'"' | b';' | b'\\');
    if !value.bytes().all(is_of_value) {
        return Err(("value", "no cookie can have this value"));
    }
    if !path.bytes().all(|byte| (0x20..0x7F).contains(&byte) && byte != b';') {
        return Err(("path", "no cookie can have this path"));
    }
    let domain = domain.strip_prefix('.').unwrap_or(domain);
    if !domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')) {
        return Err(("domain", "no cookie can have this domain"));
    }
    let quoted = value.bytes().any(|byte| matches!(byte, b' ' | b','));
    let sent = if quoted { format!("{name}=\"{value}\"") } else { format!("{name}={value}") };
    let mut set = sent.clone();
    for (attribute, value) in [("Path", path), ("Domain", domain)] {
        if !value.is_empty() {
            set.push_str(&format!("; {attribute}={value}"));
        }
    }
    if !expires.is_empty() {
        let expires: Timestamp =
            expires.parse().map_err(|_| ("expires", "a time such as 2030-12-31T00:00:00Z is wanted here"))?;
        set.push_str(&expires.strftime("; Expires=%a, %d %b %Y %H:%M:%S GMT").to_string());
    }
    match age {
        0 => {}
        ..0 => set.push_str("; Max-Age=0"),
        _ => set.push_str(&format!("; Max-Age={age}")),
    }
    for (attribute, is_set) in [("; HttpOnly", http_only), ("; Secure", secure)] {
        if is_set {
            set.push_str(attribute);
        }
    }
    Ok(Some((sent, set)))
}

fn is_of_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
