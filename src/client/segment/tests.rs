use super::{Segment, SegmentError, escape};

#[test]
fn a_segment_is_never_empty_and_never_leads_elsewhere() {
    assert_eq!("".parse::<Segment>(), Err(SegmentError::Empty));
    for step in [".", ".."] {
        assert_eq!(step.parse::<Segment>(), Err(SegmentError::Step), "{step}");
    }
    for name in ["/", "a/b", "../a", "a/", "?", "a?b=c", "#", "%2F", "a%00", " ", "a b", "a\n", "\\", "\u{a0}", "\0"] {
        assert!(matches!(name.parse::<Segment>(), Err(SegmentError::Separator(_))), "{name:?}");
    }
    for name in ["a", "web-1.example.com", "A_b~", "...", "*", "é"] {
        assert_eq!(name.parse::<Segment>().map(|name| name.as_str().to_owned()), Ok(name.to_owned()));
    }
}

#[test]
fn what_a_server_calls_its_kinds_is_checked_as_well() {
    assert!(serde_json::from_str::<Segment>(r#""backends""#).is_ok());
    assert!(serde_json::from_str::<Segment>(r#""""#).is_err());
    assert!(serde_json::from_str::<Segment>(r#""a/b""#).is_err());
}

#[test]
fn values_of_a_query_end_where_they_end() {
    assert_eq!(escape("a/../b?c#d é&x=1"), "a%2F..%2Fb%3Fc%23d%20%C3%A9%26x%3D1");
    assert_eq!("é".parse::<Segment>().map(|name| name.escaped()), Ok("%C3%A9".to_owned()));
}
