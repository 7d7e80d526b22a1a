use super::{parse, whole_seconds};

#[test]
fn whole_seconds_are_those_of_the_other_parser() {
    let mut count = 0;
    for year in [0, 1, 4, 99, 100, 400, 1600, 1899, 1900, 1969, 1970, 2000, 2024, 2026, 2100, 9999] {
        for month in 1..=12 {
            for day in [1, 2, 27, 28] {
                for time in ["00:00:00", "23:59:59", "12:34:56"] {
                    let text = format!("{year:04}-{month:02}-{day:02}T{time}Z");
                    let Ok(expected) = text.parse::<jiff::Timestamp>() else { continue };
                    assert_eq!(whole_seconds(text.as_bytes()), Some(expected.as_second()), "{text}");
                    count += 1;
                }
            }
        }
    }
    assert!(count > 2000, "{count}");
}

#[test]
fn other_forms_are_read_too_and_what_is_no_time_is_not() {
    assert_eq!(parse("2024-02-29T00:00:00Z"), Some((1_709_164_800, 0)));
    assert_eq!(parse("1969-12-31T23:59:59.5Z"), Some((-1, 500_000_000)));
    assert_eq!(parse("2026-12-01T05:00:00+01:00"), parse("2026-12-01T04:00:00Z"));
    for text in
        ["2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-01T24:00:00Z", "", "x"]
    {
        assert_eq!(parse(text), None, "{text}");
    }
    assert_eq!(whole_seconds(b"2026-02-30T00:00:00Z"), None);
}
