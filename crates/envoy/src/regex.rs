//! Which regular expressions mean to Envoy what they mean to the proxy of this project.
//!
//! Envoy's are RE2's. Both are finite automata with nearly one syntax, but one expression that RE2 cannot read has Envoy refuse all the routes
//! that it stands among. So what is not known to be the same is not sent.

use regex_syntax::ast::parse::Parser;
use regex_syntax::ast::{self, Ast, Visitor};

#[cfg(test)]
mod tests;

/// Most repetitions that RE2 takes.
const MAX_REPETITIONS: u32 = 1000;

/// The expression that `regex` was made of, for Envoy, which matches whole texts by itself; or why there is none.
pub(crate) fn portable(regex: &str) -> Result<String, &'static str> {
    // As the model writes an expression that must match the whole.
    let inner = regex.strip_prefix(r"\A(?:").and_then(|rest| rest.strip_suffix(r")\z")).unwrap_or(regex);
    if inner.is_empty() {
        return Err("is empty, which Envoy takes for none");
    }
    let inner = inner.strip_suffix('\n').unwrap_or(inner);
    let ast = Parser::new().parse(inner).map_err(|_| "is an expression that Envoy may read another way")?;
    ast::visit(&ast, Portable)?;
    Ok(inner.to_owned())
}

/// Stops at whatever RE2 does not have, or has with another meaning.
struct Portable;

impl Visitor for Portable {
    type Output = ();
    type Err = &'static str;

    fn finish(self) -> Result<(), Self::Err> {
        Ok(())
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), Self::Err> {
        match ast {
            Ast::Flags(set) => flags(&set.flags),
            Ast::Group(group) => match &group.kind {
                ast::GroupKind::NonCapturing(set) => flags(set),
                ast::GroupKind::CaptureIndex(_) | ast::GroupKind::CaptureName { .. } => Ok(()),
            },
            Ast::Assertion(assertion) => match assertion.kind {
                ast::AssertionKind::StartLine
                | ast::AssertionKind::EndLine
                | ast::AssertionKind::StartText
                | ast::AssertionKind::EndText
                | ast::AssertionKind::WordBoundary
                | ast::AssertionKind::NotWordBoundary => Ok(()),
                _ => Err("has a word boundary of a kind that Envoy's expressions do not have"),
            },
            Ast::Repetition(repetition) => match repetition.op.kind {
                ast::RepetitionKind::Range(ref range) if most(range) > MAX_REPETITIONS => {
                    Err("repeats more than the 1000 times that Envoy's expressions can")
                }
                _ => Ok(()),
            },
            Ast::Literal(literal) => literal_of(literal),
            Ast::ClassUnicode(_) => Err("has a class of Unicode, whose names Envoy's expressions may not have"),
            _ => Ok(()),
        }
    }

    fn visit_class_set_item_pre(&mut self, item: &ast::ClassSetItem) -> Result<(), Self::Err> {
        match item {
            ast::ClassSetItem::Bracketed(_) => Err("has a class within a class, which Envoy's expressions have not"),
            ast::ClassSetItem::Unicode(_) => {
                Err("has a class of Unicode, whose names Envoy's expressions may not have")
            }
            ast::ClassSetItem::Literal(literal) => literal_of(literal),
            ast::ClassSetItem::Range(range) => literal_of(&range.start).and_then(|()| literal_of(&range.end)),
            _ => Ok(()),
        }
    }

    fn visit_class_set_binary_op_pre(&mut self, _: &ast::ClassSetBinaryOp) -> Result<(), Self::Err> {
        Err("intersects or subtracts classes, which Envoy's expressions cannot")
    }
}

fn flags(flags: &ast::Flags) -> Result<(), &'static str> {
    let known = flags.items.iter().all(|item| match item.kind {
        ast::FlagsItemKind::Negation => true,
        ast::FlagsItemKind::Flag(flag) => matches!(
            flag,
            ast::Flag::CaseInsensitive | ast::Flag::MultiLine | ast::Flag::DotMatchesNewLine | ast::Flag::SwapGreed
        ),
    });
    if known { Ok(()) } else { Err("sets a flag that Envoy's expressions do not have") }
}

fn literal_of(literal: &ast::Literal) -> Result<(), &'static str> {
    match literal.kind {
        ast::LiteralKind::HexFixed(ast::HexLiteralKind::UnicodeShort | ast::HexLiteralKind::UnicodeLong)
        | ast::LiteralKind::HexBrace(ast::HexLiteralKind::UnicodeShort | ast::HexLiteralKind::UnicodeLong) => {
            Err("names a character by \\u or \\U, which Envoy's expressions cannot")
        }
        _ => Ok(()),
    }
}

fn most(range: &ast::RepetitionRange) -> u32 {
    match *range {
        ast::RepetitionRange::Exactly(most) | ast::RepetitionRange::AtLeast(most) => most,
        ast::RepetitionRange::Bounded(least, most) => most.max(least),
    }
}
