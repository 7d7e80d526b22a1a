//! JSON to a tape, in one pass: what a selection does not keep is checked and left out, and what is already as an encoder would
//! write it is kept as one range, however much is in it.

mod lexer;

use std::borrow::Cow;

use bytes::Bytes;

use super::selection::{Keep, Member};
use super::syntax;
use super::tape::{Kind, Node, Order, Tape};
use crate::error::DecodeError;
use crate::limits::Limits;
use lexer::{Fault, Lexer};

/// How a document is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) shape: Shape,
    /// The object that takes the document's place: names of members that lead to it.
    pub(crate) target: &'a [Box<[u8]>],
    pub(crate) keep: Keep<'a>,
    pub(crate) uncovered: Uncovered,
    /// Whether a target may be an array: it is then the member `collection` of an object.
    pub(crate) arrays: bool,
}

/// What a document has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Object,
    /// An array, which becomes the member `collection` of an object.
    Array,
    /// Anything: an array becomes `collection`, what is neither array nor object `content`.
    Any,
}

/// Whether the members of the result will be looked at one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Uncovered {
    No,
    Yes,
    /// They will, and so will be those of all that is in it.
    Throughout,
}

/// What was scanned.
pub(super) enum Scanned {
    /// The document is `null`.
    Nothing,
    /// Nothing of it is kept.
    Empty,
    /// An object: the first node.
    Object(Tape),
    /// The first node, as a member of that name.
    Wrapped(&'static str, Tape),
}

/// Scans the first value of `source`; what follows it is not looked at.
pub(super) fn scan(source: Bytes, reading: &Reading<'_>, limits: &Limits) -> Result<Scanned, DecodeError> {
    let mut scanner = Scanner {
        lexer: Lexer::new(&source, limits.effective_depth()),
        nodes: Vec::new(),
        orders: Vec::new(),
        members: Vec::new(),
        values_left: limits.values,
        uncovered: reading.uncovered,
    };
    let found = scanner.top(reading);
    let (nodes, orders) = (scanner.nodes, scanner.orders);
    match found {
        Ok(Found::Nothing) => Ok(Scanned::Nothing),
        Ok(Found::Empty) => Ok(Scanned::Empty),
        Ok(Found::Object) => Ok(Scanned::Object(Tape { source, nodes, orders })),
        Ok(Found::Wrapped(name)) => Ok(Scanned::Wrapped(name, Tape { source, nodes, orders })),
        Ok(Found::Unfit { found, expected }) => Err(DecodeError::Shape { found, expected }),
        Err(Fault::Depth) => Err(DecodeError::TooDeep),
        Err(Fault::Values) => Err(DecodeError::TooManyValues { limit: limits.values }),
        Err(Fault::Syntax) => Err(syntax::explain(&source)),
    }
}

/// Scans a document once more that is known to scan, to have all its nodes: what has been opened is not scanned again further
/// in, however deep it is nested.
pub(super) fn rescan(source: Bytes) -> Option<Tape> {
    let mut scanner = Scanner {
        lexer: Lexer::new(&source, Limits::DEEPEST),
        nodes: Vec::new(),
        orders: Vec::new(),
        members: Vec::new(),
        values_left: u32::MAX,
        uncovered: Uncovered::Throughout,
    };
    scanner.value(Keep::All).ok()?;
    let (nodes, orders) = (scanner.nodes, scanner.orders);
    Some(Tape { source, nodes, orders })
}

enum Found {
    Nothing,
    Empty,
    Object,
    Wrapped(&'static str),
    Unfit { found: &'static str, expected: &'static str },
}

/// What a container is, once it has been scanned.
struct Container {
    /// What was received is what an encoder would write.
    canonical: bool,
    /// Nothing is in it.
    empty: bool,
}

struct Scanner<'a> {
    lexer: Lexer<'a>,
    nodes: Vec<Node>,
    orders: Vec<u32>,
    /// Names of the objects that are being scanned, innermost last.
    members: Vec<u32>,
    values_left: u32,
    uncovered: Uncovered,
}

impl<'a> Scanner<'a> {
    fn top(&mut self, reading: &Reading<'_>) -> Result<Found, Fault> {
        self.lexer.blank();
        let first = self.lexer.peek().ok_or(Fault::Syntax)?;
        let wrapped = match (reading.shape, first) {
            (Shape::Object | Shape::Any, b'{') => return self.top_object(reading),
            (Shape::Object, b'n') => {
                self.lexer.skip()?;
                return Ok(if reading.target.is_empty() { Found::Nothing } else { Found::Empty });
            }
            (Shape::Array, b'[' | b'n') | (Shape::Any, b'[') => "collection",
            (Shape::Any, _) => "content",
            (Shape::Object, _) => return self.unfit(first, "map[string]interface {}"),
            (Shape::Array, _) => return self.unfit(first, "[]interface {}"),
        };
        match reading.keep.member(wrapped.as_bytes()) {
            Member::Kept(_) if reading.target.is_empty() => {
                // It is the member that is looked at; its value is not.
                self.uncovered = Uncovered::No;
                self.value(Keep::All)?;
                Ok(Found::Wrapped(wrapped))
            }
            _ if reading.arrays && first == b'[' && is_path_to(reading.target, wrapped) => {
                self.array_target(reading.keep)
            }
            _ => {
                self.lexer.skip()?;
                Ok(Found::Empty)
            }
        }
    }

