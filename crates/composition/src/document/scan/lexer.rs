//! The grammar of JSON (RFC 8259), over bytes.

use std::borrow::Cow;

use crate::text;

/// Why a document does not scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It breaks the grammar, or ends too early.
    Syntax,
    /// It is nested too deep.
    Depth,
    /// It has too many values.
    Values,
}

/// A string, as far as it tells how it will be written.
#[derive(Clone, Copy)]
pub(super) struct Str {
    /// What was received, quotes included, is what an encoder would write.
    pub(super) canonical: bool,
    /// What stands between the quotes is the text.
    pub(super) literal: bool,
}

/// The name of a member.
#[derive(Clone, Copy)]
pub(super) struct Name {
    start: u32,
    pub(super) end: u32,
    pub(super) string: Str,
}

pub(super) struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    depth_left: u32,
    blanks: bool,
}

impl Name {
    pub(super) fn text<'a>(&self, lexer: &Lexer<'a>) -> Cow<'a, [u8]> {
        lexer.quoted(self.start, self.end, self.string.literal)
    }
}

impl<'a> Lexer<'a> {
    pub(super) fn new(bytes: &'a [u8], depth: u32) -> Self {
        Self { bytes, at: 0, depth_left: depth, blanks: false }
    }

    /// The position. Documents are shorter than [`Limits::LARGEST`](crate::Limits::LARGEST), which fits.
    pub(super) fn at(&self) -> u32 {
        self.at as u32
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Skips blanks, and remembers that there were some.
    pub(super) fn blank(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.bytes.get(self.at) {
            self.at += 1;
            self.blanks = true;
        }
    }

    /// Whether there were blanks since this was last asked.
    pub(super) fn take_blanks(&mut self) -> bool {
        std::mem::take(&mut self.blanks)
    }

    pub(super) fn enter(&mut self) -> Result<(), Fault> {
        self.depth_left = self.depth_left.checked_sub(1).ok_or(Fault::Depth)?;
        Ok(())
    }

    pub(super) fn leave(&mut self) {
        self.depth_left += 1;
    }

    /// Goes into a container, and tells whether something is in it. The container's opening is what comes next.
    pub(super) fn open(&mut self, end: u8) -> bool {
        self.at += 1;
        self.blanks = false;
        self.blank();
        if self.peek() == Some(end) {
            self.at += 1;
            return false;
        }
        true
    }

    /// Goes past a member or an element to the next one, and tells whether there is one; past the container's end if not.
    pub(super) fn more(&mut self, end: u8) -> Result<bool, Fault> {
        // Blanks within the value are known to whoever scanned it.
        self.blanks = false;
        self.blank();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.blank();
                Ok(true)
            }
            Some(byte) if byte == end => {
                self.at += 1;
                Ok(false)
            }
            _ => Err(Fault::Syntax),
        }
    }

    /// The name of a member and the colon after it, up to where the value begins.
    pub(super) fn name(&mut self) -> Result<Name, Fault> {
        self.blanks = false;
        if self.peek() != Some(b'"') {
            return Err(Fault::Syntax);
        }
        let start = self.at();
        let string = self.string()?;
        let end = self.at();
        self.blank();
        if self.peek() != Some(b':') {
            return Err(Fault::Syntax);
        }
        self.at += 1;
        self.blank();
        Ok(Name { start, end, string })
    }

    /// The text of a string, from its opening quote at `start` to after its closing one at `end`.
    pub(super) fn quoted(&self, start: u32, end: u32, literal: bool) -> Cow<'a, [u8]> {
        let raw = self.bytes.get(start as usize + 1..(end as usize).saturating_sub(1)).unwrap_or_default();
        if literal { Cow::Borrowed(raw) } else { text::unescape(raw) }
    }

    /// A string, from its opening quote past its closing one.
    pub(super) fn string(&mut self) -> Result<Str, Fault> {
        let start = self.at + 1;
        let mut at = start;
        let (mut canonical, mut literal, mut beyond_ascii) = (true, true, false);
        loop {
            at = text::plain_end(self.bytes, at);
            match self.bytes.get(at).ok_or(Fault::Syntax)? {
                b'"' => break,
                b'\\' => {
                    literal = false;
                    at += match self.bytes.get(at + 1) {
                        Some(b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
                        Some(b'/') => {
                            canonical = false;
                            2
                        }
                        Some(b'u') => {
                            canonical = false;
                            let digits = self.bytes.get(at + 2..at + 6).ok_or(Fault::Syntax)?;
                            if !digits.iter().all(u8::is_ascii_hexdigit) {
                                return Err(Fault::Syntax);
                            }
                            6
                        }
                        _ => return Err(Fault::Syntax),
                    };
                }
                b'<' | b'>' | b'&' => {
                    canonical = false;
                    at += 1;
                }
                0x80.. => {
                    beyond_ascii = true;
                    while let Some(0x80..) = self.bytes.get(at) {
                        at += 1;
                    }
                }
                _ => return Err(Fault::Syntax),
            }
        }
        if beyond_ascii {
            let raw = self.bytes.get(start..at).unwrap_or_default();
            if !text::written_as_is(raw) {
                canonical = false;
                literal &= std::str::from_utf8(raw).is_ok();
            }
        }
        self.at = at + 1;
        Ok(Str { canonical, literal })
    }

    /// A number, or one of `true`, `false` and `null`.
    pub(super) fn scalar(&mut self) -> Result<(), Fault> {
        let word: &[u8] = match self.peek() {
            Some(b't') => b"true",
            Some(b'f') => b"false",
            Some(b'n') => b"null",
            _ => return self.number(),
        };
        if self.bytes.get(self.at..self.at + word.len()) != Some(word) {
            return Err(Fault::Syntax);
        }
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self) -> Result<(), Fault> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { Err(Fault::Syntax) } else { Ok(()) }
    }

    /// Checks a value and goes past it.
    pub(super) fn skip(&mut self) -> Result<(), Fault> {
        match self.peek() {
            Some(b'"') => self.string().map(|_| ()),
            Some(b'{') => {
                self.enter()?;
                let mut more = self.open(b'}');
                while more {
                    self.name()?;
                    self.skip()?;
                    more = self.more(b'}')?;
                }
                self.leave();
                Ok(())
            }
            Some(b'[') => {
                self.enter()?;
                let mut more = self.open(b']');
                while more {
                    self.skip()?;
                    more = self.more(b']')?;
                }
                self.leave();
                Ok(())
            }
            _ => self.scalar(),
        }
    }
}
