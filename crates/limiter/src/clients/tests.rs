use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::Bucket;

const SECOND: Duration = Duration::from_secs(1);

fn table(most: usize) -> (Clients, Arc<ClientCounts>) {
    let counts = Arc::<ClientCounts>::default();
    (Clients::new(most, Arc::clone(&counts)), counts)
}

#[test]
fn clients_and_limits_are_apart() {
    let (clients, counts) = table(1000);
    let rate = Rate::new(1.0, SECOND, 2);
    for limit in [1, 2] {
        for client in ["a", "b", ""] {
            let passed = (0..5).filter(|_| clients.take(limit, client.as_bytes(), rate, SECOND)).count();
            assert_eq!(passed, 2, "{limit} {client}");
        }
    }
    assert_eq!((counts.present(), counts.forgotten()), (6, 0));
}

#[test]
fn there_are_never_more_than_there_may_be() {
    let (clients, counts) = table(SHARDS * 4);
    let rate = Rate::new(1.0, SECOND, 3);
    for client in 0..100_000_u32 {
        assert!(clients.take(1, &client.to_le_bytes(), rate, SECOND), "who is new is not locked out");
    }
    assert_eq!(counts.present(), SHARDS as u64 * 4);
    assert_eq!(counts.forgotten(), 100_000 - counts.present());
    let entries: usize = clients.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();
    assert_eq!(entries as u64, counts.present());
}

#[test]
fn who_goes_is_who_would_have_a_full_bucket_again() {
    let (clients, counts) = table(SHARDS * 4);
    let rate = Rate::new(1.0, SECOND, 3);
    for client in 0..100_000_u32 {
        clients.take(1, &client.to_le_bytes(), rate, SECOND);
    }
    let before = counts.forgotten();
    // No more than fit into one shard, should all of them belong there.
    for client in 100_000..100_004_u32 {
        clients.take(1, &client.to_le_bytes(), rate, SECOND * 4);
    }
    assert_eq!(counts.forgotten(), before);
}

/// A client that is heard of often is not the one to go while others are silent.
#[test]
fn who_goes_otherwise_is_who_was_silent_longest() {
    let (clients, _) = table(SHARDS * 8);
    let rate = Rate::new(0.001, SECOND, 1);
    let mut passed = 0;
    for round in 0..50_000_u32 {
        let now = SECOND + Duration::from_millis(round.into());
        passed += u32::from(clients.take(1, b"busy", rate, now));
        clients.take(1, &round.to_le_bytes(), rate, now);
    }
    assert_eq!(passed, 1);
}

proptest! {
    #[test]
    fn a_table_with_room_counts_as_a_bucket_for_each(
        requests in proptest::collection::vec((0u8..20, 0u64..40), 1..300),
    ) {
        let (clients, _) = table(100 * SHARDS);
        let rate = Rate::new(1.0, Duration::from_nanos(30), 3);
        let mut each: HashMap<u8, Bucket> = HashMap::new();
        let mut now = Duration::ZERO;
        for (client, step) in requests {
            now += Duration::from_nanos(step);
            let expected = each.entry(client).or_insert_with(|| Bucket::new(rate, now)).take(now);
            prop_assert_eq!(clients.take(7, &[client], rate, now), expected);
        }
    }
}
