use proptest::prelude::*;

use super::*;

fn frame(kind: u8, flags: u8, payload: u8) -> Vec<u8> {
    let mut bytes = vec![0, 0, payload, kind, flags, 0, 0, 0, 1];
    bytes.resize(HEAD + usize::from(payload), 0);
    bytes
}

/// A connection on which this is sent after the preface.
fn connection(frames: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut bytes = vec![0; PREFACE as usize];
    bytes.extend(frames.into_iter().flatten());
    bytes
}

const FLOODS: [(u8, u8, u8, Flood); 5] = [
    (PING, 0, 8, Flood::Ping),
    (SETTINGS, 0, 0, Flood::Settings),
    (PRIORITY, 0, 5, Flood::Priority),
    (WINDOW_UPDATE, 0, 4, Flood::WindowUpdate),
    (0xb, 0, 0, Flood::Other),
];

#[test]
fn each_kind_of_flood_ends_at_a_frame() {
    for (kind, flags, payload, flood) in FLOODS {
        let bytes = connection((0..ALLOWANCE + 100).map(|_| frame(kind, flags, payload)));
        let (at, found) = Frames::new().look(&bytes).unwrap();
        assert_eq!(found, flood);
        let frames = (at - PREFACE as usize) / (HEAD + usize::from(payload));
        assert_eq!((at - PREFACE as usize) % (HEAD + usize::from(payload)), 0, "between two frames");
        assert!((ALLOWANCE as usize..ALLOWANCE as usize + 100).contains(&frames), "{kind}: {frames}");
    }
}

#[test]
fn what_answers_cost_gives_nothing_back_and_what_is_sent_does() {
    let pings = connection((0..ALLOWANCE).map(|_| frame(PING, 0, 8)));
    let mut frames = Frames::new();
    assert_eq!(frames.look(&pings), None);
    frames.sent(&vec![0; 17 * ALLOWANCE as usize]);
    assert_eq!(frames.allowance, 0);
    frames.sent(&[0; 100]);
    assert_eq!(frames.allowance, 10);
}

#[test]
fn an_honest_client_is_never_out_of_allowance() {
    // A call that sends and gets a small message over and over, with a window and a ping for each.
    let mut frames = Frames::new();
    assert_eq!(frames.look(&connection([frame(SETTINGS, 0, 0), frame(HEADERS, 0, 40)])), None);
    for _ in 0..100_000 {
        for bytes in [frame(DATA, 0, 6), frame(WINDOW_UPDATE, 0, 4), frame(WINDOW_UPDATE, 0, 4), frame(PING, 0, 8)] {
            assert_eq!(frames.look(&bytes), None);
        }
        frames.sent(&[0; 17 + HEAD + 6]);
    }
    assert!(frames.allowance > ALLOWANCE / 2, "{frames:?}");
}

#[test]
fn the_librarys_explanation_is_seen_where_it_ends_a_connection() {
    let mut frames = Frames::new();
    frames.sent(&[&frame(7, 0, 32)[..HEAD + 8], RESETS_REACHED].concat());
    assert!(frames.resets_reached());
    frames.sent(&frame(DATA, 0, 32));
    assert!(!frames.resets_reached());
}

proptest! {
    #[test]
    fn any_cut_gives_the_same_verdict(cuts in prop::collection::vec(1..60_usize, 1..50), which in 0..FLOODS.len()) {
        let (kind, flags, payload, _) = FLOODS[which];
        // Too few for time to make a difference.
        let bytes = connection((0..ALLOWANCE + 500).map(|_| frame(kind, flags, payload)));
        let (mut frames, mut at) = (Frames::new(), 0);
        let mut found = None;
        for cut in cuts.iter().cycle() {
            let end = bytes.len().min(at + cut);
            if let Some((there, flood)) = frames.look(&bytes[at..end]) {
                found = Some((at + there, flood));
            }
            at = end;
            if found.is_some() || at == bytes.len() {
                break;
            }
        }
        let found = found.expect("a flood");
        prop_assert_eq!((found.0 - PREFACE as usize) % (HEAD + usize::from(payload)), 0);
    }
}

#[test]
fn data_without_any_gives_nothing_back() {
    let pings = connection((0..ALLOWANCE).map(|_| frame(PING, 0, 8)));
    let mut frames = Frames::new();
    assert_eq!(frames.look(&pings), None);
    for (flags, payload, given) in [(0, 0, 0), (PADDED, 200, 0), (0, 1, OF_DATA)] {
        let before = frames.allowance;
        assert_eq!(frames.look(&frame(DATA, flags, payload)), None);
        assert_eq!(frames.allowance, before + given);
    }
}
