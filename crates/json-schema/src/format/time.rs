//! Dates and times, as Go's `time.Parse` reads them.

/// `2006-01-02`
pub(super) fn is_date(text: &str) -> bool {
    date(text) == Some("")
}

/// `15:04:05`, and maybe an offset.
pub(super) fn is_time(text: &str) -> bool {
    clock(text).is_some_and(|rest| rest.is_empty() || offset(rest) == Some(""))
}

/// A date and a time with an offset, or either alone.
pub(super) fn is_date_time(text: &str) -> bool {
    let whole = || offset(clock(date(text)?.strip_prefix('T')?)?);
    is_time(text) || is_date(text) || whole() == Some("")
}

fn two_digits(text: &str) -> Option<(u32, &str)> {
    let digits = text.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    Some((digits.parse().ok()?, text.get(2..)?))
}

fn date(text: &str) -> Option<&str> {
    let year = text.get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let year: u32 = year.parse().ok()?;
    let (month, rest) = two_digits(text.get(4..)?.strip_prefix('-')?)?;
    let (day, rest) = two_digits(rest.strip_prefix('-')?)?;
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => return None,
    };
    (1..=days).contains(&day).then_some(rest)
}

/// A time of day: hours of one digit or two, and maybe a fraction of the second.
fn clock(text: &str) -> Option<&str> {
    let digits = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let (hours, rest) = text.split_at_checked(digits)?;
    let (minutes, rest) = two_digits(rest.strip_prefix(':')?)?;
    let (seconds, rest) = two_digits(rest.strip_prefix(':')?)?;
    if hours.parse::<u32>().ok()? > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    let Some(fraction) = rest.strip_prefix(['.', ',']) else { return Some(rest) };
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 { Some(rest) } else { fraction.get(digits..) }
}

fn offset(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix('Z') {
        return Some(rest);
    }
    let (hours, rest) = two_digits(text.strip_prefix(['+', '-'])?)?;
    let (minutes, rest) = two_digits(rest.strip_prefix(':')?)?;
    (hours <= 24 && minutes <= 60).then_some(rest)
}
