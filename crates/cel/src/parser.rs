//! Tokens to a tree. Each rule of the grammar is a function.

use std::sync::Arc;

use crate::lexer::{Token, tokens};
use crate::program::{Program, ProgramError};
use crate::tree::{Call, Expr, Fold, FoldKind, Kind};
use crate::value::Value;

/// Names that are not for variables or functions.
const RESERVED: [&str; 18] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// Binary operators that bind more tightly the later they stand here.
const BINARY: [&[&str]; 3] = [&["<", "<=", ">=", ">", "==", "!=", "in"], &["+", "-"], &["*", "/", "%"]];

/// Reads an expression.
pub(crate) fn parse(text: &str) -> Result<Expr, ProgramError> {
    if text.len() > Program::MAX_BYTES {
        return Err(ProgramError::syntax(0, format!("an expression may have {} bytes", Program::MAX_BYTES)));
    }
    let mut parser = Parser { tokens: tokens(text)?, next: 0, depth: 0 };
    let expr = parser.expression()?;
    match parser.peek() {
        Token::End => Ok(expr),
        _ => Err(parser.unexpected()),
    }
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    next: usize,
    depth: u32,
}

type Parsed<T> = Result<T, ProgramError>;

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.next).map_or(&Token::End, |(_, token)| token)
    }

    fn at(&self) -> usize {
        self.tokens.get(self.next).or_else(|| self.tokens.last()).map_or(0, |(at, _)| *at)
    }

    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    fn takes(&mut self, symbol: &str) -> bool {
        let is = matches!(self.peek(), Token::Symbol(next) if *next == symbol);
        self.next += usize::from(is);
        is
    }

    fn expect(&mut self, symbol: &str) -> Parsed<()> {
        if self.takes(symbol) {
            Ok(())
        } else {
            Err(ProgramError::syntax(self.at(), format!("{symbol} is wanted here")))
        }
    }

    fn unexpected(&self) -> ProgramError {
        let message = match self.peek() {
            Token::End => "it ends here, and something is wanted",
            _ => "this is not wanted here",
        };
        ProgramError::syntax(self.at(), message)
    }

    /// Does `work` one level further in.
    fn deeper<T>(&mut self, levels: u32, work: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.depth += levels;
        if self.depth > Program::MAX_DEPTH {
            return Err(ProgramError::syntax(self.at(), format!("it is nested more than {} deep", Program::MAX_DEPTH)));
        }
        let made = work(self)?;
        self.depth -= levels;
        Ok(made)
    }

    fn expression(&mut self) -> Parsed<Expr> {
        self.deeper(1, |parser| {
            let condition = parser.terms("||")?;
            let at = parser.at();
            if !parser.takes("?") {
                return Ok(condition);
            }
            let yes = parser.terms("||")?;
            parser.expect(":")?;
            let no = parser.expression()?;
            Ok(Expr { at, kind: Kind::Choice(Box::new([condition, yes, no])) })
        })
    }

    /// Terms joined by `||`, each of terms joined by `&&`.
    fn terms(&mut self, joined_by: &str) -> Parsed<Expr> {
        let is_any = joined_by == "||";
        let read = |parser: &mut Self| if is_any { parser.terms("&&") } else { parser.binary(0) };
        let first = read(self)?;
        let at = self.at();
        let mut terms = vec![first];
        while self.takes(joined_by) {
            terms.push(read(self)?);
        }
        match terms.pop() {
            Some(only) if terms.is_empty() => Ok(only),
            last => {
                terms.extend(last);
                Ok(Expr { at, kind: if is_any { Kind::Any(terms) } else { Kind::All(terms) } })
            }
        }
    }

    fn binary(&mut self, level: usize) -> Parsed<Expr> {
        let Some(operators) = BINARY.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        // What stands further left is further in.
        let mut chain = 0;
        loop {
            let at = self.at();
            let found = match self.peek() {
                Token::Symbol(symbol) => operators.iter().find(|operator| *operator == symbol),
                Token::Name(name) => operators.iter().find(|operator| **operator == "in" && name == "in"),
                _ => None,
            };
            let Some(operator) = found else {
                self.depth -= chain;
                return Ok(left);
            };
            self.next += 1;
            chain += 1;
            self.depth += 1;
            let right = self.deeper(0, |parser| parser.binary(level + 1))?;
            left = call(at, if *operator == "in" { "@in" } else { operator }, None, vec![left, right]);
        }
    }

    fn unary(&mut self) -> Parsed<Expr> {
        let at = self.at();
        for operator in ["!", "-"] {
            let mut count = 0;
            while self.takes(operator) {
                count += 1;
            }
            if count == 0 {
                continue;
            }
            // A sign belongs to the number that it stands before.
            if operator == "-" && matches!(self.peek(), Token::Int(_) | Token::Double(_)) {
                self.next -= 1;
                count -= 1;
            }
            let operand = self.member()?;
            let name = if operator == "!" { "!_" } else { "-_" };
            return Ok(if count % 2 == 0 { operand } else { call(at, name, None, vec![operand]) });
        }
        self.member()
    }

    fn member(&mut self) -> Parsed<Expr> {
        let mut operand = self.primary()?;
        let mut chain = 0;
        loop {
            let at = self.at();
            if self.takes(".") {
                let Token::Name(name) = self.take() else {
                    self.next -= 1;
                    return Err(ProgramError::syntax(self.at(), "a name is wanted here"));
                };
                operand = if self.takes("(") {
                    let arguments = self.list(")")?;
                    receiver(at, &name, operand, arguments)?
                } else {
                    Expr { at, kind: Kind::Select(Box::new(operand), name.into()) }
                };
            } else if self.takes("[") {
                let index = self.expression()?;
                self.expect("]")?;
                operand = call(at, "_[_]", None, vec![operand, index]);
            } else if matches!(operand.kind, Kind::Name(_) | Kind::Select(..)) && self.takes("{") {
                return Err(ProgramError::syntax(at, "messages of protocol buffers are not served"));
            } else {
                self.depth -= chain;
                return Ok(operand);
            }
            chain += 1;
            self.depth += 1;
            self.deeper(0, |_| Ok(()))?;
        }
    }

    fn list(&mut self, end: &str) -> Parsed<Vec<Expr>> {
        let mut elements = Vec::new();
        if self.takes(end) {
            return Ok(elements);
        }
        loop {
            elements.push(self.expression()?);
            if self.takes(end) {
                return Ok(elements);
            }
            self.expect(",")?;
            // After the last one of a list there may be a comma, after the last argument there may not.
            if end == "]" && self.takes(end) {
                return Ok(elements);
            }
        }
    }

    fn map(&mut self) -> Parsed<Vec<(Expr, Expr)>> {
        let mut entries = Vec::new();
        while !self.takes("}") {
            let key = self.expression()?;
            self.expect(":")?;
            entries.push((key, self.expression()?));
            if !self.takes(",") {
                self.expect("}")?;
                break;
            }
        }
        Ok(entries)
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let at = self.at();
        let invalid = |message: &str| ProgramError::syntax(at, message);
        let kind = match self.take() {
            Token::Symbol("(") => {
                let inside = self.expression()?;
                self.expect(")")?;
                return Ok(inside);
            }
            Token::Symbol("[") => Kind::List(self.list("]")?),
            Token::Symbol("{") => Kind::Map(self.map()?),
            Token::Symbol("-") => match self.take() {
                Token::Int(digits) => {
                    Kind::Literal(int(&format!("-{digits}")).ok_or_else(|| invalid("invalid int literal"))?)
                }
                Token::Double(text) => {
                    Kind::Literal(double(&format!("-{text}")).ok_or_else(|| invalid("invalid double literal"))?)
                }
                _ => return Err(invalid("this is not wanted here")),
            },
            Token::Symbol(".") => match self.take() {
                Token::Name(name) => self.named(at, &name)?,
                _ => return Err(invalid("a name is wanted here")),
            },
            Token::Int(digits) => Kind::Literal(int(&digits).ok_or_else(|| invalid("invalid int literal"))?),
            Token::Uint(digits) => Kind::Literal(uint(&digits).ok_or_else(|| invalid("invalid uint literal"))?),
            Token::Double(text) => Kind::Literal(double(&text).ok_or_else(|| invalid("invalid double literal"))?),
            Token::String(text) => Kind::Literal(Value::text(text)),
            Token::Bytes(bytes) => Kind::Literal(Value::Bytes(bytes.into())),
            Token::Name(name) => self.named(at, &name)?,
            _ => {
                self.next -= 1;
                return Err(self.unexpected());
            }
        };
        Ok(Expr { at, kind })
    }

    fn named(&mut self, at: usize, name: &str) -> Parsed<Kind> {
        match name {
            "true" => return Ok(Kind::Literal(Value::Bool(true))),
            "false" => return Ok(Kind::Literal(Value::Bool(false))),
            "null" => return Ok(Kind::Literal(Value::Null)),
            _ if RESERVED.contains(&name) => {
                return Err(ProgramError::syntax(at, format!("reserved identifier: {name}")));
            }
            _ => {}
        }
        if !self.takes("(") {
            return Ok(Kind::Name(name.into()));
        }
        let mut arguments = self.list(")")?;
        if name != "has" || arguments.len() != 1 {
            return Ok(call(at, name, None, arguments).kind);
        }
        match arguments.pop().map(|argument| argument.kind) {
            Some(Kind::Select(operand, field)) => Ok(Kind::Has(operand, field)),
            _ => Err(ProgramError::syntax(at, "invalid argument to has() macro")),
        }
    }
}

