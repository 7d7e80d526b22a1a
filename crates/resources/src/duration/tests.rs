use super::*;

fn nanos(text: &str) -> Result<u128, ParseDurationError> {
    text.parse::<GoDuration>().map(|duration| duration.0.as_nanos())
}

#[test]
fn durations_of_go() {
    for (text, expected) in [
        ("0", 0),
        ("-0", 0),
        ("0s", 0),
        ("-0s", 0),
        ("5s", 5_000_000_000),
        ("+5s", 5_000_000_000),
        ("1m30s", 90_000_000_000),
        ("1.5h", 5_400_000_000_000),
        (".5s", 500_000_000),
        ("1.s", 1_000_000_000),
        ("100ms", 100_000_000),
        ("7us", 7_000),
        ("7\u{b5}s", 7_000),
        ("7\u{3bc}s", 7_000),
        ("3ns", 3),
        ("0.3333333333333333333h", 1_199_999_999_997),
        ("9223372036854775807ns", 9_223_372_036_854_775_807),
    ] {
        assert_eq!(nanos(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_no_duration() {
    for text in ["", "-", "+", ".", "5", "s", "5x", "5 s", "--5s", "-+5s", "5s-", ".s", "1e3s", "five", "5S"] {
        assert_eq!(nanos(text), Err(ParseDurationError::Malformed), "{text}");
    }
    for text in
        ["9223372036854775808ns", "2562048h", "99999999999999999999s", "9000000000000000000ns9000000000000000000ns"]
    {
        assert_eq!(nanos(text), Err(ParseDurationError::OutOfRange), "{text}");
    }
    assert_eq!(nanos("-1s"), Err(ParseDurationError::Negative));
}

#[test]
fn long_texts_take_no_more_of_the_stack() {
    for text in
        ["-".repeat(1_000_000), "1ns".repeat(300_000), "9".repeat(1_000_000), format!("1.{}s", "9".repeat(1_000_000))]
    {
        let _ = nanos(&text);
    }
}

#[test]
fn written_as_go_writes_them() {
    for (text, written) in [
        ("0", "0s"),
        ("300s", "5m0s"),
        ("3600s", "1h0m0s"),
        ("1500ms", "1.5s"),
        ("100ms", "100ms"),
        ("1500us", "1.5ms"),
        ("1500ns", "1.5\u{b5}s"),
        ("1ns", "1ns"),
        ("90061.001s", "25h1m1.001s"),
    ] {
        let duration: GoDuration = text.parse().unwrap();
        assert_eq!(duration.to_string(), written);
        assert_eq!(written.parse(), Ok(duration), "reads back");
    }
}
