//! Reads the JSON of stored objects from front to back, without making values of it.
//!
//! What is stored was written by this program, so that it is sound and compact. It is read for each get, and five hundred times for a page
//! of a list, which is why it does not go through a parser for all JSON there is: texts are found by their quotes, and what is not wanted
//! by its brackets. Nothing that is read here makes it panic, sound or not.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

/// Why it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("at byte {at}: expected {wanted}")]
pub(crate) struct JsonError {
    /// How many bytes stand before that.
    at: usize,
    /// What should stand there.
    wanted: &'static str,
}

/// A place in a JSON text.
pub(crate) struct Reader<'j> {
    text: &'j str,
    at: usize,
}

impl<'j> Reader<'j> {
    /// At the beginning of a text.
    pub(crate) fn new(text: &'j str) -> Self {
        Self { text, at: 0 }
    }

    /// An error here.
    pub(crate) fn fault(&self, wanted: &'static str) -> JsonError {
        JsonError { at: self.at, wanted }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is no white space.
    #[inline]
    fn token(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
        self.peek()
    }

    #[inline]
    fn eat(&mut self, byte: u8, wanted: &'static str) -> Result<(), JsonError> {
        if self.token() != Some(byte) {
            return Err(self.fault(wanted));
        }
        self.at += 1;
        Ok(())
    }

    /// Gives each name of an object to `field`, which reads its value.
    pub(crate) fn object<E: From<JsonError>>(
        &mut self,
        mut field: impl FnMut(&mut Self, Cow<'j, str>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.items((b'{', b'}'), "an object", |reader| {
            let name = reader.string()?;
            reader.eat(b':', "a colon")?;
            field(reader, name)
        })
    }

    /// Has `item` read each item of a list.
    pub(crate) fn array<E: From<JsonError>>(&mut self, item: impl FnMut(&mut Self) -> Result<(), E>) -> Result<(), E> {
        self.items((b'[', b']'), "a list", item)
    }

    /// Has `item` read each of what stands between two brackets.
    fn items<E: From<JsonError>>(
        &mut self,
        (begin, end): (u8, u8),
        wanted: &'static str,
        mut item: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.eat(begin, wanted)?;
        if self.token() == Some(end) {
            self.at += 1;
            return Ok(());
        }
        loop {
            item(self)?;
            if self.is_last(end)? {
                return Ok(());
            }
        }
    }

    /// Goes past what stands after an item: `end`, or a comma before another.
    #[inline]
    fn is_last(&mut self, end: u8) -> Result<bool, JsonError> {
        let last = match self.token() {
            Some(b',') => false,
            Some(byte) if byte == end => true,
            _ => return Err(self.fault("a comma or an end")),
        };
        self.at += 1;
        Ok(last)
    }

    /// A text.
    pub(crate) fn string(&mut self) -> Result<Cow<'j, str>, JsonError> {
        let (inside, escaped) = self.quoted()?;
        if !escaped {
            return Ok(Cow::Borrowed(inside));
        }
        // With its quotes.
        let whole = &self.text[self.at - inside.len() - 2..self.at];
        serde_json::from_str(whole).map(Cow::Owned).map_err(|_| self.fault("a text"))
    }

    /// Goes past a text: what stands between its quotes, and whether any of that is escaped.
    fn quoted(&mut self) -> Result<(&'j str, bool), JsonError> {
        self.eat(b'"', "a text")?;
        let begin = self.at;
        let escaped = self.pass_quote()?;
        Ok((&self.text[begin..self.at - 1], escaped))
    }

    /// Goes past the quote that ends a text. Whether anything before it is escaped.
    #[inline]
    fn pass_quote(&mut self) -> Result<bool, JsonError> {
        let bytes = self.text.as_bytes();
        let mut escaped = false;
        loop {
            let rest = bytes.get(self.at..).unwrap_or_default();
            let Some(found) = quote_or_escape(rest) else { return Err(self.fault("the end of a text")) };
            self.at += found + 1;
            if rest[found] == b'"' {
                return Ok(escaped);
            }
            escaped = true;
            // A quote after it does not end the text. Of a longer character that may stand there, the rest is as any other.
            self.at += 1;
        }
    }

    /// A number, or `true`, `false` or `null`, as it is spelt.
    pub(crate) fn word(&mut self) -> Result<&'j str, JsonError> {
        self.token();
        let begin = self.at;
        while let Some(b'a'..=b'z' | b'0'..=b'9' | b'-' | b'+' | b'.' | b'E') = self.peek() {
            self.at += 1;
        }
        if begin == self.at { Err(self.fault("a value")) } else { Ok(&self.text[begin..self.at]) }
    }

    /// Goes past a value, whatever it is, and returns how it is spelt.
    pub(crate) fn any(&mut self) -> Result<&'j str, JsonError> {
        let first = self.token();
        let begin = self.at;
        match first {
            Some(b'"') => drop(self.quoted()?),
            Some(b'{' | b'[') => self.pass_bracket()?,
            _ => drop(self.word()?),
        }
        Ok(&self.text[begin..self.at])
    }

    /// Goes past what stands between two brackets.
    fn pass_bracket(&mut self) -> Result<(), JsonError> {
        let bytes = self.text.as_bytes();
        let mut depth = 0_usize;
        while let Some(byte) = bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'"' => drop(self.pass_quote()?),
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth == 1 => return Ok(()),
                b'}' | b']' => depth -= 1,
                _ => {}
            }
        }
        Err(self.fault("the end of what has begun"))
    }

    /// Nothing more comes.
    pub(crate) fn end(&mut self) -> Result<(), JsonError> {
        if self.token().is_some() { Err(self.fault("the end")) } else { Ok(()) }
    }
}

/// Where the first quote or backslash is. Most texts are so short that to call for a search would cost more than the search.
fn quote_or_escape(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHEST: u64 = ONES << 7;
    const QUOTES: u64 = u64::from_le_bytes([b'"'; 8]);
    const ESCAPES: u64 = u64::from_le_bytes([b'\\'; 8]);
    // The highest bits of those of eight bytes that are zero, of which the lowest is exact.
    let zeros = |eight: u64| eight.wrapping_sub(ONES) & !eight & HIGHEST;
    let (eights, rest) = bytes.as_chunks::<8>();
    for (number, eight) in eights.iter().enumerate() {
        let eight = u64::from_le_bytes(*eight);
        let found = zeros(eight ^ QUOTES) | zeros(eight ^ ESCAPES);
        if found != 0 {
            return Some(number * 8 + (found.trailing_zeros() / 8) as usize);
        }
    }
    let found = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'));
    found.map(|at| eights.len() * 8 + at)
}
