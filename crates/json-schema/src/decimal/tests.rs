use proptest::prelude::*;

use super::*;

#[test]
fn decimals_are_compared_as_they_are_written() {
    let sorted = [
        "-1e999999999999999999999",
        "-12.5",
        "-1",
        "-0.001",
        "-0",
        "1e-400",
        "0.1",
        "0.10000000000000000000001",
        "1",
        "9",
        "10",
        "9007199254740993",
        "1e400",
    ];
    for (at, one) in sorted.iter().enumerate() {
        for (other_at, other) in sorted.iter().enumerate() {
            assert_eq!(Decimal::of(one).cmp(&Decimal::of(other)), at.cmp(&other_at), "{one} and {other}");
        }
    }
    assert_eq!(Decimal::of("100e-2"), Decimal::of("1.0"));
    assert_eq!(Decimal::of("-0.0e7"), Decimal::of("0"));
}

#[test]
fn integers_are_what_has_no_fraction() {
    for (literal, expected) in
        [("1.0", true), ("1e3", true), ("12.5e1", true), ("1.25e1", false), ("0.0", true), ("1e-1", false)]
    {
        assert_eq!(Decimal::of(literal).is_integer(), expected, "{literal}");
    }
}

#[test]
fn multiples_are_exact() {
    for (number, of, expected) in [
        ("0.3", "0.1", true),
        ("4.35", "0.01", true),
        ("4.351", "0.01", false),
        ("1e300", "7", false),
        ("7e300", "7", true),
        ("0", "3", true),
        ("-9", "3", true),
        ("1e-3", "1", false),
        ("123456789012345678901234567890", "10", true),
        ("123456789012345678901234567891", "10", false),
        ("5", "2.5", true),
    ] {
        let of_decimal = Decimal::of(of);
        let mantissa = of_decimal.mantissa().unwrap();
        assert_eq!(Decimal::of(number).is_multiple_of(&of_decimal, mantissa), expected, "{number} of {of}");
    }
}

#[test]
fn numbers_are_printed_as_go_prints_them() {
    // Recorded from gojsonschema.
    for (literal, expected) in [
        ("0", "0"),
        ("-3", "-3"),
        ("2.50", "2.5"),
        ("100000", "100000"),
        ("1000000", "1e+06"),
        ("1234567", "1.234567e+06"),
        ("0.0001", "0.0001"),
        ("0.00001", "1e-05"),
        ("0.1", "0.1"),
    ] {
        assert_eq!(Decimal::of(literal).print(), expected);
    }
}

proptest! {
    #[test]
    fn whole_numbers_compare_as_they_do_elsewhere(one in any::<i64>(), other in any::<i64>(), modulus in 1_u32..1000) {
        let (a, b) = (Decimal::of(&one.to_string()), Decimal::of(&other.to_string()));
        prop_assert_eq!(a.cmp(&b), one.cmp(&other));
        let of = Decimal::of(&modulus.to_string());
        let mantissa = of.mantissa().unwrap();
        prop_assert_eq!(a.is_multiple_of(&of, mantissa), one % i64::from(modulus) == 0);
    }
}
