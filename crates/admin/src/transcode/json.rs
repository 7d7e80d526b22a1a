//! Reads the JSON of stored objects from front to back, without making values of it.
//!
//! What is stored was written by this program, so that it is sound and compact. It is read for each get, and five hundred times for a page
//! of a list, which is why it does not go through a parser for all JSON there is: names that are expected are compared where they should
//! stand, texts are found by their quotes, and what is not wanted by its brackets. Nothing that is read here makes it panic, sound or not.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

/// Why it ends: what should stand where the reader is. No larger than two registers, since each step returns one or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expected(pub(crate) &'static str);

/// A place in a JSON text.
pub(crate) struct Reader<'j> {
    text: &'j str,
    at: usize,
}

/// Which brackets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Brackets {
    begin: u8,
    end: u8,
    name: &'static str,
}

/// Those of an object.
pub(crate) const OBJECT: Brackets = Brackets { begin: b'{', end: b'}', name: "an object" };

/// Those of a list.
pub(crate) const LIST: Brackets = Brackets { begin: b'[', end: b']', name: "a list" };

/// A text as it is spelt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quoted<'j> {
    /// With its quotes.
    whole: &'j str,
    /// Whether anything in it is escaped.
    escaped: bool,
}

impl<'j> Quoted<'j> {
    /// Its bytes, if that is how they are spelt.
    #[inline]
    pub(crate) fn plain(self) -> Option<&'j [u8]> {
        let inside = self.whole.as_bytes().get(1..self.whole.len() - 1);
        inside.filter(|_| !self.escaped)
    }

    /// What it says.
    pub(crate) fn text(self) -> Result<Cow<'j, str>, Expected> {
        match self.whole.get(1..self.whole.len() - 1) {
            Some(inside) if !self.escaped => Ok(Cow::Borrowed(inside)),
            _ => serde_json::from_str(self.whole).map(Cow::Owned).map_err(|_| Expected("a text")),
        }
    }
}

impl<'j> Reader<'j> {
    /// At the beginning of a text.
    pub(crate) fn new(text: &'j str) -> Self {
        Self { text, at: 0 }
    }

    /// How many bytes stand before what comes next.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is no white space. There hardly is any, so that it is looked for where something else is expected.
    fn token(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
        self.peek()
    }

    #[inline]
    fn eat(&mut self, byte: u8, wanted: &'static str) -> Result<(), Expected> {
        if self.peek() != Some(byte) && self.token() != Some(byte) {
            return Err(Expected(wanted));
        }
        self.at += 1;
        Ok(())
    }

    /// Goes past what begins an object or a list. Whether there is anything in it; if not, goes past its end as well.
    #[inline]
    pub(crate) fn begin(&mut self, brackets: Brackets) -> Result<bool, Expected> {
        self.eat(brackets.begin, brackets.name)?;
        let empty = self.token() == Some(brackets.end);
        self.at += usize::from(empty);
        Ok(!empty)
    }

    /// Goes past what stands after an item: the end, or a comma. Whether there is another.
    #[inline]
    pub(crate) fn more(&mut self, brackets: Brackets) -> Result<bool, Expected> {
        if self.peek() == Some(b',') {
            self.at += 1;
            return Ok(true);
        }
        let more = match self.token() {
            Some(b',') => true,
            Some(byte) if byte == brackets.end => false,
            _ => return Err(Expected("a comma or an end")),
        };
        self.at += 1;
        Ok(more)
    }

    /// The name of a field, with the colon after it.
    pub(crate) fn name(&mut self) -> Result<Cow<'j, str>, Expected> {
        let name = self.quoted()?.text()?;
        self.eat(b':', "a colon")?;
        Ok(name)
    }

    /// Goes past `spelt`, if that comes next.
    #[inline]
    pub(crate) fn passes(&mut self, spelt: &[u8]) -> bool {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let passes = rest.starts_with(spelt);
        self.at += if passes { spelt.len() } else { 0 };
        passes
    }

    /// A text.
    pub(crate) fn string(&mut self) -> Result<Cow<'j, str>, Expected> {
        self.quoted()?.text()
    }

    /// A text as it is spelt.
    #[inline]
    pub(crate) fn quoted(&mut self) -> Result<Quoted<'j>, Expected> {
        self.eat(b'"', "a text")?;
        let begin = self.at - 1;
        let (at, escaped) = end_of_text(self.text.as_bytes(), self.at)?;
        self.at = at;
        Ok(Quoted { whole: &self.text[begin..at], escaped })
    }

    /// A number, or `true`, `false` or `null`, as it is spelt.
    pub(crate) fn word(&mut self) -> Result<&'j str, Expected> {
        self.token();
        let begin = self.at;
        while let Some(b'a'..=b'z' | b'0'..=b'9' | b'-' | b'+' | b'.' | b'E') = self.peek() {
            self.at += 1;
        }
        if begin == self.at { Err(Expected("a value")) } else { Ok(&self.text[begin..self.at]) }
    }

    /// Goes past a value, whatever it is, and returns how it is spelt.
    pub(crate) fn any(&mut self) -> Result<&'j str, Expected> {
        match self.token() {
            Some(b'"') => Ok(self.quoted()?.whole),
            Some(b'{' | b'[') => {
                let begin = self.at;
                self.at = end_of_brackets(self.text.as_bytes(), begin)?;
                Ok(&self.text[begin..self.at])
            }
            _ => self.word(),
        }
    }

    /// Nothing more comes.
    pub(crate) fn end(&mut self) -> Result<(), Expected> {
        if self.token().is_some() { Err(Expected("the end")) } else { Ok(()) }
    }
}

/// What comes after the brackets that begin at a place.
fn end_of_brackets(bytes: &[u8], begin: usize) -> Result<usize, Expected> {
    let (mut at, mut depth) = (begin, 0_usize);
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => at = end_of_text(bytes, at)?.0,
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 1 => return Ok(at),
            b'}' | b']' => depth -= 1,
            _ => {}
        }
    }
    Err(Expected("the end of what has begun"))
}

/// What comes after the quote that ends a text, and whether anything before that is escaped. Most texts are so short that to call for a
/// search would cost more than the search.
#[inline]
fn end_of_text(bytes: &[u8], mut at: usize) -> Result<(usize, bool), Expected> {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHEST: u64 = ONES << 7;
    const QUOTES: u64 = u64::from_le_bytes([b'"'; 8]);
    const ESCAPES: u64 = u64::from_le_bytes([b'\\'; 8]);
    // The highest bits of those of eight bytes that are zero, of which the lowest is exact.
    let zeros = |eight: u64| eight.wrapping_sub(ONES) & !eight & HIGHEST;
    let mut escaped = false;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        if let Some(eight) = rest.first_chunk() {
            let eight = u64::from_le_bytes(*eight);
            let found = zeros(eight ^ QUOTES) | zeros(eight ^ ESCAPES);
            if found == 0 {
                at += 8;
                continue;
            }
            at += (found.trailing_zeros() / 8) as usize;
        }
        match bytes.get(at) {
            Some(b'"') => return Ok((at + 1, escaped)),
            Some(b'\\') => {
                escaped = true;
                // A quote after it does not end the text. Of a longer character that may stand there, the rest is as any other.
                at += 2;
            }
            Some(_) => at += 1,
            None => return Err(Expected("the end of a text")),
        }
    }
}
