use super::{HostName, HostNameError};

#[test]
fn a_name_is_taken_and_nothing_more() {
    for (text, name) in
        [("cp.example", "cp.example"), ("CP.Example.", "cp.example"), ("control_plane-1", "control_plane-1")]
    {
        assert_eq!(text.parse::<HostName>().unwrap().to_string(), name);
    }
    for text in ["10.0.0.5", "::1", "[::1]"] {
        assert_eq!(text.parse::<HostName>(), Err(HostNameError::Address), "{text}");
    }
    let long = "a".repeat(254);
    for text in [
        "",
        ".",
        "..",
        "a..b",
        ".a",
        "*",
        "*.example",
        "cp.example:7080",
        "http://cp.example",
        "cp/x",
        "a b",
        "ü.example",
        &long,
    ] {
        assert_eq!(text.parse::<HostName>(), Err(HostNameError::Malformed), "{text}");
    }
}
