//! JSON by RFC 8259. Own code because no kept library gives the places of values: messages name them. Numbers stay literals, so that
//! none is changed by being read.

use std::collections::HashMap;

use super::tree::{Document, Entry, MAX_DEPTH, MAX_VALUES, Node, ReadError, Repeated, Value};
use crate::place::Place;

/// Reads one value.
pub(super) fn read(text: &str) -> Result<Document, ReadError> {
    let mut reader = Reader { text, offset: 0, place: Place::START, values: 0, repeated: Vec::new() };
    reader.blank();
    let root = reader.node(0)?;
    reader.blank();
    if reader.peek().is_some() {
        return Err(reader.error("something follows the end of the JSON value"));
    }
    Ok(Document { root, repeated: reader.repeated })
}

struct Reader<'t> {
    text: &'t str,
    offset: usize,
    place: Place,
    values: usize,
    repeated: Vec<Repeated>,
}

impl<'t> Reader<'t> {
    fn error(&self, problem: impl Into<String>) -> ReadError {
        ReadError::new(self.place, problem)
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.offset..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.offset += letter.len_utf8();
        if letter == '\n' {
            self.place = Place { line: self.place.line + 1, column: 1 };
        } else {
            self.place.column += 1;
        }
        Some(letter)
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
            self.next();
        }
    }

    fn takes(&mut self, wanted: char) -> bool {
        let there = self.peek() == Some(wanted);
        if there {
            self.next();
        }
        there
    }

    fn node(&mut self, depth: usize) -> Result<Node, ReadError> {
        let place = self.place;
        self.values += 1;
        if depth > MAX_DEPTH {
            return Err(self.error(format!("values are nested more than {MAX_DEPTH} deep")));
        }
        if self.values > MAX_VALUES {
            return Err(self.error(format!("the file has more than {MAX_VALUES} values")));
        }
        let value = match self.peek() {
            Some('{') => self.map(depth)?,
            Some('[') => self.list(depth)?,
            Some('"') => Value::Text(self.string()?),
            Some('-' | '0'..='9') => self.number()?,
            Some('t' | 'f' | 'n') => self.word()?,
            Some('}' | ']') => return Err(self.error("a value is missing; is there a comma too many before?")),
            Some('/') => return Err(self.error("JSON has no comments; a key that begins with @ or $ is passed over")),
            Some(_) => return Err(self.error("this is not the beginning of a JSON value")),
            None => return Err(self.error("the file ends where a value should be")),
        };
        Ok(Node { place, value })
    }

    fn word(&mut self) -> Result<Value, ReadError> {
        for (word, value) in [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)] {
            if self.rest().starts_with(word) {
                word.chars().for_each(|_| {
                    self.next();
                });
                return Ok(value);
            }
        }
        Err(self.error("this is not the beginning of a JSON value"))
    }

    fn digits(&mut self) -> Result<(), ReadError> {
        if !self.peek().is_some_and(|letter| letter.is_ascii_digit()) {
            return Err(self.error("a digit is missing in a number"));
        }
        while self.peek().is_some_and(|letter| letter.is_ascii_digit()) {
            self.next();
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Value, ReadError> {
        let start = self.offset;
        self.takes('-');
        if self.takes('0') {
            if self.peek().is_some_and(|letter| letter.is_ascii_digit()) {
                return Err(self.error("a number cannot begin with 0"));
            }
        } else {
            self.digits()?;
        }
        if self.takes('.') {
            self.digits()?;
        }
        if matches!(self.peek(), Some('e' | 'E')) {
            self.next();
            if matches!(self.peek(), Some('+' | '-')) {
                self.next();
            }
            self.digits()?;
        }
        Ok(Value::Number(self.text.get(start..self.offset).unwrap_or_default().to_owned()))
    }

    fn string(&mut self) -> Result<String, ReadError> {
        self.next();
        let mut text = String::new();
        loop {
            let plain = self.rest().find(|letter: char| letter == '"' || letter == '\\' || letter < ' ');
            let Some(plain) = plain else {
                return Err(self.error("a text has no end: its closing quote is missing"));
            };
            let run = self.rest().get(..plain).unwrap_or_default();
            text.push_str(run);
            self.offset += run.len();
            self.place.column += u32::try_from(run.chars().count()).unwrap_or(u32::MAX);
            match self.peek() {
                Some('"') => {
                    self.next();
                    return Ok(text);
                }
                Some('\\') => text.push(self.escape()?),
                _ => {
                    return Err(self.error("a control character, such as the end of a line, in a text must be escaped"));
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, ReadError> {
        self.next();
        let letter = self.peek();
        self.next();
        Ok(match letter {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some(same @ ('"' | '\\' | '/')) => same,
            Some('u') => return self.unicode(),
            _ => return Err(self.error("this is no escape of JSON")),
        })
    }

    /// A code unit, or two that make a pair. One alone is U+FFFD, as in Go.
    fn unicode(&mut self) -> Result<char, ReadError> {
        let first = self.unit()?;
        if (0xd800..0xdc00).contains(&first) && self.rest().starts_with("\\u") {
            let before = (self.offset, self.place);
            self.next();
            self.next();
            let second = self.unit()?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            (self.offset, self.place) = before;
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn unit(&mut self) -> Result<u32, ReadError> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|letter| letter.to_digit(16));
            let Some(digit) = digit else { return Err(self.error("\\u wants four hexadecimal digits")) };
            unit = unit * 16 + digit;
            self.next();
        }
        Ok(unit)
    }

    fn list(&mut self, depth: usize) -> Result<Value, ReadError> {
        self.next();
        self.blank();
        let mut members = Vec::new();
        if self.takes(']') {
            return Ok(Value::List(members));
        }
        loop {
            members.push(self.node(depth + 1)?);
            self.blank();
            if self.takes(']') {
                return Ok(Value::List(members));
            }
            if !self.takes(',') {
                return Err(self.error("a list goes on with a comma or ends with ]"));
            }
            self.blank();
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, ReadError> {
        self.next();
        self.blank();
        let mut entries = Vec::new();
        if self.takes('}') {
            return Ok(Value::Map(entries));
        }
        loop {
            let place = self.place;
            match self.peek() {
                Some('"') => {}
                Some('}') => return Err(self.error("a key is missing; is there a comma too many before?")),
                Some('/') => {
                    return Err(self.error("JSON has no comments; a key that begins with @ or $ is passed over"));
                }
                _ => return Err(self.error("a key must be text in double quotes")),
            }
            let key = self.string()?;
            self.blank();
            if !self.takes(':') {
                return Err(self.error("a colon is missing after a key"));
            }
            self.blank();
            let node = self.node(depth + 1)?;
            entries.push(Entry { key, place, node });
            self.blank();
            if self.takes('}') {
                return Ok(Value::Map(self.last_of_each(entries)));
            }
            if !self.takes(',') {
                return Err(self.error("an object goes on with a comma or ends with }"));
            }
            self.blank();
        }
    }

    /// The last entry of each key counts, as in Go; the others are remembered.
    fn last_of_each(&mut self, entries: Vec<Entry>) -> Vec<Entry> {
        let mut last = HashMap::with_capacity(entries.len());
        for (index, entry) in entries.iter().enumerate() {
            last.insert(entry.key.as_str(), index);
        }
        if last.len() == entries.len() {
            return entries;
        }
        let counts: Vec<usize> =
            entries.iter().map(|entry| last.get(entry.key.as_str()).copied().unwrap_or_default()).collect();
        for (index, entry) in entries.iter().enumerate() {
            if let Some(later) = entries.get(counts[index]).filter(|_| counts[index] != index) {
                let (first, last) = (entry.place, later.place);
                self.repeated.push(Repeated { key: entry.key.clone(), first, last });
            }
        }
        let kept = entries.into_iter().enumerate().filter(|(index, _)| counts[*index] == *index);
        kept.map(|(_, entry)| entry).collect()
    }
}
