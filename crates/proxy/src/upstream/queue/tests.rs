use std::rc::Rc;

use futures::FutureExt;

use super::{Given, Queue};

#[tokio::test]
async fn those_who_leave_are_forgotten_though_nothing_becomes_free() {
    let queue = Rc::new(Queue::default());
    let mut stays = Box::pin(queue.wait());
    assert!(stays.as_mut().now_or_never().is_none());
    for _ in 0..10_000 {
        assert!(queue.wait().now_or_never().is_none());
    }
    assert!(queue.waiting.borrow().len() < 10, "{}", queue.waiting.borrow().len());
    let mut later = Box::pin(queue.wait());
    assert!(later.as_mut().now_or_never().is_none());
    // In the order in which they came.
    queue.wake();
    assert!(later.as_mut().now_or_never().is_none());
    assert!(matches!(stays.await, Some(Given::Turn(_))));
}

#[tokio::test]
async fn a_turn_that_is_not_taken_goes_to_the_next() {
    let queue = Rc::new(Queue::default());
    let waiters: Vec<_> = (0..3).map(|_| Box::pin(queue.wait())).collect();
    let [mut first, mut second, mut third] = <[_; 3]>::try_from(waiters).ok().unwrap();
    for waiter in [&mut first, &mut second, &mut third] {
        assert!(waiter.as_mut().now_or_never().is_none());
    }
    queue.wake();
    // It has its turn, and leaves without having looked.
    drop(first);
    let Some(Some(Given::Turn(turn))) = second.as_mut().now_or_never() else { panic!("it is its turn") };
    turn.used();
    assert!(third.as_mut().now_or_never().is_none(), "a turn that was used is no one else's");
    queue.wake();
    assert!(matches!(third.await, Some(Given::Turn(_))));
}
