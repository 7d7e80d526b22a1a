//! Regular expressions of PCRE, which VCL has, in the syntax of the engine that proxies have. It takes linear time, so it
//! has neither look-around nor back-references. Both match bytes, and their classes are of ASCII.

mod class;
mod escape;
mod group;

use backstay_expression::{InvalidRegex, Regex, Replacement};

use super::source::{Problem, Read, refuse};
use super::syntax::Literal;

/// Translates a regular expression.
pub(super) fn translate(literal: &Literal) -> Read<String> {
    let mut translator = Translator { literal, at: 0, made: String::with_capacity(literal.text.len()) };
    translator.run()?;
    let made = translator.made;
    let Err(fault) = Regex::new(&made) else { return Ok(made) };
    let message = match fault {
        InvalidRegex::Pattern(::regex::Error::CompiledTooBig(limit)) => {
            format!("the regular expression needs more than {limit} bytes when it is compiled")
        }
        // The last line says what is wrong; those before it draw the place.
        InvalidRegex::Pattern(error) => {
            let text = error.to_string();
            let why = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("{:?} is no regular expression: {why}", literal.text)
        }
        other => other.to_string(),
    };
    refuse(literal.at, message)
}

/// Checks the groups that a replacement for what `regex` matches refers to.
pub(super) fn check_replacement(regex: &str, replacement: &Literal) -> Read<()> {
    let regex = Regex::new(regex).or_else(|fault| refuse(replacement.at, fault.to_string()))?;
    match Replacement::first(regex, replacement.text.as_bytes()) {
        Ok(_) => Ok(()),
        Err(fault) => refuse(replacement.at, fault.to_string()),
    }
}

/// Where translation is.
struct Translator<'a> {
    literal: &'a Literal,
    /// Byte of the expression.
    at: usize,
    made: String,
}

impl Translator<'_> {
    fn rest(&self) -> &str {
        self.literal.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The next character.
    fn next(&mut self) -> Option<char> {
        let next = self.peek();
        self.at += next.map_or(0, char::len_utf8);
        next
    }

    /// Takes `text` if it is next.
    fn takes(&mut self, text: &str) -> bool {
        let taken = self.rest().starts_with(text);
        self.at += if taken { text.len() } else { 0 };
        taken
    }

    fn refuse<T>(&self, index: usize, message: impl Into<String>) -> Read<T> {
        Err(Problem { message: message.into(), at: self.literal.position(index) })
    }

    /// Adds a character that stands for itself.
    fn push_literal(&mut self, character: char) {
        // Where white space could be ignored, it is written so that it is not.
        if character.is_ascii_whitespace() || character.is_ascii_control() {
            self.made.push_str(&format!("\\x{:02x}", u32::from(character)));
        } else {
            self.made.push_str(&::regex::escape(character.encode_utf8(&mut [0; 4])));
        }
    }

    fn run(&mut self) -> Read<()> {
        // Whether there is something before that can be repeated.
        let mut repeatable = false;
        loop {
            let start = self.at;
            let Some(next) = self.next() else { return Ok(()) };
            match next {
                '*' | '+' | '?' => {
                    self.repeated(start, repeatable)?;
                    repeatable = false;
                    continue;
                }
                '{' if self.counts() => {
                    self.repeated(start, repeatable)?;
                    repeatable = false;
                    continue;
                }
                '\\' => self.escape(start)?,
                '[' => self.class(start)?,
                '(' => {
                    self.group(start)?;
                    repeatable = false;
                    continue;
                }
                '|' => {
                    self.made.push('|');
                    repeatable = false;
                    continue;
                }
                ')' | '.' | '^' | '$' => self.made.push(next),
                _ => self.push_literal(next),
            }
            repeatable = true;
        }
    }

    /// Whether the brace that has been taken begins a count, and passes over it. Another brace stands for itself.
    fn counts(&mut self) -> bool {
        let Some((inside, _)) = self.rest().split_once('}') else { return false };
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let counts = match inside.split_once(',') {
            None => digits(inside),
            Some((least, most)) => digits(least) && (most.is_empty() || digits(most)),
        };
        self.at += if counts { inside.len() + 1 } else { 0 };
        counts
    }

    /// A quantifier, which began at `start`.
    fn repeated(&mut self, start: usize, repeatable: bool) -> Read<()> {
        if !repeatable {
            return self.refuse(start, "the quantifier has nothing before it to repeat");
        }
        let written = self.literal.text.get(start..self.at).unwrap_or_default();
        self.made.push_str(written);
        match self.peek() {
            Some('+') => {
                let message =
                    "possessive quantifiers are not supported: the engine never goes back, so the plain one will do";
                self.refuse(self.at, message)
            }
            Some('?') => {
                self.at += 1;
                self.made.push('?');
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
