use backstay_proto::live::{TappedRequest, TopBackend, TopRow, TopTable};

use super::{duration, request, table};
use crate::output::Paint;

#[test]
fn a_slow_endpoint_behind_impatient_clients_is_said_in_words() {
    let rows = vec![TopRow {
        backend: "backend/shop".into(),
        requests: 3,
        left: 3,
        left_after_ms: 500.0,
        ..TopRow::default()
    }];
    let backends = vec![
        TopBackend { backend: "backend/shop".into(), active: 4, endpoints: 2, ..TopBackend::default() },
        TopBackend { backend: "backend/stuck".into(), active: 9, endpoints: 1, ..TopBackend::default() },
    ];
    let lines = table(&TopTable { seconds: 1.0, rows, backends, ..TopTable::default() }, Paint::stdout()).join("\n");
    assert!(
        lines.contains("shop: 3 of 3 clients left before their answer had come, half of them after 500ms or more"),
        "{lines}"
    );
    assert!(lines.contains("stuck: 9 requests are under way, and none has ended"), "{lines}");
}

#[test]
fn what_others_wrote_does_not_reach_the_terminal_as_it_is() {
    let tapped = TappedRequest { path: "/\u{1b}[2J".into(), flags: "-".into(), ..TappedRequest::default() };
    assert!(!request(&tapped, Paint::stdout()).contains('\u{1b}'));
}

#[test]
fn times_have_about_three_digits() {
    for (time, told) in [(0.064, "64us"), (1.25, "1.2ms"), (25.4, "25ms"), (1500.0, "1.50s"), (61_000.0, "61.0s")] {
        assert_eq!(duration(time), told);
    }
}
