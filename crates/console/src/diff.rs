//! What changed, line by line.

/// Lines of both sides that are compared; beyond, everything between what begins and ends alike is told as changed.
const MOST: usize = 2000;

/// A line of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// In both.
    Same(&'a str),
    /// Only before.
    Gone(&'a str),
    /// Only now.
    New(&'a str),
}

/// The lines of both, in order.
pub(crate) fn lines<'a>(before: &'a str, now: &'a str) -> Vec<Line<'a>> {
    let (before, now): (Vec<_>, Vec<_>) = (before.lines().collect(), now.lines().collect());
    let head = before.iter().zip(&now).take_while(|(one, other)| one == other).count();
    let (rest_before, rest_now) = (before.get(head..).unwrap_or_default(), now.get(head..).unwrap_or_default());
    let tail = rest_before.iter().rev().zip(rest_now.iter().rev()).take_while(|(one, other)| one == other).count();
    let (old, end) = rest_before.split_at(rest_before.len() - tail);
    let new = rest_now.get(..rest_now.len() - tail).unwrap_or_default();
    let mut lines: Vec<Line<'a>> = before.iter().take(head).map(|line| Line::Same(line)).collect();
    if old.len().max(new.len()) > MOST {
        lines.extend(old.iter().map(|line| Line::Gone(line)));
        lines.extend(new.iter().map(|line| Line::New(line)));
    } else {
        lines.extend(between(old, new));
    }
    lines.extend(end.iter().map(|line| Line::Same(line)));
    lines
}

/// By the longest common subsequence.
fn between<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Line<'a>> {
    let width = new.len() + 1;
    // How long it is from each pair of places on.
    let mut longest = vec![0u16; (old.len() + 1) * width];
    let at =
        |longest: &[u16], row: usize, column: usize| longest.get(row * width + column).copied().unwrap_or_default();
    for (row, one) in old.iter().enumerate().rev() {
        for (column, other) in new.iter().enumerate().rev() {
            let value = if one == other {
                at(&longest, row + 1, column + 1) + 1
            } else {
                at(&longest, row + 1, column).max(at(&longest, row, column + 1))
            };
            if let Some(place) = longest.get_mut(row * width + column) {
                *place = value;
            }
        }
    }
    let (mut lines, mut row, mut column) = (Vec::new(), 0, 0);
    loop {
        match (old.get(row), new.get(column)) {
            (Some(one), Some(other)) if one == other => {
                lines.push(Line::Same(one));
                (row, column) = (row + 1, column + 1);
            }
            (Some(one), other) if other.is_none() || at(&longest, row + 1, column) >= at(&longest, row, column + 1) => {
                lines.push(Line::Gone(one));
                row += 1;
            }
            (_, Some(other)) => {
                lines.push(Line::New(other));
                column += 1;
            }
            _ => return lines,
        }
    }
}

#[cfg(test)]
mod tests;
