//! Expressions as trees.

use std::sync::Arc;

use regex::Regex;

use crate::value::Value;

/// A part of an expression, and where it begins: a position in the text, in bytes.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub(crate) at: usize,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Literal(Value),
    Name(Arc<str>),
    Select(Box<Expr>, Arc<str>),
    /// Whether there is such a field: `has(a.b)`.
    Has(Box<Expr>, Arc<str>),
    Call(Call),
    /// Terms joined by `&&`, or by `||`.
    All(Vec<Expr>),
    Any(Vec<Expr>),
    Choice(Box<[Expr; 3]>),
    List(Vec<Expr>),
    Map(Vec<(Expr, Expr)>),
    Fold(Box<Fold>),
}

#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// An operator goes by its symbol, with which no name begins.
    pub(crate) function: Arc<str>,
    pub(crate) target: Option<Box<Expr>>,
    pub(crate) arguments: Vec<Expr>,
    /// Of `matches` with a literal.
    pub(crate) pattern: Option<Regex>,
}

/// What a macro does with each element of a list, or each key of a map.
#[derive(Clone, Debug)]
pub(crate) struct Fold {
    pub(crate) kind: FoldKind,
    pub(crate) variable: Arc<str>,
    pub(crate) range: Expr,
    /// What decides on an element; `None` where all count.
    pub(crate) condition: Option<Expr>,
    /// What an element becomes; `None` where it stays what it is.
    pub(crate) result: Option<Expr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FoldKind {
    All,
    Exists,
    ExistsOne,
    /// `map` and `filter`.
    Collect,
}
