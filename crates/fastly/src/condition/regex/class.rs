//! Classes in brackets.

use super::Translator;
use super::escape::Escaped;
use crate::condition::source::Read;

/// One element of a class.
enum Element {
    /// A byte, which can begin or end a range.
    One(u8),
    /// What stands in the class as it is.
    Set(String),
}

impl Translator<'_> {
    /// A class, whose bracket was at `start`.
    pub(super) fn class(&mut self, start: usize) -> Read<()> {
        self.made.push('[');
        if self.takes("^") {
            self.made.push('^');
        }
        let mut first = true;
        loop {
            // A closing bracket that comes first stands for itself.
            if !first && self.takes("]") {
                self.made.push(']');
                return Ok(());
            }
            let at = self.at;
            let low = match self.element(start)? {
                Element::Set(set) => {
                    self.made.push_str(&set);
                    first = false;
                    continue;
                }
                Element::One(low) => low,
            };
            first = false;
            self.push_byte(low);
            let is_range = self.rest().starts_with('-') && !self.rest().starts_with("-]");
            if !is_range {
                continue;
            }
            self.at += 1;
            match self.element(start)? {
                Element::One(high) if high < low => return self.refuse(at, "the range of the class is empty"),
                Element::One(high) => {
                    self.made.push('-');
                    self.push_byte(high);
                }
                // A hyphen before a set stands for itself.
                Element::Set(set) => {
                    self.push_byte(b'-');
                    self.made.push_str(&set);
                }
            }
        }
    }

    fn element(&mut self, start: usize) -> Read<Element> {
        let at = self.at;
        if self.rest().starts_with("[:")
            && let Some((name, _)) = self.rest().get(2..).and_then(|rest| rest.split_once(":]"))
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'^')
        {
            let set = format!("[:{name}:]");
            self.at += set.len();
            return Ok(Element::Set(set));
        }
        Ok(match self.next() {
            None => return self.refuse(start, "the class of the regular expression is not closed"),
            Some('\\') => match self.peek() {
                // A backspace.
                Some('b') => {
                    self.at += 1;
                    Element::One(0x08)
                }
                Some('1'..='9') => return self.refuse(at, "octal numbers are not supported in classes: write \\xhh"),
                _ => match self.escaped(at)? {
                    Escaped::One(byte) => Element::One(byte),
                    Escaped::Set(set) if set.starts_with('^') => Element::Set(format!("[{set}]")),
                    Escaped::Set(set) => Element::Set(set.to_owned()),
                },
            },
            Some(character) => match u8::try_from(character) {
                Ok(byte) if byte.is_ascii() => Element::One(byte),
                _ => return self.refuse(at, format!("{character:?} is several bytes, and a class is of single ones")),
            },
        })
    }
}
