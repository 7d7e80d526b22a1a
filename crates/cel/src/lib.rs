//! Expressions of the Common Expression Language: read, checked by their types, and evaluated.
//!
//! What an expression means, which are refused and what an evaluation fails with is as in `cel-go` 0.11, which the gateways that this
//! stands in for have. What is not here is told when an expression is compiled: messages of protocol buffers, and time zones by name.
//!
//! An expression cannot loop, but it can go through lists within lists, and join texts. So each evaluation has a number of
//! [steps](Steps): one for each part that is evaluated and each element that is looked at, and more for what is long. What it can hold is
//! bounded by them as well, since whatever is made takes a step for every 64 bytes.
//!
//! # Layout
//!
//! - `lexer`, `parser`: a text to a tree; macros are parts of the tree of their own. `tree`: the tree.
//! - `types`, `check`, `overload`: which types go together. `program`: an expression, compiled.
//! - `value`: values. `evaluate`: a tree to a value. `operator`, `convert`, `order`, `function`: what is done with values.
//! - `time`, `number`: how times and numbers are written.

mod check;
mod convert;
mod evaluate;
mod function;
mod lexer;
mod number;
mod operator;
mod order;
mod overload;
mod parser;
mod program;
mod time;
mod tree;
mod types;
mod value;

pub use evaluate::{Steps, Stop};
pub use program::{Declaration, Program, ProgramError};
pub use types::Type;
pub use value::{Later, Map, Value};
