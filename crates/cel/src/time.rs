//! Times and durations: as they are written, and what the calendar says of them.

/// A second in nanoseconds.
pub(crate) const SECOND: i128 = 1_000_000_000;

const DAY: i64 = 86_400;

/// Whether a time is of the years 1 to 9999.
pub(crate) fn is_in_range(nanos: i128) -> bool {
    (-62_135_596_800..=253_402_300_799).contains(&nanos.div_euclid(SECOND))
}

/// A time as a calendar and a clock show it.
pub(crate) struct Civil {
    pub(crate) year: i64,
    pub(crate) month: i64,
    pub(crate) day: i64,
    /// From 0.
    pub(crate) day_of_year: i64,
    /// From Sunday, which is 0.
    pub(crate) weekday: i64,
    /// Of the day.
    pub(crate) seconds: i64,
    /// Of the second.
    pub(crate) nanos: i64,
}

impl Civil {
    /// Of a time, where clocks are so many seconds ahead of UTC.
    pub(crate) fn of(nanos: i128, zone: i32) -> Self {
        // Within the range of times, seconds have 64 bits.
        let seconds = nanos.div_euclid(SECOND) as i64 + i64::from(zone);
        let (days, of_day) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        // Years that begin in March have their leap day at the end; 400 of them are an era of 146,097 days.
        let shifted = days + 719_468;
        let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self {
            year,
            month,
            day,
            day_of_year: days - days_since_1970(year, 1, 1),
            weekday: (days + 4).rem_euclid(7),
            seconds: of_day,
            nanos: nanos.rem_euclid(SECOND) as i64,
        }
    }
}

fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// A time as RFC 3339 has it, and how many seconds it is written ahead of UTC. Hours may have one digit.
pub(crate) fn parse(text: &str) -> Option<(i128, i32)> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<i64>().ok())?;
    let (date, clock) = text.split_once('T')?;
    let bytes = date.as_bytes();
    if bytes.len() != 10 || bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') {
        return None;
    }
    let (year, month, day) = (digits(date.get(..4)?)?, digits(date.get(5..7)?)?, digits(date.get(8..)?)?);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(is_leap),
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=days).contains(&day) {
        return None;
    }
    let end = clock.find(['Z', '+', '-'])?;
    let (clock, zone) = clock.split_at(end);
    let zone = match zone {
        "Z" => 0,
        other => numeric_zone(other)?,
    };
    let (clock, fraction) = clock.split_once(['.', ',']).unwrap_or((clock, ""));
    let mut parts = clock.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    let is_whole = parts.next().is_none() && matches!(hours.len(), 1 | 2) && minutes.len() == 2 && seconds.len() == 2;
    let (hours, minutes, seconds) = (digits(hours)?, digits(minutes)?, digits(seconds)?);
    if !is_whole || hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    let nanos: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let nanos = digits(&nanos).filter(|_| fraction.bytes().all(|byte| byte.is_ascii_digit()))?;
    let seconds = days_since_1970(year, month, day) * DAY + hours * 3600 + minutes * 60 + seconds - i64::from(zone);
    Some((i128::from(seconds) * SECOND + i128::from(nanos), zone))
}

/// `+02:00`, in seconds.
fn numeric_zone(text: &str) -> Option<i32> {
    let sign = match text.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let is_number = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(hours) || !is_number(minutes) {
        return None;
    }
    let (hours, minutes) = (hours.parse::<i32>().ok()?, minutes.parse::<i32>().ok()?);
    (hours <= 24 && minutes <= 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// How many seconds a time zone is ahead of UTC.
pub(crate) fn offset_of_zone(text: &str) -> Option<i32> {
    match text {
        "" | "UTC" => Some(0),
        text if text.starts_with(['+', '-']) => numeric_zone(text),
        text => numeric_zone(&format!("+{text}")),
    }
}

/// A time as RFC 3339 has it, without a fraction that is nothing.
pub(crate) fn print(nanos: i128, zone: i32) -> String {
    let Civil { year, month, day, seconds, nanos, .. } = Civil::of(nanos, zone);
    let fraction = if nanos == 0 { String::new() } else { format!(".{nanos:09}") };
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = fraction.trim_end_matches('0');
    let zone = match zone {
        0 => "Z".to_owned(),
        zone => {
            let sign = if zone < 0 { '-' } else { '+' };
            format!("{sign}{:02}:{:02}", zone.unsigned_abs() / 3600, zone.unsigned_abs() / 60 % 60)
        }
    };
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}{fraction}{zone}")
}

/// A duration as Go writes them, in nanoseconds: `1h30m`, `-1.5s`, `0`.
pub(crate) fn parse_duration(text: &str) -> Option<i64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if unsigned == "0" {
        return Some(0);
    }
    let mut rest = Some(unsigned).filter(|rest| !rest.is_empty())?;
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let whole = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, after) = rest.split_at(whole);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(fraction) => fraction.split_at(fraction.bytes().take_while(u8::is_ascii_digit).count()),
            None => ("", after),
        };
        if digits.is_empty() && fraction.is_empty() {
            return None;
        }
        let end = after.find(|letter: char| letter == '.' || letter.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        let unit: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => SECOND,
            "m" => 60 * SECOND,
            "h" => 3600 * SECOND,
            _ => return None,
        };
        let whole: i128 = if digits.is_empty() { 0 } else { digits.parse::<i64>().ok()?.into() };
        total += whole * unit;
        if !fraction.is_empty() {
            let fraction: f64 = format!("0.{fraction}").parse().ok()?;
            total += (fraction * unit as f64) as i128;
        }
        rest = next;
    }
    i64::try_from(if text.starts_with('-') { -total } else { total }).ok()
}
