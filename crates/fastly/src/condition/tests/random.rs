//! No statement takes the control plane down, and what is taken is what proxies take.

use proptest::prelude::*;
use prost::Message as _;

use super::{made, scope};
use crate::condition::{compile, compile_text};

/// Pieces that make statements more often than random text does.
const PIECES: [&str; 36] = [
    "req.url",
    "req.http.X",
    "req.http.Cookie:n",
    "client.ip",
    "req.backend",
    "req.backend.healthy",
    "F_eu",
    "blocked",
    "redirects",
    "table.contains(",
    "std.tolower(",
    "regsub(",
    "randombool(",
    "req.is_ssl",
    "true",
    "\"a\"",
    "\"^/(a|b)\"",
    "\"(?i)[a-\"",
    "{\"x\"}",
    "1",
    "-2",
    "(",
    ")",
    "!",
    "&&",
    "||",
    "==",
    "!=",
    "~",
    "!~",
    "<",
    ">=",
    "+",
    ",",
    "%",
    "é",
];

proptest! {
    #[test]
    fn any_text_is_read_or_refused(statement in ".{0,200}") {
        let _ = compile(&statement, &scope());
        let _ = compile_text(&statement, &scope());
    }

    #[test]
    fn any_pieces_are_read_or_refused(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..60)) {
        let statement = pieces.join(" ");
        if let Ok(expression) = compile(&statement, &scope()) {
            // Proxies read what is sent, however it nests.
            let bytes = expression.encode_to_vec();
            prop_assert_eq!(backstay_proto::config::Expression::decode(bytes.as_slice()).unwrap(), expression);
        }
    }

    #[test]
    fn any_pattern_is_translated_or_refused(pattern in r#"[a-c\[\](){}*+?|^$.\\dwxQE<=!:,0-9 -]{0,40}"#) {
        let _ = compile(&format!("req.url ~ \"{pattern}\""), &scope());
    }

    #[test]
    fn a_text_is_compared_as_it_was_written(text in "[a-zA-Z0-9/_.-]{1,40}") {
        prop_assert_eq!(made(&format!("req.url == \"{text}\"")), format!("equal(target, {text:?})"));
    }
}
