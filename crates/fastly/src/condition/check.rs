//! A tree with types, as an expression.

use backstay_proto::config;
use backstay_proto::config::expression::Kind;

use super::fault::Fault;
use super::source::{Read, refuse};
use super::syntax::{Literal, Node, NodeKind};
use super::{MAX_REGEXES, Scope, compare, function, regex, variable};

/// Turns the tree of one statement into an expression.
pub(super) struct Checker<'a> {
    pub(super) scope: &'a Scope,
    statement: &'a str,
    regexes: usize,
}

/// A part of a statement, with its type.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Typed {
    Truth(config::Expression),
    Number(config::Expression),
    Text(config::Expression),
    /// A text that no request here has.
    Absent,
    /// What holds or not, and which Fastly sets to a text when it does.
    Flag(config::Expression, String),
    /// An address, as text.
    Address(config::Expression),
    /// The backend that is selected so far.
    Selected,
    /// Something that can be selected, as VCL calls it.
    Destination(String),
    /// The address set of an access list.
    List(String),
    /// The table of a dictionary.
    Table(String),
}

impl Typed {
    /// What VCL calls it.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Truth(_) => "BOOL",
            Self::Number(_) => "INTEGER",
            Self::Text(_) | Self::Absent | Self::Flag(..) => "STRING",
            Self::Address(_) => "IP",
            Self::Selected | Self::Destination(_) => "BACKEND",
            Self::List(_) => "ACL",
            Self::Table(_) => "TABLE",
        }
    }
}

impl<'a> Checker<'a> {
    pub(super) const fn new(scope: &'a Scope, statement: &'a str) -> Self {
        Self { scope, statement, regexes: 0 }
    }

    /// The whole statement as a truth.
    pub(super) fn truth(mut self, tree: &Node) -> Result<config::Expression, Fault> {
        self.truth_of(tree).map_err(|problem| problem.within(self.statement))
    }

    /// The whole statement as a text.
    pub(super) fn text(mut self, tree: &Node) -> Result<config::Expression, Fault> {
        self.text_of(tree).map_err(|problem| problem.within(self.statement))
    }

    /// A part as a truth: what is no `BOOL` is one by being there.
    pub(super) fn truth_of(&mut self, node: &Node) -> Read<config::Expression> {
        if let NodeKind::Text(_) | NodeKind::Integer(_) = node.kind {
            return refuse(node.at, "a value that is written out is no condition: compare it with something");
        }
        // What it is a part of a text for is nothing but whether it is there.
        if let NodeKind::Call(name, arguments) = &node.kind
            && name == "std.strstr"
        {
            return function::contains(self, node.at, arguments);
        }
        match self.typed(node)? {
            Typed::Truth(it) | Typed::Text(it) | Typed::Address(it) | Typed::Number(it) | Typed::Flag(it, _) => Ok(it),
            Typed::Absent => Ok(boolean(false)),
            other => refuse(node.at, format!("a {} is no condition: compare it with something", other.name())),
        }
    }

    /// A part as a text.
    pub(super) fn text_of(&mut self, node: &Node) -> Read<config::Expression> {
        match self.typed(node)? {
            Typed::Text(it) | Typed::Address(it) | Typed::Number(it) => Ok(it),
            Typed::Absent => Ok(text("")),
            Typed::Flag(..) => refuse(node.at, "it can be tested, not used as a value"),
            other => refuse(node.at, format!("a STRING is expected here, and this is a {}", other.name())),
        }
    }

    /// A part with its type.
    pub(super) fn typed(&mut self, node: &Node) -> Read<Typed> {
        Ok(match &node.kind {
            NodeKind::Or(nodes) => Typed::Truth(of(Kind::Any(self.truths(nodes)?))),
            NodeKind::And(nodes) => Typed::Truth(of(Kind::All(self.truths(nodes)?))),
            NodeKind::Not(inner) => Typed::Truth(not(self.truth_of(inner)?)),
            NodeKind::Compare(operator, left, right) => {
                Typed::Truth(compare::comparison(self, node.at, *operator, left, right)?)
            }
            NodeKind::Concatenation(nodes) => Typed::Text(self.concatenation(nodes)?),
            NodeKind::Text(literal) => Typed::Text(text(&literal.text)),
            NodeKind::Integer(number) => Typed::Number(integer(*number)),
            NodeKind::Boolean(value) => Typed::Truth(boolean(*value)),
            NodeKind::Name(name) => variable::typed(self.scope, node.at, name)?,
            NodeKind::Call(name, arguments) => function::call(self, node.at, name, arguments)?,
        })
    }

    fn truths(&mut self, nodes: &[Node]) -> Read<config::Expressions> {
        let operands = nodes.iter().map(|node| self.truth_of(node)).collect::<Read<_>>()?;
        Ok(config::Expressions { operands })
    }

    fn concatenation(&mut self, nodes: &[Node]) -> Read<config::Expression> {
        let mut operands: Vec<config::Expression> = Vec::with_capacity(nodes.len());
        for node in nodes {
            let next = self.text_of(node)?;
            // Neighbours that are written out are one text, so that a long one can be written in parts.
            match (operands.last_mut().and_then(|last| last.kind.as_mut()), &next.kind) {
                (Some(Kind::Text(before)), Some(Kind::Text(after))) => before.push_str(after),
                _ => operands.push(next),
            }
        }
        Ok(match operands.pop() {
            Some(only) if operands.is_empty() => only,
            last => {
                operands.extend(last);
                of(Kind::Concatenation(config::Expressions { operands }))
            }
        })
    }

    /// A text that is written out, where nothing else will do.
    pub(super) fn literal<'n>(&self, node: &'n Node, what: &str) -> Read<&'n Literal> {
        match &node.kind {
            NodeKind::Text(literal) => Ok(literal),
            _ => refuse(node.at, format!("{what} must be written out, in quotes")),
        }
    }

    /// A regular expression of PCRE, in the syntax of proxies.
    pub(super) fn regex(&mut self, node: &Node) -> Read<String> {
        self.regexes += 1;
        if self.regexes > MAX_REGEXES {
            return refuse(node.at, format!("the statement has more than {MAX_REGEXES} regular expressions"));
        }
        let literal = self.literal(node, "a regular expression")?;
        regex::translate(literal)
    }
}

pub(super) const fn of(kind: Kind) -> config::Expression {
    config::Expression { kind: Some(kind) }
}

pub(super) fn not(operand: config::Expression) -> config::Expression {
    of(Kind::Not(Box::new(operand)))
}

pub(super) const fn boolean(value: bool) -> config::Expression {
    of(Kind::Boolean(value))
}

pub(super) const fn integer(value: i64) -> config::Expression {
    of(Kind::Integer(value))
}

pub(super) fn text(value: &str) -> config::Expression {
    of(Kind::Text(value.to_owned()))
}
