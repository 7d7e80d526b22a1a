use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::{Family, resolve_family};
use crate::resolve::{Answer, RecordKind, Resolve, ServiceAnswer};

#[derive(Default)]
struct Script {
    answers: HashMap<RecordKind, (Duration, Answer)>,
    asked: Mutex<Vec<RecordKind>>,
}

impl Resolve for Script {
    fn query(&self, _: Arc<str>, kind: RecordKind) -> BoxFuture<'_, Answer> {
        self.asked.lock().unwrap().push(kind);
        let answer = self.answers.get(&kind).cloned();
        async move {
            match answer {
                Some((delay, answer)) => {
                    tokio::time::sleep(delay).await;
                    answer
                }
                None => std::future::pending().await,
            }
        }
        .boxed()
    }

    fn services(&self, _: Arc<str>) -> BoxFuture<'_, ServiceAnswer> {
        async { ServiceAnswer::Empty("nxdomain".into()) }.boxed()
    }
}

fn found(addresses: &[&str], ttl: u64) -> (Duration, Answer) {
    let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
    (Duration::ZERO, Answer::Addresses(addresses, Duration::from_secs(ttl)))
}

fn empty() -> (Duration, Answer) {
    (Duration::ZERO, Answer::Empty("nodata".into()))
}

fn failed() -> (Duration, Answer) {
    (Duration::ZERO, Answer::Failed("servfail".into()))
}

async fn run(
    family: Family,
    a: Option<(Duration, Answer)>,
    aaaa: Option<(Duration, Answer)>,
) -> (Answer, Vec<RecordKind>) {
    let answers = [(RecordKind::A, a), (RecordKind::Aaaa, aaaa)];
    let answers = answers.into_iter().filter_map(|(kind, answer)| Some((kind, answer?))).collect();
    let script = Script { answers, ..Script::default() };
    let answer = resolve_family(&script, &"h.example".into(), family).await;
    (answer, script.asked.into_inner().unwrap())
}

#[tokio::test]
async fn sequential_families_ask_the_second_only_if_the_first_has_none() {
    use RecordKind::{A, Aaaa};
    let v4 = || Some(found(&["10.0.0.1"], 60));
    let v6 = || Some(found(&["2001:db8::1"], 60));
    for (family, a, aaaa, answer, asked) in [
        (Family::V4Only, v4(), v6(), v4(), vec![A]),
        (Family::V4Only, Some(empty()), v6(), Some(empty()), vec![A]),
        (Family::V6Only, v4(), v6(), v6(), vec![Aaaa]),
        (Family::StrictAuto, v4(), v6(), v6(), vec![Aaaa]),
        (Family::StrictAuto, v4(), Some(empty()), v4(), vec![Aaaa, A]),
        (Family::StrictAuto, v4(), Some(failed()), v4(), vec![Aaaa, A]),
        (Family::StrictAuto, Some(empty()), Some(failed()), Some(failed()), vec![Aaaa, A]),
        (Family::StrictAuto, Some(failed()), Some(empty()), Some(failed()), vec![Aaaa, A]),
        (Family::StrictAuto, Some(empty()), Some(empty()), Some(empty()), vec![Aaaa, A]),
        (Family::V4Preferred, v4(), v6(), v4(), vec![A]),
        (Family::V4Preferred, Some(empty()), v6(), v6(), vec![A, Aaaa]),
    ] {
        let outcome = run(family, a, aaaa).await;
        assert_eq!(outcome, (answer.unwrap().1, asked), "{family:?}");
    }
}

#[tokio::test]
async fn auto_takes_both_ipv6_first_so_that_a_network_without_it_reaches_dual_stack_names() {
    let both = (Some(found(&["10.0.0.1", "10.0.0.2"], 60)), Some(found(&["2001:db8::1"], 30)));
    let (answer, asked) = run(Family::Auto, both.0.clone(), both.1).await;
    assert_eq!(answer, found(&["2001:db8::1", "10.0.0.1", "10.0.0.2"], 30).1);
    assert_eq!(asked.len(), 2);
    let slow = both.0.map(|(_, answer)| (Duration::from_millis(50), answer));
    let (answer, _) = run(Family::Auto, slow, Some(found(&["2001:db8::1"], 30))).await;
    assert_eq!(answer, found(&["2001:db8::1", "10.0.0.1", "10.0.0.2"], 30).1, "whichever answers first");
    for none in [empty(), failed()] {
        let (answer, _) = run(Family::Auto, Some(found(&["10.0.0.1"], 9)), Some(none)).await;
        assert_eq!(answer, found(&["10.0.0.1"], 9).1);
    }
}

#[tokio::test]
async fn all_takes_both_in_turns_with_the_lesser_ttl() {
    let (answer, asked) =
        run(Family::All, Some(found(&["10.0.0.1", "10.0.0.2", "10.0.0.3"], 60)), Some(found(&["2001:db8::1"], 30)))
            .await;
    assert_eq!(answer, found(&["10.0.0.1", "2001:db8::1", "10.0.0.2", "10.0.0.3"], 30).1);
    assert_eq!(asked.len(), 2);
}

#[tokio::test]
async fn all_succeeds_with_either() {
    for other in [empty(), failed()] {
        assert_eq!(
            run(Family::All, Some(found(&["10.0.0.1"], 60)), Some(other.clone())).await.0,
            found(&["10.0.0.1"], 60).1
        );
        assert_eq!(
            run(Family::All, Some(other), Some(found(&["2001:db8::1"], 9))).await.0,
            found(&["2001:db8::1"], 9).1
        );
    }
    assert_eq!(run(Family::All, Some(empty()), Some(failed())).await.0, failed().1);
    assert_eq!(run(Family::All, Some(failed()), Some(empty())).await.0, failed().1);
}

#[tokio::test(start_paused = true)]
async fn all_does_not_wait_long_for_a_mute_family() {
    let start = tokio::time::Instant::now();
    assert_eq!(run(Family::All, Some(found(&["10.0.0.1"], 60)), None).await.0, found(&["10.0.0.1"], 60).1);
    assert_eq!(start.elapsed(), Duration::from_millis(250));
    let late = (Duration::from_millis(200), found(&["2001:db8::1"], 60).1);
    let (answer, _) = run(Family::All, Some(found(&["10.0.0.1"], 60)), Some(late)).await;
    assert_eq!(answer, found(&["10.0.0.1", "2001:db8::1"], 60).1);
}
