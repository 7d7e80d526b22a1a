use backstay_resources::apoxy;

use super::*;

fn key(name: &str) -> ObjectKey {
    ObjectKey::new(&apoxy::BACKEND, "", name)
}

/// What another writer brings about who answers every repair at once, for as long as `span`.
fn fight(repairs: &mut Repairs, start: Instant, span: Duration) -> u32 {
    let (mut now, mut count) = (start, 0);
    loop {
        repairs.ask([key("a")], now);
        let due = repairs.next_due().unwrap().max(now);
        if due > start + span {
            return count;
        }
        now = due;
        assert_eq!(repairs.take_due(now), BTreeSet::from([key("a")]));
        repairs.done(key("a"), now);
        count += 1;
    }
}

#[test]
fn a_fight_is_a_burst_and_then_a_pace() {
    let start = Instant::now();
    assert_eq!(fight(&mut Repairs::default(), start, Duration::ZERO), BURST);
    assert_eq!(fight(&mut Repairs::default(), start, PACE * 100), BURST + 100);
}

#[test]
fn one_object_does_not_hold_up_another() {
    let mut repairs = Repairs::default();
    let now = Instant::now();
    fight(&mut repairs, now, Duration::ZERO);
    assert_eq!(repairs.ask([key("a"), key("b")], now), 0, "the first waits already");
    assert_eq!(repairs.take_due(now), BTreeSet::from([key("b")]));
    assert_eq!(repairs.next_due(), Some(now + PACE));
}

#[test]
fn what_keeps_to_the_pace_never_waits_and_what_is_quiet_is_forgotten() {
    let mut repairs = Repairs::default();
    let mut now = Instant::now();
    for _ in 0..100 {
        now += PACE;
        assert_eq!(repairs.ask([key("a")], now), 0);
        assert_eq!(repairs.take_due(now).len(), 1);
        repairs.done(key("a"), now);
    }
    now += PACE * BURST;
    repairs.take_due(now);
    assert!(repairs.spent.is_empty() && repairs.next_due().is_none());
}

#[test]
fn what_needed_no_repair_costs_nothing() {
    let mut repairs = Repairs::default();
    let now = Instant::now();
    for _ in 0..100 {
        assert_eq!(repairs.ask([key("a")], now), 0);
        assert_eq!(repairs.take_due(now).len(), 1);
    }
}
