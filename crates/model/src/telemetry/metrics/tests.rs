#![allow(clippy::unwrap_used)]

use super::*;

fn message(seconds: i64, bounds: &[f64]) -> config::Metrics {
    let interval = (seconds != 0).then_some(prost_types::Duration { seconds, nanos: 0 });
    config::Metrics { interval, bounds: bounds.to_vec() }
}

#[test]
fn bounds_ascend() {
    let checked = Metrics::try_from(&message(60, &[0.01, 0.5, 86_400.0])).unwrap();
    assert_eq!(checked.interval, Some(Duration::from_secs(60)));
    assert_eq!(checked.bounds, Some([0.01, 0.5, 86_400.0].into()));
    assert_eq!(Metrics::try_from(&message(0, &[])).unwrap(), Metrics::default());
    let many: Vec<f64> = (1..=41).map(f64::from).collect();
    for (message, field) in [
        (message(0, &[0.0]), "bounds[0]"),
        (message(0, &[1.0, 1.0]), "bounds[1]"),
        (message(0, &[1.0, f64::NAN]), "bounds[1]"),
        (message(0, &[1.0, f64::INFINITY]), "bounds[1]"),
        (message(0, &many), "bounds"),
        (message(3601, &[]), "interval"),
    ] {
        let faults = Metrics::try_from(&message).unwrap_err();
        let fields: Vec<_> = faults.iter().map(|fault| fault.field.to_string()).collect();
        assert_eq!(fields, [field], "{message:?}");
    }
}
