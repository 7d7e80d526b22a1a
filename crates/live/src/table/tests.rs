use std::time::Duration;

use backstay_proto::live::{TopBackend, TopTable};

use super::{Counts, Tables};

#[test]
fn tables_of_proxies_add_up() {
    let table = |status, milliseconds, left| {
        let mut counts = Counts::default();
        counts.record(status, Duration::from_millis(milliseconds), left);
        TopTable {
            seconds: 1.0,
            rows: vec![counts.row("backend/a", "route/x/y")],
            backends: vec![TopBackend {
                backend: "backend/a".into(),
                active: 2,
                endpoints: 3,
                ..TopBackend::default()
            }],
            ..TopTable::default()
        }
    };
    let mut tables = Tables::default();
    tables.add("one", &table(200, 10, false));
    tables.add("two", &table(503, 20, false));
    tables.add("three", &table(0, 900, true));
    let sum = tables.sum();
    assert_eq!(sum.proxies, ["one", "three", "two"]);
    let [row] = sum.rows.as_slice() else { panic!("{:?}", sum.rows) };
    assert_eq!((row.requests, row.status_2xx, row.status_5xx, row.left), (3, 1, 1, 1));
    assert!((800.0..1000.0).contains(&row.left_after_ms), "{}", row.left_after_ms);
    assert!((9.0..12.0).contains(&row.p50_ms), "{}", row.p50_ms);
    assert_eq!((sum.backends[0].active, sum.backends[0].endpoints), (6, 3));

    // Two of one proxy follow each other: they are twice as long, and only what is told last is so now.
    let mut tables = Tables::default();
    tables.add("one", &table(200, 10, false));
    tables.add("one", &table(200, 10, false));
    let sum = tables.sum();
    assert!((sum.seconds - 2.0).abs() < 1e-9, "{}", sum.seconds);
    assert_eq!((sum.rows[0].requests, sum.backends[0].active), (2, 2));
}
