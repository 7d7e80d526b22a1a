//! Times as Kubernetes writes them.

#[cfg(test)]
mod tests;

/// A time of RFC 3339 as the seconds since 1970 and the nanoseconds after these, which count forwards before 1970 as well. `None` where
/// it is none.
pub(super) fn parse(text: &str) -> Option<(i64, i64)> {
    if let Some(seconds) = whole_seconds(text.as_bytes()) {
        return Some((seconds, 0));
    }
    let time: jiff::Timestamp = text.parse().ok()?;
    let nanos = time.as_nanosecond();
    Some((i64::try_from(nanos.div_euclid(1_000_000_000)).ok()?, i64::try_from(nanos.rem_euclid(1_000_000_000)).ok()?))
}

/// `2006-01-02T15:04:05Z`, which nearly all are: a parser for all forms takes twenty times as long. `None` for every other form, and for
/// what is no day.
fn whole_seconds(text: &[u8]) -> Option<i64> {
    let text: &[u8; 20] = text.try_into().ok()?;
    let number = |from: usize, to: usize| {
        text[from..to]
            .iter()
            .try_fold(0_i64, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0')))
    };
    let signs = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'Z')];
    if signs.iter().any(|(at, sign)| text[*at] != *sign) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
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
