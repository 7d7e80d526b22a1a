//! Bytes to a document.

use crate::value::Value;

/// Why bytes are no document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// They break JSON's grammar, or end early.
    #[error("it is no JSON")]
    Syntax,
    /// They are nested deeper than [`Value::MAX_DEPTH`].
    #[error("it is nested too deeply")]
    Depth,
    /// They have more values than [`Value::MAX_VALUES`].
    #[error("it has too many values")]
    Values,
}

/// Reads the first value.
pub(crate) fn read(text: &[u8]) -> Result<Value, ReadError> {
    let mut reader = Reader { rest: text, values_left: Value::MAX_VALUES };
    reader.value(Value::MAX_DEPTH)
}

struct Reader<'a> {
    rest: &'a [u8],
    values_left: u32,
}

impl Reader<'_> {
    /// The next byte that is no blank, which stays.
    fn peek(&mut self) -> Result<u8, ReadError> {
        let blanks = self.rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
        self.skip(blanks);
        self.rest.first().copied().ok_or(ReadError::Syntax)
    }

    fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    fn expect(&mut self, wanted: u8) -> Result<(), ReadError> {
        if self.peek()? != wanted {
            return Err(ReadError::Syntax);
        }
        self.skip(1);
        Ok(())
    }

    fn value(&mut self, depth: u32) -> Result<Value, ReadError> {
        self.values_left = self.values_left.checked_sub(1).ok_or(ReadError::Values)?;
        match self.peek()? {
            b'{' => self.object(depth.checked_sub(1).ok_or(ReadError::Depth)?),
            b'[' => self.array(depth.checked_sub(1).ok_or(ReadError::Depth)?),
            b'"' => Ok(Value::String(self.string()?)),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'n' => self.word("null", Value::Null),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, ReadError> {
        self.rest = self.rest.strip_prefix(word.as_bytes()).ok_or(ReadError::Syntax)?;
        Ok(value)
    }

    fn array(&mut self, depth: u32) -> Result<Value, ReadError> {
        self.skip(1);
        let mut elements = Vec::new();
        if self.peek()? == b']' {
            self.skip(1);
            return Ok(Value::Array(elements));
        }
        loop {
            elements.push(self.value(depth)?);
            match self.peek()? {
                b',' => self.skip(1),
                _ => {
                    self.expect(b']')?;
                    return Ok(Value::Array(elements));
                }
            }
        }
    }

    fn object(&mut self, depth: u32) -> Result<Value, ReadError> {
        self.skip(1);
        let mut members: Vec<(Box<str>, Value)> = Vec::new();
        if self.peek()? == b'}' {
            self.skip(1);
            return Ok(Value::Object(members));
        }
        loop {
            if self.peek()? != b'"' {
                return Err(ReadError::Syntax);
            }
            let name = self.string()?;
            self.expect(b':')?;
            members.push((name, self.value(depth)?));
            match self.peek()? {
                b',' => self.skip(1),
                _ => {
                    self.expect(b'}')?;
                    break;
                }
            }
        }
        if !members.is_sorted_by(|(one, _), (other, _)| one < other) {
            // Sorting is stable: of equal names the last one given is the last, and takes the place of those before it.
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            members.dedup_by(|later, earlier| {
                let same = later.0 == earlier.0;
                if same {
                    std::mem::swap(later, earlier);
                }
                same
            });
        }
        Ok(Value::Object(members))
    }

    fn number(&mut self) -> Result<Value, ReadError> {
        let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let at = |end: usize| self.rest.get(end..).unwrap_or_default();
        let mut end = usize::from(self.rest.first() == Some(&b'-'));
        end += match at(end).first() {
            Some(b'0') => 1,
            Some(b'1'..=b'9') => digits(at(end)),
            _ => return Err(ReadError::Syntax),
        };
        if at(end).first() == Some(&b'.') {
            let fraction = digits(at(end + 1));
            if fraction == 0 {
                return Err(ReadError::Syntax);
            }
            end += 1 + fraction;
        }
        if let Some(b'e' | b'E') = at(end).first() {
            end += 1 + usize::from(matches!(at(end + 1).first(), Some(b'+' | b'-')));
            let exponent = digits(at(end));
            if exponent == 0 {
                return Err(ReadError::Syntax);
            }
            end += exponent;
        }
        let literal = self.rest.get(..end).and_then(|literal| std::str::from_utf8(literal).ok());
        let literal = literal.ok_or(ReadError::Syntax)?.into();
        self.skip(end);
        Ok(Value::Number(literal))
    }

    /// A text, from its quote on.
    fn string(&mut self) -> Result<Box<str>, ReadError> {
        self.skip(1);
        let mut text = String::new();
        loop {
            let run =
                self.rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20)).ok_or(ReadError::Syntax)?;
            push_lossy(&mut text, self.rest.get(..run).unwrap_or_default());
            self.skip(run);
            match self.rest.first() {
                Some(b'"') => {
                    self.skip(1);
                    return Ok(text.into());
                }
                Some(b'\\') => text.push(self.escape()?),
                _ => return Err(ReadError::Syntax),
            }
        }
    }

    fn escape(&mut self) -> Result<char, ReadError> {
        let letter = match self.rest.get(1).ok_or(ReadError::Syntax)? {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.code_units(),
            other @ (b'"' | b'\\' | b'/') => char::from(*other),
            _ => return Err(ReadError::Syntax),
        };
        self.skip(2);
        Ok(letter)
    }

    /// `\uXXXX`, or two of them for what takes two. Half of a pair is U+FFFD.
    fn code_units(&mut self) -> Result<char, ReadError> {
        let unit = code_unit(self.rest).ok_or(ReadError::Syntax)?;
        self.skip(6);
        if let 0xD800..=0xDBFF = unit
            && let Some(low @ 0xDC00..=0xDFFF) = code_unit(self.rest)
        {
            self.skip(6);
            let code = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
            return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Ok(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER))
    }
}

fn code_unit(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |number, &digit| Some(number << 4 | char::from(digit).to_digit(16)?))
}

/// Appends `bytes`, with U+FFFD for each of them that is not part of UTF-8.
fn push_lossy(text: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
}

#[cfg(test)]
mod tests;
