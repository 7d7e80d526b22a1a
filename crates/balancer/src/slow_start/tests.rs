use std::time::Duration;

use crate::SlowStart;

#[test]
fn weights_grow_over_the_window() {
    let slow = SlowStart::over(Duration::from_secs(10));
    let at = |slow: &SlowStart, millis| slow.factor(Duration::from_millis(millis));
    for (millis, factor) in [(0, 0.1), (500, 0.1), (5_000, 0.5), (9_000, 0.9), (10_000, 1.0), (50_000, 1.0)] {
        assert!((at(&slow, millis) - factor).abs() < 1e-9, "{millis}");
    }
    let steep = SlowStart { aggression: 2.0, ..slow };
    assert!((at(&steep, 2_500) - 0.5).abs() < 1e-9, "the square root");
    let late = SlowStart { aggression: 0.5, ..slow };
    assert!((at(&late, 5_000) - 0.25).abs() < 1e-9, "the square");
    let from_nothing = SlowStart { min_weight_percent: 0, ..slow };
    assert!(at(&from_nothing, 0) > 0.0, "never nothing: there would be no next turn");
}
