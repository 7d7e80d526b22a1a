//! Tokens as a tree, by descent to a bounded depth.

use super::fault::Fault;
use super::lexer::{Token, TokenKind, tokens};
use super::source::{Problem, Read, refuse};
use super::syntax::{Node, NodeKind};
use super::{MAX_DEPTH, MAX_STATEMENT};

/// Reads a condition.
pub(super) fn parse(statement: &str) -> Result<Node, Fault> {
    read(statement, Parser::any).map_err(|problem| problem.within(statement))
}

/// Reads what is no condition: texts one after another.
pub(super) fn parse_value(value: &str) -> Result<Node, Fault> {
    read(value, Parser::concatenation).map_err(|problem| problem.within(value))
}

fn read(statement: &str, whole: impl FnOnce(&mut Parser) -> Read<Node>) -> Read<Node> {
    if statement.len() > MAX_STATEMENT {
        return refuse(MAX_STATEMENT, format!("the statement is longer than {MAX_STATEMENT} bytes"));
    }
    let mut parser = Parser { tokens: tokens(statement)?, next: 0, depth: 0, end: statement.len() };
    let node = whole(&mut parser)?;
    match parser.peek() {
        None => Ok(node),
        Some(token) => refuse(token.at, format!("there is no place for {} here", token.kind.describe())),
    }
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
    end: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn at(&self) -> usize {
        self.peek().map_or(self.end, |token| token.at)
    }

    /// Takes the next token if it is this one.
    fn takes(&mut self, kind: &TokenKind) -> bool {
        let taken = self.peek().is_some_and(|token| token.kind == *kind);
        self.next += usize::from(taken);
        taken
    }

    /// Reads something that is nested.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.depth == MAX_DEPTH {
            return refuse(self.at(), format!("the condition nests deeper than {MAX_DEPTH} levels"));
        }
        self.depth += 1;
        let inner = read(self);
        self.depth -= 1;
        inner
    }

    /// `all (|| all)*`
    fn any(&mut self) -> Read<Node> {
        self.chain(&TokenKind::Or, Self::all, NodeKind::Or)
    }

    /// `not (&& not)*`
    fn all(&mut self) -> Read<Node> {
        self.chain(&TokenKind::And, Self::not, NodeKind::And)
    }

    fn chain(
        &mut self,
        between: &TokenKind,
        element: impl Fn(&mut Self) -> Read<Node>,
        joined: impl FnOnce(Vec<Node>) -> NodeKind,
    ) -> Read<Node> {
        let first = element(self)?;
        let at = first.at;
        let mut nodes = vec![first];
        while self.takes(between) {
            nodes.push(element(self)?);
        }
        Ok(one_or(nodes, at, joined))
    }

    /// A negation is of the whole comparison behind it: `!req.url ~ "x"` is `!(req.url ~ "x")`.
    fn not(&mut self) -> Read<Node> {
        let at = self.at();
        if self.takes(&TokenKind::Not) {
            let inner = self.nested(Self::not)?;
            return Ok(Node { kind: NodeKind::Not(Box::new(inner)), at });
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Read<Node> {
        let left = self.concatenation()?;
        let Some(&Token { kind: TokenKind::Operator(operator), at }) = self.peek() else { return Ok(left) };
        self.next += 1;
        let right = self.concatenation()?;
        Ok(Node { kind: NodeKind::Compare(operator, Box::new(left), Box::new(right)), at })
    }

    /// `+? primary (+? primary)*`. Fastly takes the sign before the first as well.
    fn concatenation(&mut self) -> Read<Node> {
        self.takes(&TokenKind::Plus);
        let first = self.primary()?;
        let at = first.at;
        let mut nodes = vec![first];
        loop {
            let beside = matches!(
                self.peek().map(|token| &token.kind),
                Some(TokenKind::Name(_) | TokenKind::Text(_) | TokenKind::Integer(_))
            );
            if !beside && !self.takes(&TokenKind::Plus) {
                return Ok(one_or(nodes, at, NodeKind::Concatenation));
            }
            nodes.push(self.primary()?);
        }
    }

    fn primary(&mut self) -> Read<Node> {
        let Some(Token { kind, at }) = self.peek().cloned() else {
            return refuse(self.end, "the condition ends where something is missing");
        };
        self.next += 1;
        let kind = match kind {
            TokenKind::Text(literal) => NodeKind::Text(literal),
            TokenKind::Integer(number) => NodeKind::Integer(number),
            TokenKind::Name(name) if name == "true" || name == "false" => NodeKind::Boolean(name == "true"),
            TokenKind::Name(name) if self.takes(&TokenKind::Open) => {
                NodeKind::Call(name, self.nested(|parser| parser.arguments(at))?)
            }
            TokenKind::Name(name) => NodeKind::Name(name),
            TokenKind::Open => {
                let inner = self.nested(Self::any)?;
                self.close(at)?;
                return Ok(inner);
            }
            other => return refuse(at, format!("{} stands where a value is expected", other.describe())),
        };
        Ok(Node { kind, at })
    }

    fn arguments(&mut self, call: usize) -> Read<Vec<Node>> {
        let mut arguments = Vec::new();
        if self.takes(&TokenKind::Close) {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.any()?);
            if !self.takes(&TokenKind::Comma) {
                self.close(call)?;
                return Ok(arguments);
            }
        }
    }

    fn close(&mut self, opened: usize) -> Read<()> {
        if self.takes(&TokenKind::Close) {
            return Ok(());
        }
        match self.peek() {
            None => Err(Problem { message: "the parenthesis is not closed".to_owned(), at: opened }),
            Some(token) => refuse(token.at, format!("{} stands where ) is expected", token.kind.describe())),
        }
    }
}

fn one_or(mut nodes: Vec<Node>, at: usize, joined: impl FnOnce(Vec<Node>) -> NodeKind) -> Node {
    match nodes.pop() {
        Some(only) if nodes.is_empty() => only,
        last => {
            nodes.extend(last);
            Node { kind: joined(nodes), at }
        }
    }
}
