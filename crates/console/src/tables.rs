//! Rows of the server's tables: searched, sorted, and in pages.

use std::cmp::Ordering;

use serde_json::Value;

/// Rows to a page.
pub(crate) const PAGE: usize = 50;

/// What somebody asks of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct View {
    /// Text that some cell, or a label, has in it.
    pub(crate) search: String,
    /// The column that it is sorted by, from 0; by the first without one.
    pub(crate) sort: usize,
    pub(crate) descending: bool,
    /// From 1.
    pub(crate) page: usize,
}

/// A page of a table.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Shown {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Row>,
    /// Rows of all pages.
    pub(crate) found: usize,
    /// Rows before anything was searched for.
    pub(crate) all: usize,
    /// The page that is shown, from 1, and how many there are.
    pub(crate) page: usize,
    pub(crate) pages: usize,
}

/// A row.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Row {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) cells: Vec<String>,
}

/// What is shown of a table.
pub(crate) fn show(columns: &[Value], rows: &[Value], view: &View) -> Shown {
    let wide = |column: &&Value| column["priority"].as_i64().unwrap_or_default() == 0;
    let shown: Vec<usize> =
        columns.iter().enumerate().filter(|(_, column)| wide(column)).map(|(index, _)| index).collect();
    let heading = |index: &usize| columns.get(*index)?["name"].as_str().map(str::to_owned);
    let needle = view.search.to_lowercase();
    let mut found: Vec<Row> = rows.iter().filter(|row| has(row, &needle)).map(|row| read(row, &shown)).collect();
    found.sort_by(|one, other| {
        let cell = |row: &Row| row.cells.get(view.sort).cloned().unwrap_or_default();
        let order = compare(&cell(one), &cell(other));
        let order = if view.descending { order.reverse() } else { order };
        order.then_with(|| (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name)))
    });
    let pages = found.len().div_ceil(PAGE).max(1);
    let page = view.page.clamp(1, pages);
    Shown {
        columns: shown.iter().filter_map(heading).collect(),
        found: found.len(),
        all: rows.len(),
        rows: found.into_iter().skip((page - 1) * PAGE).take(PAGE).collect(),
        page,
        pages,
    }
}

fn read(row: &Value, shown: &[usize]) -> Row {
    let metadata = &row["object"]["metadata"];
    let text = |name: &str| metadata[name].as_str().unwrap_or_default().to_owned();
    let cells = row["cells"].as_array().map(Vec::as_slice).unwrap_or_default();
    let cells = shown.iter().map(|index| cells.get(*index).map(cell).unwrap_or_default()).collect();
    Row { namespace: text("namespace"), name: text("name"), cells }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Whether a row has the text in a cell, its namespace, or a label.
fn has(row: &Value, needle: &str) -> bool {
    if needle.is_empty() {
        return true;
    }
    let metadata = &row["object"]["metadata"];
    let labels = metadata["labels"].as_object().into_iter().flatten();
    let labels = labels.map(|(name, value)| format!("{name}={}", cell(value)));
    let cells = row["cells"].as_array().into_iter().flatten().map(cell);
    let namespace = metadata["namespace"].as_str().unwrap_or_default().to_owned();
    cells.chain(labels).chain([namespace]).any(|text| text.to_lowercase().contains(needle))
}

/// Numbers and ages by what they are, all else by its letters.
fn compare(one: &str, other: &str) -> Ordering {
    match (number(one), number(other)) {
        (Some(one), Some(other)) => one.total_cmp(&other),
        _ => one.to_lowercase().cmp(&other.to_lowercase()),
    }
}

/// `12`, or an age such as `3d4h` in seconds.
fn number(text: &str) -> Option<f64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let (mut seconds, mut digits) = (0.0, String::new());
    for character in text.chars() {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        let unit = match character {
            's' => 1.0,
            'm' => 60.0,
            'h' => 3600.0,
            'd' => 86_400.0,
            'y' => 31_536_000.0,
            _ => return None,
        };
        seconds += std::mem::take(&mut digits).parse::<f64>().ok()? * unit;
    }
    (digits.is_empty() && !text.is_empty()).then_some(seconds)
}

#[cfg(test)]
mod tests;
