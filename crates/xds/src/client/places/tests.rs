use std::collections::HashSet;

use rand::SeedableRng as _;
use rand::rngs::SmallRng;

use super::*;

fn addresses(count: u8) -> Vec<SocketAddr> {
    (1..=count).map(|last| SocketAddr::from(([10, 0, 0, last], 18000))).collect()
}

fn endpoint() -> Uri {
    Uri::from_static("https://planes.example:18000")
}

#[tokio::test(start_paused = true)]
async fn each_address_of_a_name_is_tried_once_before_any_is_tried_again() {
    let (mut memory, mut rng) = (Memory::new(Duration::from_secs(60)), SmallRng::seed_from_u64(3));
    let mut tried = HashSet::new();
    for _ in 0..4 {
        let place = memory.choose(&endpoint(), &addresses(4), Instant::now(), &mut rng).unwrap();
        memory.failed(&place, Instant::now());
        assert!(tried.insert(place.address));
    }
    assert_eq!(memory.choose(&endpoint(), &addresses(4), Instant::now(), &mut rng), None);
    memory.forget();
    assert!(memory.choose(&endpoint(), &addresses(4), Instant::now(), &mut rng).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_remembered_for_a_while() {
    let (mut memory, mut rng) = (Memory::new(Duration::from_secs(60)), SmallRng::seed_from_u64(3));
    let place = memory.choose(&endpoint(), &addresses(1), Instant::now(), &mut rng).unwrap();
    memory.failed(&place, Instant::now());
    tokio::time::advance(Duration::from_secs(59)).await;
    assert_eq!(memory.choose(&endpoint(), &addresses(1), Instant::now(), &mut rng), None);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(memory.choose(&endpoint(), &addresses(1), Instant::now(), &mut rng), Some(place));
}

#[tokio::test(start_paused = true)]
async fn a_fleet_spreads_over_the_addresses_of_a_name() {
    let chosen = |seed| {
        let mut memory = Memory::new(Duration::from_secs(60));
        memory.choose(&endpoint(), &addresses(3), Instant::now(), &mut SmallRng::seed_from_u64(seed)).unwrap()
    };
    let all: HashSet<Place> = (0..64).map(chosen).collect();
    assert_eq!(all.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_name_without_addresses_is_a_place_too_so_that_its_fault_is_told() {
    let (mut memory, mut rng) = (Memory::new(Duration::from_secs(60)), SmallRng::seed_from_u64(3));
    let place = memory.choose(&endpoint(), &[], Instant::now(), &mut rng).unwrap();
    assert_eq!(place.address, None);
    memory.failed(&place, Instant::now());
    assert_eq!(memory.choose(&endpoint(), &[], Instant::now(), &mut rng), None);
}
