use super::*;

#[test]
fn durations_are_those_of_go() {
    for (text, nanoseconds) in [
        ("0", 0),
        ("-0", 0),
        ("5s", 5_000_000_000),
        ("300ms", 300_000_000),
        ("1h30m", 5_400_000_000_000),
        ("1.5s", 1_500_000_000),
        (".5s", 500_000_000),
        ("1.s", 1_000_000_000),
        ("+2us", 2_000),
        ("2µs", 2_000),
        ("2μs", 2_000),
        ("7ns", 7),
        ("0.0000000001s", 0),
        ("-0s", 0),
        ("1m0.25s", 60_250_000_000),
        ("3000s", 3_000_000_000_000),
    ] {
        assert_eq!(parse(text), Ok(Duration::from_nanos(nanoseconds)), "{text}");
    }
}

#[test]
fn what_is_no_duration_is_refused() {
    for (text, error) in [
        ("", DurationError::Invalid),
        ("-", DurationError::Invalid),
        ("s", DurationError::Invalid),
        (".s", DurationError::Invalid),
        ("5", DurationError::NoUnit),
        ("5 s", DurationError::Unit),
        ("5d", DurationError::Unit),
        ("5S", DurationError::Unit),
        ("1h 2m", DurationError::Unit),
        ("5sx", DurationError::Unit),
        ("-5s", DurationError::Negative),
        ("9999999999h", DurationError::Invalid),
        ("99999999999999999999999s", DurationError::Invalid),
        ("٣s", DurationError::Invalid),
    ] {
        assert_eq!(parse(text), Err(error), "{text}");
    }
}

#[test]
fn printed_durations_are_short() {
    for text in ["2s", "300ms", "7µs", "9ns", "1.5s"] {
        assert_eq!(print(parse(text).unwrap()), text);
    }
}