fn call(at: usize, function: &str, target: Option<Box<Expr>>, arguments: Vec<Expr>) -> Expr {
    Expr { at, kind: Kind::Call(Call { function: function.into(), target, arguments, pattern: None }) }
}

/// A call on something: a macro, or a function.
fn receiver(at: usize, name: &str, target: Expr, mut arguments: Vec<Expr>) -> Parsed<Expr> {
    let kind = match (name, arguments.len()) {
        ("all", 2) => FoldKind::All,
        ("exists", 2) => FoldKind::Exists,
        ("exists_one", 2) => FoldKind::ExistsOne,
        ("map", 2 | 3) | ("filter", 2) => FoldKind::Collect,
        _ => return Ok(call(at, name, Some(Box::new(target)), arguments)),
    };
    let last = arguments.pop();
    let middle = if arguments.len() > 1 { arguments.pop() } else { None };
    let Some(Expr { kind: Kind::Name(variable), .. }) = arguments.pop() else {
        return Err(ProgramError::syntax(at, "argument must be a simple name"));
    };
    let variable: Arc<str> = variable;
    let (condition, result) = if name == "map" { (middle, last) } else { (last, None) };
    let fold = Fold { kind, variable, range: target, condition, result };
    Ok(Expr { at, kind: Kind::Fold(Box::new(fold)) })
}

fn int(text: &str) -> Option<Value> {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let number = match digits.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(&format!("{sign}{digits}"), 16),
        None => text.parse(),
    };
    number.ok().map(Value::Int)
}

fn uint(text: &str) -> Option<Value> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.ok().map(Value::Uint)
}

fn double(text: &str) -> Option<Value> {
    text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::Double)
}
