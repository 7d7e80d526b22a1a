use super::turn;

#[test]
fn equal_weights_take_turns_in_their_order() {
    assert_eq!(*turn(&[1, 1, 1]), [0, 1, 2]);
    assert_eq!(*turn(&[7, 7]), [0, 1]);
}

#[test]
fn weights_are_kept_and_spread() {
    assert_eq!(*turn(&[5, 1, 1]), [0, 0, 1, 0, 2, 0, 0]);
    assert_eq!(*turn(&[0, 3]), [1]);
    assert!(turn(&[0, 0]).is_empty());
    assert!(turn(&[]).is_empty());
}

#[test]
fn a_turn_is_bounded_whatever_the_weights() {
    let long = turn(&[u32::MAX, 1, u32::MAX - 1]);
    assert!(long.len() <= 4097, "{}", long.len());
    assert!(long.contains(&1));
}
