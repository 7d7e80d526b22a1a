use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tracing::callsite::{Callsite, Identifier};
use tracing::subscriber::Interest;
use tracing_subscriber::layer::SubscriberExt as _;

use super::{Admission, Budget, LeftOut};

/// A kind of line, of which nothing is asked but which it is.
struct Kind(u8);

impl Callsite for Kind {
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &tracing::Metadata<'_> {
        panic!("nobody asks kind {} for it", self.0)
    }
}

static ONE: Kind = Kind(1);
static OTHER: Kind = Kind(2);

#[test]
fn each_kind_has_so_many_lines_a_second_and_what_is_left_out_is_counted() {
    let budget = Budget::new(2);
    let (one, other, now) = (Identifier(&ONE), Identifier(&OTHER), Instant::now());
    let admit =
        |kind: &Identifier, after| budget.admit(kind.clone(), now + Duration::from_millis(after), || "w".into());
    assert_eq!([admit(&one, 0), admit(&one, 10)], [Admission::Logged, Admission::Logged]);
    assert_eq!([admit(&one, 20), admit(&one, 999)], [Admission::LeftOutFirst, Admission::LeftOut]);
    assert_eq!(admit(&other, 999), Admission::Logged, "another kind has lines of its own");
    assert_eq!(admit(&one, 1_000), Admission::Logged, "a second is over");
    assert_eq!(budget.left_out(), [LeftOut { lines: 2, message: "w".into() }]);
    assert_eq!(budget.left_out(), []);
    assert_eq!([admit(&one, 1_001), admit(&one, 1_002)], [Admission::Logged, Admission::LeftOutFirst]);
}

/// What was written.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn lines_of(budget: Budget, log: impl FnOnce()) -> String {
    let written = Written::default();
    let writer = written.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(move || writer.clone())
        .finish()
        .with(budget);
    tracing::subscriber::with_default(subscriber, log);
    let text = written.0.lock().unwrap().clone();
    String::from_utf8(text).unwrap()
}

#[test]
fn lines_of_one_kind_are_left_out_with_their_words_told_and_details_that_were_asked_for_are_not() {
    let budget = Budget::new(3);
    let text = lines_of(budget.clone(), || {
        for number in 0..10 {
            tracing::info!(number, "a proxy connected");
            tracing::debug!(number, "a detail");
        }
        tracing::info!("the last");
    });
    let count = |words: &str| text.matches(words).count();
    assert_eq!((count("a proxy connected"), count("a detail"), count("the last")), (3, 10, 1), "{text}");
    assert_eq!(budget.left_out(), [LeftOut { lines: 7, message: "a proxy connected".into() }]);
}

#[test]
fn none_are_left_out_where_that_is_asked_for() {
    let text = lines_of(Budget::new(0), || (0..100).for_each(|number| tracing::warn!(number, "again")));
    assert_eq!(text.matches("again").count(), 100);
}
