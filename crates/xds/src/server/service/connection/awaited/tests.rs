use std::sync::atomic::AtomicUsize;

use futures::Stream as _;
use std::pin::Pin;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;

use super::*;

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Asks, and tells whether the thing itself was asked.
fn ask(awaited: &mut Awaited<UnboundedReceiverStream<u8>>, waker: &Waker) -> (Poll<Option<u8>>, bool) {
    let mut was_asked = false;
    let answer = awaited.poll(&mut Context::from_waker(waker), |stream, context| {
        was_asked = true;
        Pin::new(stream).poll_next(context)
    });
    (answer, was_asked)
}

#[test]
fn it_is_asked_until_it_has_nothing_and_then_once_it_has_rung() {
    let (sender, receiver) = mpsc::unbounded_channel();
    let mut awaited = Awaited::new(UnboundedReceiverStream::new(receiver));
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(wakes.clone());
    sender.send(1).unwrap();
    assert_eq!(ask(&mut awaited, &waker), (Poll::Ready(Some(1)), true));
    assert_eq!(ask(&mut awaited, &waker), (Poll::Pending, true));
    assert_eq!(ask(&mut awaited, &waker), (Poll::Pending, false));
    sender.send(2).unwrap();
    sender.send(3).unwrap();
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    assert_eq!(ask(&mut awaited, &waker), (Poll::Ready(Some(2)), true));
    assert_eq!(ask(&mut awaited, &waker), (Poll::Ready(Some(3)), true));
    drop(sender);
    assert_eq!(ask(&mut awaited, &waker), (Poll::Ready(None), true));
}

#[test]
fn it_wakes_whoever_asked_last() {
    let (sender, receiver) = mpsc::unbounded_channel();
    let mut awaited = Awaited::new(UnboundedReceiverStream::new(receiver));
    let all = [Arc::new(Wakes::default()), Arc::new(Wakes::default())];
    for wakes in &all {
        assert_eq!(ask(&mut awaited, &Waker::from(wakes.clone())).0, Poll::Pending);
    }
    sender.send(1).unwrap();
    assert_eq!(all.map(|wakes| wakes.0.load(Ordering::Relaxed)), [0, 1]);
}
