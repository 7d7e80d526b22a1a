use super::*;

/// So many pairs, the last with the most requests, and as many backends of which no request has ended.
fn figures(pairs: usize, idle: usize) -> TopTable {
    let row = |index: usize| TopRow {
        backend: format!("backend/b{}", index / 10),
        route: format!("route/default/r{index:05}"),
        requests: index as u64,
        left: u64::from(index.is_multiple_of(3)),
        ..TopRow::default()
    };
    let backend = |index: usize| TopBackend {
        backend: format!("backend/idle{index:05}"),
        active: 1,
        endpoints: 2,
        unhealthy: 1,
        ..TopBackend::default()
    };
    TopTable {
        seconds: 2.0,
        rows: (0..pairs).map(row).collect(),
        backends: (0..idle).map(backend).collect(),
        ..TopTable::default()
    }
}

fn shown(table: &TopTable, asked: &Asked) -> String {
    let mut out = Html::new();
    write(&mut out, table, asked);
    out.into_string()
}

fn rows(page: &str) -> usize {
    page.split_once("<tbody>").map_or(0, |(_, body)| body.matches("<tr>").count())
}

#[test]
fn ten_thousand_rows_are_sorted_and_shown_in_pages() {
    let table = figures(10_000, 1000);
    let page = shown(&table, &Asked::default());
    assert_eq!(rows(&page), ROWS, "one page, whatever there is");
    assert!(page.contains("Page 1 of 110") && page.contains("11000 pairs"), "{page}");
    assert!(page.contains("r09999<") && !page.contains("r09000<"), "the busiest come first");
    assert!(page.len() < 100_000, "{} bytes", page.len());
    assert_eq!(page.matches("<li>").count(), REMARKS + 1, "what stands out is bounded, too");
    let last = shown(&table, &Asked { sort: "name".into(), page: 110, ..Asked::default() });
    assert!(rows(&last) == ROWS && last.contains("idle00999"), "{last}");
    let found = shown(&table, &Asked { search: "R00042".into(), ..Asked::default() });
    assert!(rows(&found) == 1 && !found.contains("Page "), "{found}");
}
