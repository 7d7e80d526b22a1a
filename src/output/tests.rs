use super::{Columns, is_broken_pipe, sentence};

fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

#[test]
fn columns_are_as_wide_as_their_widest_cell() {
    let mut columns = Columns::default();
    columns.fit(&row(&["NAME", "AGE"]));
    columns.fit(&row(&["grün-and-long", "5m"]));
    assert_eq!(columns.format(&row(&["NAME", "AGE"])), "NAME            AGE");
    assert_eq!(columns.format(&row(&["grün-and-long", "5m"])), "grün-and-long   5m");
}

#[test]
fn a_closed_pipe_is_told_from_other_errors() {
    let closed = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
    assert!(is_broken_pipe(&anyhow::Error::from(closed).context("printing")));
    assert!(!is_broken_pipe(&anyhow::anyhow!("something else")));
}

#[test]
fn a_cause_is_said_once() {
    let refused = || anyhow::anyhow!("connection refused");
    assert_eq!(sentence(&refused().context("cannot reach it")), "cannot reach it: connection refused");
    assert_eq!(
        sentence(&refused().context("cannot reach it: connection refused")),
        "cannot reach it: connection refused"
    );
}
