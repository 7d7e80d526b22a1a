use super::*;

#[test]
fn blanks_around_a_value_are_no_part_of_it() {
    assert_eq!(header_value(" \ta b\t ").unwrap(), "a b");
    assert_eq!(header_value(" ").unwrap(), "");
}
