//! Times as Kubernetes writes them.

#[cfg(test)]
mod tests;

use super::super::wire;

/// Writes a field that is the seconds since 1970 and the nanoseconds after these.
pub(super) fn write(number: u32, (seconds, nanos): (i64, i64), out: &mut Vec<u8>) {
    // From 1978 to 3058, and nothing after the second: the number has five times seven bits.
    if let (1..16, 0x1000_0000..0x8_0000_0000, 0) = (number, seconds, nanos) {
        let seven = |place: u32| (seconds >> (7 * place) & 0x7f) as u8;
        let [a, b, c, d] = [0, 1, 2, 3].map(|place| seven(place) | 0x80);
        out.extend_from_slice(&[(number << 3) as u8 | wire::LENGTH, 6, 1 << 3, a, b, c, d, seven(4)]);
        return;
    }
    let open = wire::open(number, out);
    for (number, part) in [(1, seconds), (2, nanos)] {
        if part != 0 {
            wire::number(number, part as u64, out);
        }
    }
    wire::close(&open, out);
}

/// A time of RFC 3339 as the seconds since 1970 and the nanoseconds after these, which count forwards before 1970 as well. `None` where
/// it is none.
pub(super) fn parse(text: &str) -> Option<(i64, i64)> {
    let time: jiff::Timestamp = text.parse().ok()?;
    let nanos = time.as_nanosecond();
    Some((i64::try_from(nanos.div_euclid(1_000_000_000)).ok()?, i64::try_from(nanos.rem_euclid(1_000_000_000)).ok()?))
}

/// `2006-01-02T15:04:05Z`, which nearly all are: a parser for all forms takes twenty times as long. `None` for every other form, and for
/// what is no day.
pub(super) fn whole_seconds(text: &[u8]) -> Option<i64> {
    let text: &[u8; 20] = text.try_into().ok()?;
    let (date, rest) = text.split_first_chunk()?;
    let (time, seconds) = rest.split_first_chunk()?;
    let [a, b, c, d] = *seconds else { return None };
    let date = digits::<{ u64::from_le_bytes(*b"0000-00-") }>(*date)?;
    let time = digits::<{ u64::from_le_bytes(*b"00T00:00") }>(*time)?;
    let seconds = digits::<{ u64::from_le_bytes(*b":00Z\0\0\0\0") }>([a, b, c, d, 0, 0, 0, 0])?;
    let two = |digits: [u8; 8], at: usize| i64::from(digits[at]) * 10 + i64::from(digits[at + 1]);
    let (year, month, day) = (two(date, 0) * 100 + two(date, 2), two(date, 5), two(time, 0));
    let (hour, minute, second) = (two(time, 3), two(time, 6), two(seconds, 1));
    // What a month has without a doubt, and a minute without a leap second: the rest is left to the other parser.
    if !(1..=12).contains(&month) || !(1..=28).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Years begin in March, so that the day that may be there or not is the last of one.
    let year = if month > 2 { year } else { year - 1 };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

/// What the digits of a text are worth that is spelt as `FORM`, which has zeros where there are digits. All eight bytes are looked at
/// together.
#[inline]
fn digits<const FORM: u64>(text: [u8; 8]) -> Option<[u8; 8]> {
    const HIGHEST: u64 = u64::from_le_bytes([0x80; 8]);
    let worth = u64::from_le_bytes(text) ^ FORM;
    let excess = ((worth & !HIGHEST) + const { limits(FORM) }) | worth;
    (excess & HIGHEST == 0).then(|| worth.to_le_bytes())
}

/// What makes the highest bit of a byte one when it is added to a digit that is worth more than nine, or to a sign that is another.
const fn limits(form: u64) -> u64 {
    let (form, mut limits, mut at) = (form.to_le_bytes(), [0x7f; 8], 0);
    while at < 8 {
        if form[at] == b'0' {
            limits[at] = 0x7f - 9;
        }
        at += 1;
    }
    u64::from_le_bytes(limits)
}
