//! One line of the text: a sample.

use backstay_proto::otlp::metrics::v1::Exemplar;

use super::exemplar;

/// One number, of one series.
pub(super) struct Sample<'a> {
    pub(super) name: &'a str,
    /// The name with the labels, as they stand there.
    pub(super) series: &'a str,
    pub(super) labels: Vec<(&'a str, String)>,
    pub(super) value: f64,
    /// The same, where it has no fraction and is written without one.
    pub(super) whole: Option<i64>,
    pub(super) exemplar: Option<Exemplar>,
}

impl<'a> Sample<'a> {
    /// What a line says; none of a comment, or of what is no sample.
    pub(super) fn parse(line: &'a str) -> Option<Self> {
        let end = line.find(['{', ' ']).filter(|end| *end > 0 && !line.starts_with('#'))?;
        let (name, mut rest) = line.split_at(end);
        let mut labels = Vec::new();
        if rest.starts_with('{') {
            (labels, rest) = braces(rest)?;
        }
        let series = &line[..line.len() - rest.len()];
        let rest = rest.trim_start();
        let (number, after) = rest.split_once(' ').unwrap_or((rest, ""));
        let exemplar = after.split_once("# ").and_then(|(_, exemplar)| read_exemplar(exemplar));
        Some(Self { name, series, labels, value: number.parse().ok()?, whole: number.parse().ok(), exemplar })
    }
}

/// The labels between braces, and what follows.
fn braces(text: &str) -> Option<(Vec<(&str, String)>, &str)> {
    let mut labels = Vec::new();
    let mut rest = text.strip_prefix('{')?;
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(after) = rest.strip_prefix('}') {
            return Some((labels, after));
        }
        let (label, quoted) = rest.split_once("=\"")?;
        let mut value = String::new();
        let mut characters = quoted.char_indices();
        let end = loop {
            match characters.next()? {
                (end, '"') => break end,
                (_, '\\') => value.push(match characters.next()?.1 {
                    'n' => '\n',
                    other => other,
                }),
                (_, other) => value.push(other),
            }
        };
        labels.push((label, value));
        rest = &quoted[end + 1..];
    }
}

/// `{trace_id="…",span_id="…"} VALUE SECONDS`.
fn read_exemplar(text: &str) -> Option<Exemplar> {
    let (labels, rest) = braces(text)?;
    let of = |name| labels.iter().find(|(label, _)| *label == name).and_then(|(_, value)| hex(value));
    let (value, seconds) = rest.trim_start().split_once(' ')?;
    // To the millisecond, which is as it was written.
    let milliseconds = (seconds.parse::<f64>().ok()? * 1000.0).round();
    Some(exemplar(
        of("trace_id")?,
        of("span_id").unwrap_or_default(),
        value.parse().ok()?,
        milliseconds as u64 * 1_000_000,
    ))
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.is_ascii().then(|| text.as_bytes().chunks_exact(2))?;
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
