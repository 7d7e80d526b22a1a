//! What custom VCL does to routing, as far as its text tells without running it.

/// The line, from 1, on which VCL first sets the backend of requests. What comments and texts hold does not count.
pub(super) fn sets_backend(content: &str) -> Option<usize> {
    let blanked = blanked(content);
    let mut rest = blanked.as_str();
    let mut before = 0;
    while let Some(found) = rest.find("set") {
        let starts_word = !rest.get(..found).unwrap_or_default().ends_with(is_word);
        let behind = rest.get(found + 3..).unwrap_or_default();
        if starts_word && is_assignment(behind) {
            let upto = blanked.get(..before + found).unwrap_or_default();
            return Some(upto.matches('\n').count() + 1);
        }
        before += found + 3;
        rest = behind;
    }
    None
}

/// Whether `req.backend =` stands behind a `set`.
fn is_assignment(behind: &str) -> bool {
    let target = behind.trim_start();
    target.len() < behind.len()
        && target.strip_prefix("req.backend").is_some_and(|rest| {
            let rest = rest.trim_start();
            rest.starts_with('=') && !rest.starts_with("==")
        })
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_.-".contains(character)
}

/// VCL with blanks in place of comments and texts; lines stay where they are.
fn blanked(content: &str) -> String {
    let mut made = String::with_capacity(content.len());
    let mut rest = content;
    while !rest.is_empty() {
        let skipped = match () {
            () if rest.starts_with('#') || rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            () if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            () if rest.starts_with("{\"") => rest.find("\"}").map_or(rest.len(), |end| end + 2),
            () if rest.starts_with('"') => {
                let inner = rest.get(1..).unwrap_or_default();
                inner.find(['"', '\n']).map_or(rest.len(), |end| end + 2)
            }
            () => 0,
        };
        let (hidden, behind) = rest.split_at_checked(skipped).unwrap_or((rest, ""));
        made.extend(hidden.chars().map(|it| if it == '\n' { '\n' } else { ' ' }));
        rest = behind;
        if skipped == 0 {
            let next = rest.chars().next();
            made.extend(next);
            rest = rest.get(next.map_or(0, char::len_utf8)..).unwrap_or_default();
        }
    }
    made
}

#[cfg(test)]
mod tests;
