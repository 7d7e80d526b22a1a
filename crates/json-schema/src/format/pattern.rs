//! Regular expressions, as Go's `regexp` takes them: they are read and not compiled, so that none takes more than its length.

use regex_syntax::ast::{self, Ast, Visitor};

/// How long one may be, in bytes, for the names of its classes to be looked up.
const LOOKED_UP: usize = 1 << 10;

/// How deep it may be nested.
const NESTED: u32 = 100;

pub(super) fn is_regex(text: &str) -> bool {
    let Ok(read) = ast::parse::ParserBuilder::new().nest_limit(NESTED).build().parse(text) else { return false };
    if ast::visit(&read, Stacked).is_err() {
        return false;
    }
    let is_short = text.len() <= LOOKED_UP;
    !is_short || regex_syntax::ParserBuilder::new().nest_limit(NESTED).utf8(false).build().parse(text).is_ok()
}

/// Finds repetitions of what is one itself, which are not taken without brackets.
struct Stacked;

impl Visitor for Stacked {
    type Output = ();
    type Err = ();

    fn finish(self) -> Result<(), ()> {
        Ok(())
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), ()> {
        match ast {
            Ast::Repetition(repetition) if matches!(*repetition.ast, Ast::Repetition(_)) => Err(()),
            _ => Ok(()),
        }
    }
}
