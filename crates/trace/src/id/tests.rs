use super::*;

#[test]
fn every_byte_is_a_digit_in_every_place_or_refused() {
    for place in 0..16 {
        for byte in 0..=u8::MAX {
            let mut digits = *b"0123456789abcdef";
            digits[place] = byte;
            let one_by_one = digits
                .iter()
                .try_fold(0u64, |number, digit| Some(number << 4 | u64::from((*digit as char).to_digit(16)?)));
            assert_eq!(hex(&digits), one_by_one, "{byte} at {place}");
        }
    }
    for digits in [&b""[..], b"0123456", b"01234567", b"0123456789abcde", b"0123456789abcdef0"] {
        assert_eq!(hex(digits), None, "{digits:?}");
    }
}
