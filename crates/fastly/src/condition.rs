//! VCL conditions, and the values of header objects: read, checked, and turned into expressions that proxies evaluate.
//!
//! The grammar is what public services write in conditions of type `REQUEST`: comparisons of what a request has, regular
//! expressions, `&&`, `||`, `!` and parentheses, some functions, access lists, dictionaries, and the backend selected so far.
//! What is outside it is refused with its position; nothing is taken for something else.
//!
//! # Layout
//!
//! - [`Fault`]: what is wrong, and where. `source`: positions in a statement.
//! - `lexer`, `parser`, `syntax`: a statement as a tree.
//! - `check`: the tree with types, as an expression. `variable`, `function`, `compare`: what it knows of each.
//! - `regex`: regular expressions of PCRE in the syntax of the proxies' engine.

mod check;
mod compare;
mod fault;
mod function;
mod lexer;
mod parser;
mod regex;
mod scope;
mod source;
mod syntax;
mod variable;

use backstay_proto::config;

pub use self::fault::{Fault, Position};
pub use self::scope::{Scope, vcl_name};

use self::check::Checker;

/// Longest statement in bytes.
pub const MAX_STATEMENT: usize = 16 * 1024;
/// How deep parentheses, negations and calls may nest. Proxies read nested messages to a depth of 100, and each level here
/// takes up to four of those.
pub const MAX_DEPTH: usize = 16;
/// Regular expressions in one statement.
pub const MAX_REGEXES: usize = 64;

/// Compiles the statement of a condition to a truth.
///
/// # Errors
/// When the statement is outside the grammar, or names what the scope does not have.
pub fn compile(statement: &str, scope: &Scope) -> Result<config::Expression, Fault> {
    let tree = parser::parse(statement)?;
    Checker::new(scope, statement).truth(&tree)
}

/// Reads a statement without knowing what it may name: whether it is an expression of VCL at all.
///
/// # Errors
/// When it is none.
pub fn check_syntax(statement: &str) -> Result<(), Fault> {
    parser::parse(statement).map(|_| ())
}

/// Compiles what a header object gives as its source to a text.
///
/// # Errors
/// As [`compile`] has them.
pub fn compile_text(value: &str, scope: &Scope) -> Result<config::Expression, Fault> {
    let tree = parser::parse_value(value)?;
    Checker::new(scope, value).text(&tree)
}

/// A regular expression and what takes the place of what it matches, as the second and third argument of a replacement.
///
/// # Errors
/// When the expression is outside the syntax, or the replacement names a group that it does not have.
pub fn compile_replacement(pattern: &str, replacement: &str) -> Result<[config::Expression; 2], Fault> {
    let literal = |text: &str| syntax::Literal { text: text.to_owned(), escapes: Vec::new(), at: 0 };
    let translated = regex::translate(&literal(pattern)).map_err(|problem| problem.within(pattern))?;
    regex::check_replacement(&translated, &literal(replacement)).map_err(|problem| problem.within(replacement))?;
    Ok([check::text(&translated), check::text(replacement)])
}

#[cfg(test)]
pub(crate) mod tests;
