//! Requests and tables, as lines.

use backstay_live::filter::object;
use backstay_proto::live::{TappedRequest, TopBackend, TopRow, TopTable};

use crate::output::{Columns, Paint};

/// A request as a line.
pub(crate) fn request(request: &TappedRequest, paint: Paint) -> String {
    let time = request.time.get(11..23).unwrap_or(&request.time).trim_end_matches('Z');
    let status = match request.status {
        0 => paint.bad("left"),
        status @ 500.. => paint.bad(&status.to_string()),
        status @ 200..=399 => paint.good(&status.to_string()),
        status => status.to_string(),
    };
    let mut line = format!(
        "{time} {status} {} {}{} {}",
        request.method,
        printable(&request.authority),
        printable(&request.path),
        duration(request.duration_ms),
    );
    if let Some(upstream) = request.upstream_ms {
        line.push_str(&format!(" (endpoint {})", duration(upstream)));
    }
    if request.flags != "-" {
        line.push_str(&format!(" {} {}", paint.bold(&request.flags), request.details));
    }
    for (name, value) in [
        ("route", object(&request.route)),
        ("backend", object(&request.backend)),
        ("endpoint", &request.upstream),
        ("client", &request.client),
        ("proxy", &request.proxy),
        ("id", &request.request_id),
    ] {
        if !value.is_empty() {
            line.push_str(&format!(" {name}={}", printable(value)));
        }
    }
    if request.attempts > 1 {
        line.push_str(&format!(" attempts={}", request.attempts));
    }
    for header in &request.headers {
        line.push_str(&format!(" {}={:?}", header.name, printable(&header.value)));
    }
    line
}

/// A table as lines: rows, and in words what stands out.
pub(crate) fn table(table: &TopTable, paint: Paint) -> Vec<String> {
    let backend = |name: &str| table.backends.iter().find(|backend| backend.backend == name);
    let mut cells = vec![HEADINGS.map(str::to_owned).to_vec()];
    let mut told: Vec<&str> = Vec::new();
    for row in &table.rows {
        // What a backend is doing stands in its first row.
        let standing = backend(&row.backend).filter(|_| !told.contains(&row.backend.as_str()));
        told.push(&row.backend);
        cells.push(row_cells(row, standing, table.seconds));
    }
    // One that has answered nothing is the one to look at: its requests are all under way.
    for backend in table.backends.iter().filter(|backend| !told.contains(&backend.backend.as_str())) {
        let row = TopRow { backend: backend.backend.clone(), ..TopRow::default() };
        cells.push(row_cells(&row, Some(backend), table.seconds));
    }
    let mut columns = Columns::default();
    cells.iter().for_each(|row| columns.fit(row));
    let mut lines: Vec<String> = cells.iter().map(|row| columns.format(row).trim_end().to_owned()).collect();
    if let Some(heading) = lines.first_mut() {
        *heading = paint.bold(heading);
    }
    if cells.len() == 1 {
        lines.push("no request has ended, and none is under way".to_owned());
    }
    lines.extend(remarks(table).into_iter().map(|remark| paint.bad(&remark)));
    lines
}

const HEADINGS: [&str; 11] =
    ["BACKEND", "ROUTE", "RATE/S", "2XX", "3XX", "4XX", "5XX", "LEFT", "P50", "P99", "ACTIVE  ENDPOINTS"];

fn row_cells(row: &TopRow, standing: Option<&TopBackend>, seconds: f64) -> Vec<String> {
    let name = |name: &str| if name.is_empty() { "-".to_owned() } else { printable(object(name)) };
    let rate = if seconds > 0.0 { row.requests as f64 / seconds } else { 0.0 };
    let answered = row.requests > row.left;
    let time = |time: f64| if answered { duration(time) } else { "-".to_owned() };
    let standing = standing.map_or_else(String::new, |backend| {
        let endpoints = match (backend.endpoints, backend.unhealthy, backend.ejected) {
            (0, ..) => "-".to_owned(),
            (all, 0, 0) => format!("{all}/{all}"),
            (all, down, 0) => format!("{}/{all}", all.saturating_sub(down)),
            (all, down, ejected) => format!("{}/{all}, {ejected} ejected", all.saturating_sub(down)),
        };
        format!("{:<6}  {endpoints}", backend.active)
    });
    vec![
        name(&row.backend),
        name(&row.route),
        format!("{rate:.1}"),
        row.status_2xx.to_string(),
        row.status_3xx.to_string(),
        row.status_4xx.to_string(),
        row.status_5xx.to_string(),
        row.left.to_string(),
        time(row.p50_ms),
        time(row.p99_ms),
        standing,
    ]
}

/// What stands out, in words.
pub(crate) fn remarks(table: &TopTable) -> Vec<String> {
    let mut remarks = Vec::new();
    for row in table.rows.iter().filter(|row| row.left > 0) {
        let of = if row.backend.is_empty() { &row.route } else { &row.backend };
        remarks.push(format!(
            "{}: {} of {} clients left before their answer had come, half of them after {} or more: it is slower than they wait",
            printable(object(of)),
            row.left,
            row.requests,
            duration(row.left_after_ms),
        ));
    }
    for backend in &table.backends {
        let name = printable(object(&backend.backend));
        if backend.active > 0 && !table.rows.iter().any(|row| row.backend == backend.backend) {
            remarks.push(format!("{name}: {} requests are under way, and none has ended", backend.active));
        }
        if backend.ejected > 0 {
            remarks.push(format!(
                "{name}: {} of {} endpoints are ejected as outliers",
                backend.ejected, backend.endpoints
            ));
        } else if backend.unhealthy > 0 {
            remarks.push(format!("{name}: {} of {} endpoints are unhealthy", backend.unhealthy, backend.endpoints));
        }
        if !backend.last_error.is_empty() {
            remarks.push(format!("{name}: no connection to {}", printable(&backend.last_error)));
        }
    }
    if table.others > 0 {
        remarks.push(format!("{} requests of further routes and backends are not shown", table.others));
    }
    remarks
}

/// Milliseconds, in three digits or so.
pub(crate) fn duration(milliseconds: f64) -> String {
    match milliseconds {
        ms if ms < 1.0 => format!("{:.0}us", ms * 1000.0),
        ms if ms < 10.0 => format!("{ms:.1}ms"),
        ms if ms < 1000.0 => format!("{ms:.0}ms"),
        ms if ms < 10_000.0 => format!("{:.2}s", ms / 1000.0),
        ms => format!("{:.1}s", ms / 1000.0),
    }
}

/// What others wrote, without what a terminal would obey.
fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

#[cfg(test)]
mod tests;
