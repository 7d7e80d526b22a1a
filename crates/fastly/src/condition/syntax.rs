//! A statement as a tree. Types come later.

/// A part of a statement.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) kind: NodeKind,
    /// Byte of the statement at which it begins.
    pub(super) at: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum NodeKind {
    /// At least two.
    Or(Vec<Node>),
    /// At least two.
    And(Vec<Node>),
    Not(Box<Node>),
    Compare(Operator, Box<Node>, Box<Node>),
    /// At least two texts, one after another.
    Concatenation(Vec<Node>),
    Text(Literal),
    Integer(i64),
    Boolean(bool),
    /// A variable, a backend, a list, a table.
    Name(String),
    Call(String, Vec<Node>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Matches,
    MatchesNot,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A text that is written out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Literal {
    /// What it stands for.
    pub(super) text: String,
    /// For each `%xx` in it: where its character begins in `text`, and by how many more bytes it was written.
    pub(super) escapes: Vec<(usize, usize)>,
    /// Byte of the statement at which its contents begin.
    pub(super) at: usize,
}

impl Literal {
    /// The byte of the statement that a byte of the text was written at.
    pub(super) fn position(&self, index: usize) -> usize {
        let grown: usize = self.escapes.iter().filter(|(at, _)| *at < index).map(|(_, by)| by).sum();
        self.at + index + grown
    }
}

impl Operator {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Matches => "~",
            Self::MatchesNot => "!~",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}
