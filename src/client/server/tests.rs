use super::{Server, ServerError};

#[test]
fn an_address_is_scheme_host_and_port() {
    for (text, address) in [
        ("http://127.0.0.1:7080", "http://127.0.0.1:7080/x"),
        ("http://127.0.0.1:7080/", "http://127.0.0.1:7080/x"),
        ("https://cp.example:7080", "https://cp.example:7080/x"),
        ("localhost:7080", "http://localhost:7080/x"),
        ("http://[::1]:7080", "http://[::1]:7080/x"),
        ("https://backstay.example:7080", "https://backstay.example:7080/x"),
    ] {
        assert_eq!(text.parse::<Server>().unwrap().uri("/x"), address);
    }
}

#[test]
fn anything_else_is_refused_with_the_reason() {
    for (text, error) in [
        ("ftp://127.0.0.1", ServerError::Malformed),
        ("", ServerError::Malformed),
        ("http://", ServerError::Malformed),
        ("http://name:secret@127.0.0.1", ServerError::Malformed),
        ("http://127.0.0.1:7080/api", ServerError::Path),
        ("http://127.0.0.1:7080/?a=b", ServerError::Path),
    ] {
        assert_eq!(text.parse::<Server>(), Err(error), "{text}");
    }
}
