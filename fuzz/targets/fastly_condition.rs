//! A statement as a client of the Fastly API sends it. Whatever comes, it is either an expression or a fault with its place.

#![no_main]

use backstay_fastly::condition::{Scope, compile, compile_text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|statement: &str| {
    let scope = Scope {
        destinations: ["F_a".to_owned(), "F_b".to_owned()].into(),
        lists: [("list".to_owned(), "address-set/list".into())].into(),
        tables: [("table".to_owned(), "table/table".into())].into(),
    };
    for fault in [compile(statement, &scope).err(), compile_text(statement, &scope).err()].into_iter().flatten() {
        assert!(!fault.message.is_empty(), "what is refused is told why");
        assert!(fault.position.line <= statement.split('\n').count(), "it is within the statement");
    }
});
