#![allow(clippy::unwrap_used)]

use super::*;

fn milliseconds(number: u64) -> Duration {
    Duration::from_millis(number)
}

#[test]
fn a_bound_counts_what_took_no_longer() {
    let times = Times::default();
    for time in [0, 1, 2, 300, 9000] {
        times.record(milliseconds(time), None);
    }
    let read = times.read();
    assert_eq!(*read.bounds, BOUNDS);
    assert_eq!(read.cumulated, [2, 3, 3, 3, 3, 3, 3, 3, 4, 4, 4, 5]);
    assert!((read.sum - 9.303).abs() < 1e-9, "{}", read.sum);
    assert_eq!(read.exemplars, [None; 12]);
}

#[test]
fn usual_bounds_are_the_same_in_either_unit() {
    for (seconds, nanoseconds) in BOUNDS.iter().zip(NANOSECONDS) {
        assert_eq!(Duration::from_secs_f64(*seconds), Duration::from_nanos(nanoseconds));
        let times = Times::default();
        times.record(Duration::from_nanos(nanoseconds), None);
        times.record(Duration::from_nanos(nanoseconds + 1), None);
        let below: u64 = times
            .read()
            .bounds
            .iter()
            .zip(times.read().cumulated)
            .filter(|(bound, _)| *bound <= seconds)
            .map(|(_, count)| count)
            .sum();
        assert_eq!(below, 1, "{seconds}");
    }
}

#[test]
fn other_bounds_begin_from_nothing_and_so_do_the_usual_ones_after_them() {
    let times = Times::default();
    times.record(milliseconds(1), None);
    times.count_by(None);
    assert_eq!(times.read().cumulated[11], 1, "nobody has said other bounds");
    let bounds: Bounds = [0.01, 2.0].into();
    times.count_by(Some(&bounds));
    assert_eq!(times.read().cumulated, [0, 0, 0]);
    times.record(milliseconds(10), None);
    times.record(milliseconds(11), None);
    times.count_by(Some(&bounds));
    assert_eq!((times.read().bounds, times.read().cumulated), (bounds, vec![1, 2, 2]));
    times.count_by(None);
    assert_eq!((&*times.read().bounds, times.read().cumulated), (&BOUNDS[..], vec![0; 12]));
}

#[test]
fn the_last_traced_one_of_a_bucket_is_known() {
    let times = Times::default();
    let (trace, span) = (TraceId::new(1, 2), SpanId::new(3));
    times.record(milliseconds(200), Some((trace, SpanId::new(9))));
    times.record(milliseconds(220), Some((trace, span)));
    times.record(milliseconds(230), None);
    let exemplars = times.read().exemplars;
    let known = exemplars[7].unwrap();
    assert_eq!((known.seconds, known.trace, known.span), (0.22, trace, span));
    assert_eq!(exemplars.iter().flatten().count(), 1);
}
