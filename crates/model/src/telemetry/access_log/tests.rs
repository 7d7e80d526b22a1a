use std::time::Duration;

use backstay_proto::config;

use super::*;

fn faults(message: &config::AccessLog) -> Vec<String> {
    AccessLog::try_from(message).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn every_fault_names_its_field() {
    let names = vec!["status".to_owned(), "nothing".to_owned()];
    let fields = config::LogFields { names, request_headers: vec!["a b".to_owned()], ..Default::default() };
    let message = config::AccessLog {
        layout: Some(access_log::Layout::Fields(fields)),
        filter: Some(config::LogFilter { min_status: 99, ..Default::default() }),
        redaction: Some(config::Redaction { headers: vec![String::new()], ..Default::default() }),
        ..Default::default()
    };
    let found = faults(&message);
    let starts =
        ["fields.names[1]: there is", "fields.request_headers[0]: ", "filter.min_status: ", "redaction.headers[0]: "];
    assert!(found.iter().zip(starts).all(|(fault, start)| fault.starts_with(start)), "{found:?}");
    assert_eq!(found.len(), starts.len());
    let text = config::AccessLog { layout: Some(access_log::Layout::Text("%X%".to_owned())), ..Default::default() };
    assert!(faults(&text)[0].starts_with("text: there is no operator \"X\""), "{:?}", faults(&text));
    let formats = config::LogFormats { formats: [("k".to_owned(), "%REQ%".to_owned())].into() };
    let formats = config::AccessLog { layout: Some(access_log::Layout::Formats(formats)), ..Default::default() };
    assert!(faults(&formats)[0].starts_with("formats[k]: the operator REQ"), "{:?}", faults(&formats));
}

#[test]
fn what_is_selected_is_logged_and_of_the_rest_a_share() {
    let (ok, long) = (Duration::ZERO, Duration::from_secs(2));
    let never = |_| -> u64 { unreachable!("nothing is left to chance") };
    let all = LogFilter::default();
    assert!(all.passes(200, ok, false, never));
    let errors = LogFilter { min_status: Some(500), ..all };
    assert!(errors.passes(503, ok, false, never) && !errors.passes(499, long, true, never));
    let slow = LogFilter { min_duration: Some(long), flagged: true, ..all };
    assert!(slow.passes(200, long, false, never) && slow.passes(200, ok, true, never));
    assert!(!slow.passes(599, ok, false, never));
    let sampled = LogFilter { one_in: NonZeroU32::new(10), ..errors };
    assert!(sampled.passes(500, ok, false, never));
    assert!(sampled.passes(200, ok, false, |below| below - 10) && !sampled.passes(200, ok, false, |below| below - 1));
}
