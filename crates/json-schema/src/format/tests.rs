use super::*;

#[test]
fn formats_are_those_of_go() {
    // What is taken and what is not was recorded from gojsonschema.
    let mut different = Vec::new();
    for row in include_str!("../../tests/formats.txt").lines() {
        let mut parts = row.splitn(3, ' ');
        let (verdict, name, text) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap_or_default());
        let format = named(name).unwrap();
        if is(format, text) != (verdict == "yes") {
            different.push(row);
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}
