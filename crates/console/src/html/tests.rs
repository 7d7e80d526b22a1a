use super::Html;

#[test]
fn every_value_is_escaped_and_what_is_no_text_is_none() {
    let hostile = "<script>alert('x')</script>\" onload=\"y&\0\u{202e}";
    let mut out = Html::new();
    html!(out; "<a title=\"" (hostile) "\">" (hostile) "</a>");
    let text = out.into_string();
    assert!(!text.contains("<script") && !text.contains("\" onload"), "{text}");
    assert_eq!(text.matches("&lt;script&gt;alert(&#39;x&#39;)").count(), 2, "{text}");
    assert!(!text.contains('\0') && !text.contains('\u{202e}'), "{text}");
    let mut other = Html::new();
    let mut inner = Html::new();
    html!(inner; "<b>" (1) "</b>");
    html!(other; "<p>" [&inner] "</p>");
    assert_eq!(other.into_string(), "<p><b>1</b></p>");
}
