use serde_json::{Value, json};

use super::{PAGE, View, show};

fn table(count: usize) -> (Vec<Value>, Vec<Value>) {
    let columns = ["Name", "Age", "Hidden"].map(|name| json!({"name": name, "priority": i32::from(name == "Hidden")}));
    let row = |index: usize| {
        json!({"cells": [format!("b{index}"), format!("{index}m"), "x"],
            "object": {"metadata": {"name": format!("b{index}"), "labels": {"team": if index.is_multiple_of(2) { "even" } else { "odd" }}}}})
    };
    (columns.to_vec(), (0..count).map(row).collect())
}

#[test]
fn a_thousand_rows_are_searched_sorted_and_in_pages() {
    let (columns, rows) = table(1000);
    let shown = show(&columns, &rows, &View { sort: 1, descending: true, page: 1, ..View::default() });
    assert_eq!(shown.columns, ["Name", "Age"]);
    assert_eq!((shown.rows.len(), shown.found, shown.pages), (PAGE, 1000, 20));
    assert_eq!(shown.rows[0].name, "b999", "an age is a number");
    let shown = show(&columns, &rows, &View { search: "TEAM=odd".into(), page: 99, ..View::default() });
    assert_eq!((shown.found, shown.all, shown.page), (500, 1000, 10));
    assert_eq!(show(&columns, &rows, &View { search: "nothing".into(), ..View::default() }).rows.len(), 0);
}
