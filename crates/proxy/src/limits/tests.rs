use std::time::Duration;

use super::{LimitError, Limits, Setting};

fn with(name: &str, to: u32) -> Result<(), LimitError> {
    let mut limits = Limits::default();
    for (found, setting) in limits.settings() {
        if found == name {
            match setting {
                Setting::Size(value) => *value = to as usize,
                Setting::Small(value) => *value = to,
                Setting::Time(value) => *value = Duration::from_secs(to.into()),
            }
        }
    }
    limits.validate()
}

#[test]
fn each_setting_is_one_field() {
    let mut limits = Limits::default();
    let before = limits.values();
    for (index, (_, setting)) in limits.settings().into_iter().enumerate() {
        match setting {
            Setting::Size(value) => *value = index,
            Setting::Small(value) => *value = u32::try_from(index).unwrap(),
            Setting::Time(value) => *value = Duration::from_secs(index as u64),
        }
    }
    let values: Vec<_> = limits.values().into_iter().map(|(_, value)| value).collect();
    assert_eq!(values, (0..values.len()).map(|index| index as f64).collect::<Vec<_>>());
    assert!(
        before.contains(&("max-connections", 50_000.0)) && before.contains(&("header-timeout", 10.0)),
        "{before:?}"
    );
}

#[test]
fn what_is_out_of_range_is_named() {
    assert_eq!(Limits::default().validate(), Ok(()));
    for name in ["max-idle-upstream", "mirror-buffer", "retry-buffer", "max-mirrors"] {
        assert_eq!(with(name, 0), Ok(()), "{name}");
    }
    for name in [
        "max-connections",
        "header-timeout",
        "idle-timeout",
        "stream-idle-timeout",
        "max-head-size",
        "max-headers",
        "max-streams",
        "stream-window",
        "connection-window",
        "access-log-queue",
        "max-health-checks",
        "max-admin-connections",
    ] {
        assert_eq!(with(name, 0).unwrap_err().name, name);
        assert_eq!(with(name, 8192), Ok(()), "{name}");
    }
    for name in [
        "max-head-size",
        "max-headers",
        "stream-window",
        "connection-window",
        "access-log-queue",
        "max-health-checks",
        "max-admin-connections",
    ] {
        assert_eq!(with(name, u32::MAX).unwrap_err().name, name);
    }
    assert_eq!(with("max-head-size", 1).unwrap_err().to_string(), "the limit max-head-size must be 8192 to 16777216");
}
