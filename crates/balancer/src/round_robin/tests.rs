use super::{RoundRobin, at};

#[test]
fn each_endpoint_as_often_as_the_others() {
    let (endpoints, balancer) = (["a", "b", "c"], RoundRobin::new());
    let mut picks: Vec<_> = (0..300).filter_map(|_| at(&endpoints, balancer.turn())).collect();
    let period: Vec<_> = picks[..3].to_vec();
    assert!(picks.chunks(3).all(|chunk| chunk == period), "in turns");
    picks.sort_unstable();
    assert!(picks.chunk_by(|a, b| a == b).all(|same| same.len() == 100));
}

#[test]
fn the_list_may_change() {
    let balancer = RoundRobin::starting_at(usize::MAX - 1);
    assert_eq!(at::<u8>(&[], balancer.turn()), None);
    assert!(at(&[1, 2], balancer.turn()).is_some());
    assert_eq!(at(&[1, 2], balancer.turn()), Some(&1), "the count wraps");
    assert_eq!(at(&[7], balancer.turn()), Some(&7));
}