    fn unfit(&mut self, first: u8, expected: &'static str) -> Result<Found, Fault> {
        // A document that is no document is told so before it is told that it is of the wrong shape.
        self.lexer.skip()?;
        let found = match first {
            b'{' => "object",
            b'[' => "array",
            b'"' => "string",
            b't' | b'f' => "bool",
            _ => "number",
        };
        Ok(Found::Unfit { found, expected })
    }

    fn top_object(&mut self, reading: &Reading<'_>) -> Result<Found, Fault> {
        if !reading.target.is_empty() {
            return self.target(reading.target, reading);
        }
        self.object(reading.keep).map(|_| Found::Object)
    }

    /// Looks for the object that `path` leads to, within the object that comes next.
    fn target(&mut self, path: &[Box<[u8]>], reading: &Reading<'_>) -> Result<Found, Fault> {
        let Some((wanted, rest)) = path.split_first() else { return Ok(Found::Empty) };
        self.lexer.enter()?;
        let mut found = Found::Empty;
        let mut more = self.lexer.open(b'}');
        while more {
            let name = self.lexer.name()?;
            if name.text(&self.lexer).as_ref() != wanted.as_ref() {
                self.lexer.skip()?;
            } else {
                // Of members with the same name the last one counts.
                self.nodes.clear();
                self.orders.clear();
                found = match self.lexer.peek() {
                    Some(b'{') if rest.is_empty() => self.object(reading.keep).map(|_| Found::Object)?,
                    Some(b'{') => self.target(rest, reading)?,
                    Some(b'[') if rest.is_empty() && reading.arrays => self.array_target(reading.keep)?,
                    _ => {
                        self.lexer.skip()?;
                        Found::Empty
                    }
                };
            }
            more = self.lexer.more(b'}')?;
        }
        self.lexer.leave();
        Ok(found)
    }

    fn array_target(&mut self, keep: Keep<'_>) -> Result<Found, Fault> {
        if let Member::Kept(_) = keep.member(b"collection") {
            self.uncovered = Uncovered::No;
            self.value(Keep::All)?;
            return Ok(Found::Wrapped("collection"));
        }
        self.lexer.skip()?;
        Ok(Found::Empty)
    }

    /// Scans a value, and tells whether what was received is what an encoder would write.
    fn value(&mut self, keep: Keep<'_>) -> Result<bool, Fault> {
        let start = self.lexer.at();
        let kind = match self.lexer.peek() {
            Some(b'"') => {
                let string = self.lexer.string()?;
                self.push(Kind::String, start, string.canonical, string.literal)?;
                return Ok(string.canonical);
            }
            Some(b'{') => return self.object(keep).map(|object| object.canonical),
            Some(b'[') => return self.array(),
            Some(b't') => Kind::True,
            Some(b'f') => Kind::False,
            Some(b'n') => Kind::Null,
            _ => Kind::Number,
        };
        self.lexer.scalar()?;
        self.push(kind, start, true, false)?;
        Ok(true)
    }

    fn push(&mut self, kind: Kind, start: u32, canonical: bool, literal: bool) -> Result<u32, Fault> {
        self.values_left = self.values_left.checked_sub(1).ok_or(Fault::Values)?;
        let at = self.nodes.len() as u32;
        let end = self.lexer.at();
        self.nodes.push(Node { start, end, next: at + 1, order: Order::Written, kind, canonical, literal });
        Ok(at)
    }

    fn array(&mut self) -> Result<bool, Fault> {
        self.lexer.enter()?;
        let at = self.push(Kind::Array, self.lexer.at(), false, false)?;
        let mut more = self.lexer.open(b']');
        let mut canonical = !self.lexer.take_blanks();
        while more {
            canonical &= self.value(Keep::All)?;
            more = self.lexer.more(b']')?;
            canonical &= !self.lexer.take_blanks();
        }
        self.lexer.leave();
        self.close(at, canonical, Order::Written);
        Ok(canonical)
    }

    /// Ends a container. What nobody will look into has no nodes of its own.
    fn close(&mut self, at: u32, canonical: bool, order: Order) {
        let closes = match self.uncovered {
            Uncovered::No => true,
            Uncovered::Yes => at > 0,
            Uncovered::Throughout => false,
        };
        if canonical && closes {
            self.nodes.truncate(at as usize + 1);
        }
        let (next, end) = (self.nodes.len() as u32, self.lexer.at());
        if let Some(node) = self.nodes.get_mut(at as usize) {
            (node.next, node.end, node.canonical, node.order) = (next, end, canonical, order);
        }
    }

