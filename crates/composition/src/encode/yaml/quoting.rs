//! Which texts are quoted in YAML, and how.

/// Words that are no texts to readers of YAML 1.1 or 1.2.
const WORDS: [&str; 26] = [
    "null", "Null", "NULL", "~", "true", "True", "TRUE", "false", "False", "FALSE", "y", "Y", "yes", "Yes", "YES", "n",
    "N", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF",
];

/// Whether a text needs quotes to be that text to a reader. Texts of several lines are written as blocks, and need none for that.
pub(super) fn is_needed(text: &str) -> bool {
    let (Some(first), Some(last)) = (text.chars().next(), text.chars().next_back()) else { return true };
    WORDS.contains(&text)
        || text == "-"
        || "*&[{}],!|>%'\"@ `".contains(first)
        || matches!(last, ':' | ' ')
        || is_number(text)
        || is_time(text)
        || text.contains(['#', '\\'])
        || text.contains(": ")
        || text.contains("- ")
        || text.chars().any(|character| character != '\n' && !is_printable(character))
        // A block takes its indentation from its first line with anything in it.
        || (first == '\n' && text.trim_start_matches('\n').starts_with(' '))
}

/// Writes a text in double quotes.
pub(super) fn write(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for character in text.chars() {
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\u{7}' => out.extend_from_slice(b"\\a"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\u{b}' => out.extend_from_slice(b"\\v"),
            character if is_printable(character) => {
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            '\0'..='\u{1f}' | '\u{7f}' => out.extend_from_slice(format!("\\x{:02x}", u32::from(character)).as_bytes()),
            '\0'..='\u{ffff}' => out.extend_from_slice(format!("\\u{:04x}", u32::from(character)).as_bytes()),
            _ => out.extend_from_slice(format!("\\U{:08x}", u32::from(character)).as_bytes()),
        }
    }
    out.push(b'"');
}

/// Whether a character can be seen, or is the blank.
fn is_printable(character: char) -> bool {
    let is_hidden = matches!(
        character,
        '\u{ad}' | '\u{600}'..='\u{605}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..
    );
    character == ' ' || !(character.is_control() || character.is_whitespace() || is_hidden)
}

/// Whether a text is a number: decimal, octal (also with a leading zero alone), hexadecimal or binary, with underscores anywhere, or with
/// one point and perhaps an exponent.
fn is_number(text: &str) -> bool {
    let points = text.matches('.').count();
    if text.starts_with('_') || points > 1 {
        return false;
    }
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    let unsigned = unsigned.strip_prefix('-').unwrap_or(unsigned).replace('_', "");
    let digits = |text: &str, base: u32| !text.is_empty() && text.chars().all(|character| character.is_digit(base));
    let prefixed = [("0x", 16), ("0o", 8), ("0b", 2)];
    if let Some((rest, base)) = prefixed.iter().find_map(|(prefix, base)| Some((unsigned.strip_prefix(prefix)?, *base)))
    {
        return digits(rest, base);
    }
    match points {
        1 => unsigned.parse::<f64>().is_ok(),
        _ if unsigned.starts_with('0') && unsigned.len() > 1 => digits(&unsigned, 8),
        _ => digits(&unsigned, 10),
    }
}

/// Whether a text is a time as RFC 3339 has it, with a blank and without an offset too, a date, or hours and minutes.
fn is_time(text: &str) -> bool {
    if let Some((hours, minutes)) = text.split_once(':')
        && number(hours, 1..=2).is_some_and(|hours| hours < 24)
        && number(minutes, 1..=2).is_some_and(|minutes| minutes < 60)
    {
        return true;
    }
    let Some((_, rest)) = text.split_at_checked(10).filter(|(date, _)| is_date(date)) else { return false };
    match rest.chars().next() {
        None => true,
        Some(' ') => clock(&rest[1..]).is_some_and(str::is_empty),
        Some('T' | 't') => clock(&rest[1..]).is_some_and(is_offset),
        Some(_) => false,
    }
}

fn is_date(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut next = |digits| number(parts.next()?, digits..=digits);
    let (Some(year), Some(month), Some(day)) = (next(4), next(2), next(2)) else { return false };
    let days = match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// What follows hours, minutes and seconds, with or without a fraction.
fn clock(text: &str) -> Option<&str> {
    let (clock, rest) = text.split_at_checked(8)?;
    let mut parts = clock.split(':');
    let mut next = |limit| number(parts.next()?, 2..=2).filter(|number| *number < limit);
    next(24).zip(next(60)).zip(next(60))?;
    match rest.strip_prefix('.') {
        None => Some(rest),
        Some(fraction) => {
            let end = fraction.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(fraction.len());
            (end > 0).then(|| &fraction[end..])
        }
    }
}

fn is_offset(text: &str) -> bool {
    let hours = text.strip_prefix(['+', '-']).and_then(|offset| offset.split_once(':'));
    text == "Z"
        || hours.is_some_and(|(hours, minutes)| {
            number(hours, 2..=2).is_some_and(|hours| hours <= 24)
                && number(minutes, 2..=2).is_some_and(|minutes| minutes < 60)
        })
}

/// A number of so many digits.
fn number(text: &str, digits: std::ops::RangeInclusive<usize>) -> Option<u32> {
    (digits.contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests;
