//! Addresses of mail, as Go's `net/mail` reads one (RFC 5322): with or without the name of whom they reach.

/// Whether it is one address.
pub(super) fn is_address(text: &str) -> bool {
    let mut reader = Reader(text);
    reader.0 = reader.0.trim_start_matches([' ', '\t']);
    reader.address().is_some() && reader.blanks().is_some() && reader.0.is_empty()
}

struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    fn skip(&mut self, wanted: char) -> Option<()> {
        self.0 = self.0.strip_prefix(wanted)?;
        Some(())
    }

    /// Blanks and comments; `None` where a comment does not end.
    fn blanks(&mut self) -> Option<()> {
        loop {
            self.0 = self.0.trim_start_matches([' ', '\t']);
            if !self.0.starts_with('(') {
                return Some(());
            }
            let mut depth = 0_u32;
            let mut is_escaped = false;
            let mut end = None;
            for (at, letter) in self.0.char_indices() {
                match letter {
                    _ if is_escaped => is_escaped = false,
                    '\\' => is_escaped = true,
                    '(' => depth += 1,
                    ')' => {
                        depth -= 1;
                        if depth == 0 {
                            end = Some(at + 1);
                            break;
                        }
                    }
                    _ => {}
                }
            }
            self.0 = self.0.get(end?..)?;
        }
    }

    fn address(&mut self) -> Option<()> {
        let before = self.0;
        if self.local().is_some() && self.0.starts_with('@') {
            return self.domain();
        }
        // No address as it is, so that it has a name before it.
        self.0 = before;
        while !self.0.starts_with('<') {
            if self.0.starts_with('"') {
                self.quoted()?;
            } else {
                self.atom(true)?;
            }
            self.blanks()?;
        }
        self.skip('<')?;
        self.local()?;
        self.domain()?;
        self.skip('>')
    }

    fn local(&mut self) -> Option<()> {
        if self.0.starts_with('"') {
            let text = self.quoted()?;
            return (text > 0).then_some(());
        }
        self.atom(false)
    }

    fn domain(&mut self) -> Option<()> {
        self.skip('@')?;
        self.0 = self.0.trim_start_matches([' ', '\t']);
        if self.0.starts_with('[') {
            let (literal, rest) = self.0.get(1..)?.split_once(']')?;
            self.0 = rest;
            return literal.parse::<std::net::IpAddr>().ok().map(|_| ());
        }
        self.atom(false)
    }

    /// Letters that may stand without quotes, and dots between them; anywhere among them if they are `loose`.
    fn atom(&mut self, is_loose: bool) -> Option<()> {
        let is_letter = |letter: char| {
            letter.is_ascii_alphanumeric() || !letter.is_ascii() || "!#$%&'*+-/=?^_`{|}~.".contains(letter)
        };
        let end = self.0.find(|letter| !is_letter(letter)).unwrap_or(self.0.len());
        let (atom, rest) = self.0.split_at(end);
        let is_dotted = !atom.starts_with('.') && !atom.ends_with('.') && !atom.contains("..");
        self.0 = rest;
        (!atom.is_empty() && (is_loose || is_dotted)).then_some(())
    }

    /// A text in quotes: how long it is.
    fn quoted(&mut self) -> Option<usize> {
        self.skip('"')?;
        let mut is_escaped = false;
        for (at, letter) in self.0.char_indices() {
            match letter {
                '\r' | '\n' => return None,
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                '"' => {
                    self.0 = self.0.get(at + 1..)?;
                    return Some(at);
                }
                '\t' | ' '..='\u{7e}' => {}
                other if !other.is_ascii() => {}
                _ => return None,
            }
        }
        None
    }
}
