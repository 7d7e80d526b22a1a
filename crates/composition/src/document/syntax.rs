//! What is wrong with a document that does not scan, in the words of Go's `encoding/json`. Nothing here is fast, and nothing has to
//! be: it only runs for documents that are refused.

use crate::error::DecodeError;

/// Tells what is wrong with `bytes`, which do not start with a JSON value.
pub(super) fn explain(bytes: &[u8]) -> DecodeError {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\t' | b'\r');
    if bytes.iter().all(blank) {
        return DecodeError::Empty;
    }
    let mut walk = Walk { bytes, at: 0 };
    match walk.document() {
        Err(Wrong::Early) | Ok(()) => DecodeError::Truncated,
        Err(Wrong::At(byte, context)) => {
            DecodeError::Syntax(format!("invalid character {} {context}", quoted(byte)).into())
        }
    }
}

/// A byte as Go quotes one.
fn quoted(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".to_owned(),
        b'"' => r#"'"'"#.to_owned(),
        b'\\' => r"'\\'".to_owned(),
        0x07 => r"'\a'".to_owned(),
        0x08 => r"'\b'".to_owned(),
        0x0B => r"'\v'".to_owned(),
        0x0C => r"'\f'".to_owned(),
        b'\n' => r"'\n'".to_owned(),
        b'\r' => r"'\r'".to_owned(),
        b'\t' => r"'\t'".to_owned(),
        0x20..=0x7E => format!("'{}'", char::from(byte)),
        0x00..=0x1F | 0x7F => format!(r"'\x{byte:02x}'"),
        0x80..=0xA0 | 0xAD => format!(r"'\u{byte:04x}'"),
        // A byte beyond ASCII is taken for the character of that number.
        _ => format!("'{}'", char::from(byte)),
    }
}

enum Wrong {
    /// The document ends.
    Early,
    /// This byte should not be here.
    At(u8, String),
}

/// What is open, and what may come next in it.
enum Open {
    Object,
    Array,
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Walk<'_> {
    fn next(&mut self) -> Result<u8, Wrong> {
        let byte = self.bytes.get(self.at).copied().ok_or(Wrong::Early)?;
        self.at += 1;
        Ok(byte)
    }

    fn next_after_blanks(&mut self) -> Result<u8, Wrong> {
        loop {
            match self.next()? {
                b' ' | b'\n' | b'\t' | b'\r' => {}
                byte => return Ok(byte),
            }
        }
    }

    /// Walks without calling itself: what is walked may be nested deeper than what is read.
    fn document(&mut self) -> Result<(), Wrong> {
        let mut open = Vec::new();
        'value: loop {
            match self.next_after_blanks()? {
                b'{' => {
                    match self.next_after_blanks()? {
                        b'}' => {}
                        byte => {
                            self.name(byte)?;
                            open.push(Open::Object);
                            continue 'value;
                        }
                    };
                }
                b'[' => {
                    if self.next_after_blanks()? != b']' {
                        self.at -= 1;
                        open.push(Open::Array);
                        continue 'value;
                    }
                }
                byte => self.scalar(byte)?,
            }
            loop {
                let Some(container) = open.last() else { return Ok(()) };
                let byte = self.next_after_blanks()?;
                match (container, byte) {
                    (Open::Object, b',') => {
                        let byte = self.next_after_blanks()?;
                        self.name(byte)?;
                        continue 'value;
                    }
                    (Open::Array, b',') => continue 'value,
                    (Open::Object, b'}') | (Open::Array, b']') => {
                        open.pop();
                    }
                    (Open::Object, _) => return Err(Wrong::At(byte, "after object key:value pair".to_owned())),
                    (Open::Array, _) => return Err(Wrong::At(byte, "after array element".to_owned())),
                }
            }
        }
    }

    fn name(&mut self, first: u8) -> Result<(), Wrong> {
        if first != b'"' {
            return Err(Wrong::At(first, "looking for beginning of object key string".to_owned()));
        }
        self.string()?;
        match self.next_after_blanks()? {
            b':' => Ok(()),
            byte => Err(Wrong::At(byte, "after object key".to_owned())),
        }
    }

    fn string(&mut self) -> Result<(), Wrong> {
        loop {
            match self.next()? {
                b'"' => return Ok(()),
                b'\\' => match self.next()? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                    b'u' => {
                        for _ in 0..4 {
                            let byte = self.next()?;
                            if !byte.is_ascii_hexdigit() {
                                return Err(Wrong::At(byte, r"in \u hexadecimal character escape".to_owned()));
                            }
                        }
                    }
                    byte => return Err(Wrong::At(byte, "in string escape code".to_owned())),
                },
                byte @ 0x00..0x20 => return Err(Wrong::At(byte, "in string literal".to_owned())),
                _ => {}
            }
        }
    }

    fn scalar(&mut self, first: u8) -> Result<(), Wrong> {
        let word = match first {
            b'"' => return self.string(),
            b't' => "true",
            b'f' => "false",
            b'n' => "null",
            b'-' | b'0'..=b'9' => return self.number(first),
            _ => return Err(Wrong::At(first, "looking for beginning of value".to_owned())),
        };
        for expected in word.bytes().skip(1) {
            let byte = self.next()?;
            if byte != expected {
                let expected = char::from(expected);
                return Err(Wrong::At(byte, format!("in literal {word} (expecting '{expected}')")));
            }
        }
        Ok(())
    }

    fn number(&mut self, mut first: u8) -> Result<(), Wrong> {
        if first == b'-' {
            first = self.next()?;
            if !first.is_ascii_digit() {
                return Err(Wrong::At(first, "in numeric literal".to_owned()));
            }
        }
        if first != b'0' {
            self.digits();
        }
        if self.take(b".") {
            self.some_digits("after decimal point in numeric literal")?;
        }
        if self.take(b"eE") {
            self.take(b"+-");
            self.some_digits("in exponent of numeric literal")?;
        }
        Ok(())
    }

    fn take(&mut self, any: &[u8]) -> bool {
        let taken = self.bytes.get(self.at).is_some_and(|byte| any.contains(byte));
        self.at += usize::from(taken);
        taken
    }

    fn some_digits(&mut self, context: &str) -> Result<(), Wrong> {
        match self.next()? {
            b'0'..=b'9' => {
                self.digits();
                Ok(())
            }
            byte => Err(Wrong::At(byte, context.to_owned())),
        }
    }

    fn digits(&mut self) {
        while let Some(b'0'..=b'9') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }
}