    fn object(&mut self, keep: Keep<'_>) -> Result<Container, Fault> {
        self.lexer.enter()?;
        let at = self.push(Kind::Object, self.lexer.at(), false, false)?;
        let outer = self.members.len();
        let (mut ordered, mut dropped) = (true, false);
        let mut previous: Option<Cow<'a, [u8]>> = None;
        let mut more = self.lexer.open(b'}');
        let mut canonical = !self.lexer.take_blanks();
        while more {
            let start = self.lexer.at();
            let name = self.lexer.name()?;
            let tight = !self.lexer.take_blanks();
            let text = name.text(&self.lexer);
            let member = keep.member(&text);
            if let Member::Dropped = member {
                self.lexer.skip()?;
                dropped = true;
            } else {
                let node = self.push(Kind::Name, start, name.string.canonical, name.string.literal)?;
                if let Some(node) = self.nodes.last_mut() {
                    node.end = name.end;
                }
                let kept = self.member(node, member, tight && name.string.canonical && name.string.literal)?;
                canonical &= kept.canonical;
                ordered &= kept.present && previous.is_none_or(|previous| previous < text);
                previous = Some(text);
                self.members.push(node);
            }
            more = self.lexer.more(b'}')?;
            canonical &= !self.lexer.take_blanks();
        }
        self.lexer.leave();
        let (order, empty) = if ordered {
            let empty = self.members.len() == outer;
            self.members.truncate(outer);
            (Order::Written, empty)
        } else {
            self.sort(outer)
        };
        self.close(at, canonical && ordered && !dropped, order);
        Ok(Container { canonical: canonical && ordered && !dropped, empty })
    }

    /// Scans the value of a member, whose name is the node `name`. A member that turns out not to be kept stays on the tape, so
    /// that it still takes the place of an earlier one with its name: its value is a name, which no value is.
    fn member(&mut self, name: u32, member: Member<'_>, tight: bool) -> Result<Kept, Fault> {
        let value = self.nodes.len();
        let kept = match member {
            Member::Kept(keep) => Some(self.value(keep)?),
            Member::Within(keep) if self.lexer.peek() == Some(b'{') => {
                let object = self.object(keep)?;
                if object.empty { None } else { Some(object.canonical) }
            }
            Member::Within(_) | Member::Dropped => {
                self.lexer.skip()?;
                None
            }
        };
        if kept.is_none() {
            self.nodes.truncate(value);
            self.push(Kind::Name, self.lexer.at(), false, false)?;
        }
        let canonical = tight && kept == Some(true);
        let (next, end) = (self.nodes.len() as u32, self.lexer.at());
        if let Some(node) = self.nodes.get_mut(name as usize) {
            node.next = next;
            if canonical {
                (node.end, node.order) = (end, Order::Whole);
            }
        }
        Ok(Kept { canonical, present: kept.is_some() })
    }

    fn name_text(&self, at: u32) -> Cow<'a, [u8]> {
        let at = at as usize;
        let Some(name) = self.nodes.get(at) else { return Cow::Borrowed(&[]) };
        // A range that includes the value has nothing but the colon between the two.
        let end = match (name.order, self.nodes.get(at + 1)) {
            (Order::Whole, Some(value)) => value.start.saturating_sub(1),
            _ => name.end,
        };
        self.lexer.quoted(name.start, end, name.literal)
    }

    /// Puts the members from `outer` on in order, keeps the last of each name, and leaves out those that are not kept.
    fn sort(&mut self, outer: usize) -> (Order, bool) {
        let mut members = std::mem::take(&mut self.members);
        let inner = members.get_mut(outer..).unwrap_or_default();
        inner.sort_by(|&a, &b| self.name_text(a).cmp(&self.name_text(b)));
        let order = self.orders.len();
        self.orders.push(0);
        for (at, &name) in inner.iter().enumerate() {
            let last = inner.get(at + 1).is_none_or(|&next| self.name_text(next) != self.name_text(name));
            let present = self.nodes.get(name as usize + 1).is_some_and(|value| value.kind != Kind::Name);
            if last && present {
                self.orders.push(name);
            }
        }
        members.truncate(outer);
        self.members = members;
        let kept = self.orders.len() - order - 1;
        if let Some(count) = self.orders.get_mut(order) {
            *count = kept as u32;
        }
        (Order::At(order as u32), kept == 0)
    }
}

struct Kept {
    canonical: bool,
    present: bool,
}

fn is_path_to(target: &[Box<[u8]>], name: &str) -> bool {
    matches!(target, [only] if only.as_ref() == name.as_bytes())
}
