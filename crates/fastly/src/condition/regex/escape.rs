//! What a backslash begins.

use super::Translator;
use crate::condition::source::Read;

/// One character, or a set of them, as it stands in a class.
pub(super) enum Escaped {
    One(u8),
    Set(&'static str),
}

impl Translator<'_> {
    /// An escape outside a class, whose backslash was at `start`.
    pub(super) fn escape(&mut self, start: usize) -> Read<()> {
        match self.peek() {
            None => return self.refuse(start, "the regular expression ends with a lone backslash"),
            Some('1'..='9' | 'g' | 'k') => {
                return self.refuse(start, "the regular expression has a back-reference, which is not supported");
            }
            Some('Q') => {
                self.at += 1;
                return self.quoted();
            }
            // The end of what was not begun.
            Some('E') => self.at += 1,
            Some('b') => self.assertion("\\b"),
            Some('B') => self.assertion("\\B"),
            Some('A') => self.assertion("\\A"),
            // No text of a request ends with a line break, before which \Z matches as well.
            Some('z' | 'Z') => self.assertion("\\z"),
            Some('R') => self.assertion("(?:\\r\\n|[\\n-\\r])"),
            Some('N') => self.assertion("[^\\n]"),
            Some(_) => match self.escaped(start)? {
                Escaped::One(byte) => self.push_byte(byte),
                Escaped::Set(set) => self.made.push_str(&format!("[{set}]")),
            },
        }
        Ok(())
    }

    fn assertion(&mut self, made: &str) {
        self.at += 1;
        self.made.push_str(made);
    }

    /// `\Q...\E`: as it is.
    fn quoted(&mut self) -> Read<()> {
        let rest = self.rest();
        let (inside, length) = match rest.split_once("\\E") {
            Some((inside, _)) => (inside.to_owned(), inside.len() + 2),
            None => (rest.to_owned(), rest.len()),
        };
        self.at += length;
        // A quantifier behind it is of its last character.
        inside.chars().for_each(|character| self.push_literal(character));
        Ok(())
    }

    pub(super) fn push_byte(&mut self, byte: u8) {
        match byte.is_ascii() {
            true => self.push_literal(char::from(byte)),
            false => self.made.push_str(&format!("\\x{byte:02x}")),
        }
    }

    /// An escape that means the same in a class and outside. Its backslash was at `start` and has been taken.
    pub(super) fn escaped(&mut self, start: usize) -> Read<Escaped> {
        let Some(next) = self.next() else {
            return self.refuse(start, "the regular expression ends with a lone backslash");
        };
        Ok(match next {
            'd' => Escaped::Set("0-9"),
            'D' => Escaped::Set("^0-9"),
            'w' => Escaped::Set("0-9A-Za-z_"),
            'W' => Escaped::Set("^0-9A-Za-z_"),
            's' => Escaped::Set("\\t-\\r\\x20"),
            'S' => Escaped::Set("^\\t-\\r\\x20"),
            'h' => Escaped::Set("\\t\\x20"),
            'H' => Escaped::Set("^\\t\\x20"),
            'v' => Escaped::Set("\\n-\\r"),
            'V' => Escaped::Set("^\\n-\\r"),
            'a' => Escaped::One(0x07),
            'e' => Escaped::One(0x1b),
            'f' => Escaped::One(0x0c),
            'n' => Escaped::One(b'\n'),
            'r' => Escaped::One(b'\r'),
            't' => Escaped::One(b'\t'),
            'x' => Escaped::One(self.hexadecimal(start)?),
            '0' => Escaped::One(self.octal()),
            other if other.is_ascii_alphanumeric() => {
                return self.refuse(start, format!("\\{other} is not supported in regular expressions"));
            }
            other => match u8::try_from(other) {
                Ok(byte) if byte.is_ascii() => Escaped::One(byte),
                _ => return self.refuse(start, format!("{other:?} needs no backslash")),
            },
        })
    }

    /// `\xhh` or `\x{hh}`.
    fn hexadecimal(&mut self, start: usize) -> Read<u8> {
        let rest = self.rest();
        let (digits, length) = match rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some((digits, _)) => (digits, digits.len() + 2),
            None => {
                let end = rest.bytes().take(2).take_while(u8::is_ascii_hexdigit).count();
                (rest.get(..end).unwrap_or_default(), end)
            }
        };
        match u8::from_str_radix(digits, 16) {
            Ok(byte) => {
                self.at += length;
                Ok(byte)
            }
            Err(_) => self.refuse(start, "\\x needs the two hexadecimal digits of a byte behind it"),
        }
    }

    /// `\0`, with up to two more octal digits.
    fn octal(&mut self) -> u8 {
        let rest = self.rest();
        let end = rest.bytes().take(2).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
        let value = rest.get(..end).and_then(|digits| u8::from_str_radix(digits, 8).ok()).unwrap_or_default();
        self.at += end;
        value
    }
}
