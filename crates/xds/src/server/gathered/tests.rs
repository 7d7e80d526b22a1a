use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use super::*;

/// What was written, each write apart. Takes no more than `most` bytes at a time.
struct Written {
    writes: Vec<Vec<u8>>,
    most: usize,
}

impl AsyncRead for Written {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Written {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let length = bytes.len().min(self.most);
        self.writes.push(bytes[..length].to_vec());
        Poll::Ready(Ok(length))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

struct Bench {
    connection: Gathered<Written>,
    wakes: Arc<Wakes>,
}

impl Bench {
    fn new(most: usize) -> Self {
        let connection = Gathered::new(Written { writes: Vec::new(), most });
        Self { connection, wakes: Arc::default() }
    }

    fn write(&mut self, bytes: &[u8]) {
        let waker = Waker::from(self.wakes.clone());
        let mut rest = bytes;
        while !rest.is_empty() {
            let written = Pin::new(&mut self.connection).poll_write(&mut Context::from_waker(&waker), rest);
            let Poll::Ready(Ok(written)) = written else { panic!("{written:?}") };
            rest = &rest[written..];
        }
    }

    /// A turn: it reads, writes these, and flushes after each. Whether it was woken for another turn.
    fn turn(&mut self, frames: &[&[u8]]) -> bool {
        let (waker, before) = (Waker::from(self.wakes.clone()), self.wakes.0.load(Ordering::Relaxed));
        let mut buffer = [0; 1];
        let read =
            Pin::new(&mut self.connection).poll_read(&mut Context::from_waker(&waker), &mut ReadBuf::new(&mut buffer));
        assert!(read.is_pending());
        for frame in frames.iter().copied().chain([&b""[..]]) {
            self.write(frame);
            let flushed = Pin::new(&mut self.connection).poll_flush(&mut Context::from_waker(&waker));
            assert!(flushed.is_ready());
        }
        self.wakes.0.load(Ordering::Relaxed) > before
    }

    /// Turns until there is none to come.
    fn turns(&mut self, frames: &[&[u8]]) -> usize {
        let mut turns = 1;
        let mut again = self.turn(frames);
        while again {
            again = self.turn(&[]);
            turns += 1;
        }
        turns
    }

    fn writes(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.connection.connection.writes)
    }
}

#[test]
fn what_others_add_before_the_next_turn_is_written_with_it() {
    let mut bench = Bench::new(usize::MAX);
    for _ in 0..3 {
        assert!(bench.turn(&[b"one ", b"two "]), "there is another turn as soon as others have run");
        assert!(bench.writes().is_empty());
        assert!(bench.turn(&[b"three ", b"four"]));
        assert!(!bench.turn(&[]));
        assert_eq!(bench.writes(), [b"one two three four"]);
    }
    assert!(!bench.turn(&[]), "where nothing is kept, nothing is held up");
}

#[test]
fn flushes_to_which_nobody_adds_are_mostly_not_held_up() {
    let mut bench = Bench::new(usize::MAX);
    let mut turns = 0;
    let rounds = 10 * (usize::from(RESTS) + 1);
    for _ in 0..rounds {
        turns += bench.turns(&[b"alone"]);
        assert_eq!(bench.writes(), [b"alone"]);
    }
    assert_eq!(turns, rounds + 10);
}

#[test]
fn what_is_written_alone_now_and_then_does_not_keep_streams_from_being_gathered() {
    let mut bench = Bench::new(usize::MAX);
    for _ in 0..20 {
        bench.turn(&[b"one "]);
        bench.turn(&[b"two"]);
        assert!(!bench.turn(&[]));
        assert_eq!(bench.writes(), [b"one two"]);
        for _ in 1..PATIENCE {
            bench.turns(&[b"ping"]);
            assert_eq!(bench.writes(), [b"ping"]);
        }
    }
}

#[test]
fn nothing_is_kept_for_long_however_much_is_added() {
    let mut bench = Bench::new(usize::MAX);
    let turns = (0..100).take_while(|_| bench.turn(&[b"more"])).count();
    assert_eq!(turns, usize::from(MOST));
    assert_eq!(bench.writes().concat(), b"more".repeat(usize::from(MOST) + 1));
}

#[test]
fn what_is_long_is_written_as_it_comes_and_in_order() {
    for most in [usize::MAX, 1000] {
        let mut bench = Bench::new(most);
        let long = vec![b'x'; LONG + 1];
        bench.turns(&[b"before", &long, b"after"]);
        assert_eq!(bench.writes().concat(), [&b"before"[..], &long, b"after"].concat());
    }
    let mut bench = Bench::new(usize::MAX);
    let part = vec![b'x'; LONG];
    bench.turns(&vec![&part[..]; 5 * CAPACITY / LONG / 2]);
    let lengths: Vec<usize> = bench.writes().iter().map(Vec::len).collect();
    assert_eq!(lengths, [CAPACITY, CAPACITY, CAPACITY / 2], "no more is kept than it may be");
}

#[test]
fn what_is_kept_is_written_before_the_end() {
    let mut bench = Bench::new(usize::MAX);
    bench.turn(&[b"last"]);
    let done = Pin::new(&mut bench.connection).poll_shutdown(&mut Context::from_waker(Waker::noop()));
    assert!(done.is_ready());
    assert_eq!(bench.writes(), [b"last"]);
}
