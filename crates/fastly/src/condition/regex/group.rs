//! What opens with a parenthesis.

use super::Translator;
use crate::condition::source::Read;

/// What the engine does not have, by how it is opened.
const REFUSED: [(&str, &str); 12] = [
    ("=", "look-ahead"),
    ("!", "look-ahead"),
    ("<=", "look-behind"),
    ("<!", "look-behind"),
    (">", "an atomic group"),
    ("|", "a group that resets numbers"),
    ("(", "a group with a condition"),
    ("P=", "a back-reference"),
    ("P>", "recursion"),
    ("R", "recursion"),
    ("&", "recursion"),
    ("C", "a call-out"),
];

impl Translator<'_> {
    /// A group, whose parenthesis was at `start`.
    pub(super) fn group(&mut self, start: usize) -> Read<()> {
        if self.takes("*") {
            return self.refuse(start, "verbs of PCRE, as in (*NAME), are not supported");
        }
        if !self.takes("?") {
            self.made.push('(');
            return Ok(());
        }
        if let Some((_, what)) = REFUSED.iter().find(|(opening, _)| self.rest().starts_with(opening)) {
            return self.refuse(start, format!("the regular expression has {what}, which is not supported"));
        }
        if self.takes("#") {
            return match self.rest().find(')') {
                Some(end) => {
                    self.at += end + 1;
                    Ok(())
                }
                None => self.refuse(start, "the comment of the regular expression does not end"),
            };
        }
        for (opening, closing) in [("P<", '>'), ("<", '>'), ("'", '\'')] {
            if self.takes(opening) {
                return self.named(start, closing);
            }
        }
        self.flags(start)
    }

    fn named(&mut self, start: usize, closing: char) -> Read<()> {
        let name = match self.rest().split_once(closing) {
            Some((name, _)) => name.to_owned(),
            None => return self.refuse(start, "the name of the group does not end"),
        };
        self.at += name.len() + 1;
        self.made.push_str(&format!("(?P<{name}>"));
        Ok(())
    }

    /// `(?i)`, `(?i:`, `(?:`.
    fn flags(&mut self, start: usize) -> Read<()> {
        let rest = self.rest();
        let end = rest.find(|it: char| !it.is_ascii_alphabetic() && it != '-').unwrap_or(rest.len());
        let flags = rest.get(..end).unwrap_or_default().to_owned();
        let closing = rest.get(end..).and_then(|rest| rest.chars().next());
        let Some(closing @ (':' | ')')) = closing else {
            return self.refuse(start, "the group is of a kind that is not supported");
        };
        if let Some(flag) = flags.chars().find(|flag| !"imsU-".contains(*flag)) {
            return self.refuse(start, format!("the option {flag} of the regular expression is not supported"));
        }
        self.at += end + 1;
        self.made.push_str(&format!("(?{flags}{closing}"));
        Ok(())
    }
}
