use super::*;

#[test]
fn marks_are_found_where_they_are() {
    let (place, advice) = in_text("{\n  \"é\": {{ marshal .port }}\n}").unwrap();
    assert_eq!(place, Place { line: 2, column: 8 });
    assert!(advice.contains("FC_OUT"));
    let (_, advice) = in_text("{\"port\": ${PORT}}").unwrap();
    assert!(advice.contains("envsubst"));
    assert_eq!(in_text("{\"a\": {\"b\": \"{c}\"}}"), None);
}
