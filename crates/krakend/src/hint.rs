//! What somebody may have meant.

/// Words further apart than this share of their length are no misspelling of each other.
const SHARE: usize = 3;

/// Longer words are not compared: every key that is known is shorter, and comparing takes time that grows with the square.
const MAX_LENGTH: usize = 64;

/// The one of `words` that `written` is most likely a misspelling of.
pub(crate) fn closest<'w>(written: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    if written.len() > MAX_LENGTH {
        return None;
    }
    let plain = plain(written);
    let limit = (plain.len() / SHARE).clamp(1, 3);
    let rated = words.into_iter().filter_map(|word| {
        let distance = distance(&plain, &self::plain(word), limit)?;
        Some((distance, word))
    });
    rated.min_by_key(|(distance, _)| *distance).map(|(_, word)| word)
}

/// Case, `_` and `-` do not make another word.
fn plain(word: &str) -> Vec<u8> {
    word.bytes().filter(|byte| !matches!(byte, b'_' | b'-' | b' ')).map(|byte| byte.to_ascii_lowercase()).collect()
}

/// How many letters must be put in, left out, changed or swapped with their neighbour to make one word of the other. `None` where
/// it is more than `limit`.
fn distance(one: &[u8], other: &[u8], limit: usize) -> Option<usize> {
    if one.len().abs_diff(other.len()) > limit {
        return None;
    }
    let width = other.len() + 1;
    let mut rows: Vec<Vec<usize>> = vec![(0..width).collect()];
    for (index, letter) in one.iter().enumerate() {
        let mut row = vec![index + 1];
        for (column, against) in other.iter().enumerate() {
            let above = &rows[index];
            let mut best =
                (above[column + 1] + 1).min(row[column] + 1).min(above[column] + usize::from(letter != against));
            let is_swap = index > 0 && column > 0 && one[index - 1] == *against && other[column - 1] == *letter;
            if is_swap {
                best = best.min(rows[index - 1][column - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    let distance = *rows.last()?.last()?;
    (distance <= limit).then_some(distance)
}

#[cfg(test)]
mod tests;
