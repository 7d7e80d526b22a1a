use backstay_proto::config::{
    AnswerCache, Breaker, Call, ConditionalModifier, Modifier, ModifierCondition, ModifierGroup, RateLimit,
    ResponseField, UrlParts, modifier, modifier_condition,
};

use super::Passage;

fn modifier(kind: modifier::Kind) -> Modifier {
    Modifier { on_request: true, on_response: false, kind: Some(kind) }
}

fn field(name: &str) -> ResponseField {
    ResponseField { name: name.to_owned(), value: "1".to_owned() }
}

fn set(name: &str) -> Modifier {
    modifier(modifier::Kind::SetHeader(field(name)))
}

/// The fields that are refused.
fn refused(call: &Call) -> Vec<String> {
    let faults = Passage::of(call).err().into_iter().flatten();
    faults.map(|fault| fault.field).collect()
}

fn modified(modifiers: Vec<Modifier>) -> Call {
    Call { modifiers, ..Call::default() }
}

#[test]
fn what_passes_nothing_has_no_passage() {
    assert!(Passage::of(&Call::default()).unwrap().is_none());
    assert!(Passage::of(&modified(vec![set("x-a")])).unwrap().is_some());
}

#[test]
fn limits_are_refused_by_their_fields() {
    let call = Call {
        breaker: Some(Breaker::default()),
        rate_limit: Some(RateLimit { key: "a".to_owned(), rate: f64::NAN, ..RateLimit::default() }),
        cache: Some(AnswerCache { key: String::new(), max_bytes: 1, max_items: 0 }),
        ..Call::default()
    };
    let fields =
        ["breaker.key", "breaker.timeout", "rate_limit.rate", "rate_limit.every", "rate_limit.capacity", "cache.key"];
    assert_eq!(refused(&call), fields);
}

#[test]
fn modifiers_are_refused_by_their_fields() {
    let group = ModifierGroup { modifiers: vec![set("x-a"), set("te")], aggregate_errors: false };
    let rest = |kind| Modifier { on_request: true, on_response: true, kind: Some(kind) };
    let when = ModifierCondition { kind: Some(modifier_condition::Kind::UrlRegex("(".to_owned())) };
    let conditional = ConditionalModifier { when: Some(when), modifier: None, otherwise: None };
    let call = modified(vec![
        set("content-length"),
        modifier(modifier::Kind::Group(group)),
        modifier(modifier::Kind::Url(UrlParts { host: "a".to_owned(), ..UrlParts::default() })),
        rest(modifier::Kind::SetQuery(field("a"))),
        rest(modifier::Kind::Status(200)),
        modifier(modifier::Kind::Conditional(Box::new(conditional))),
        Modifier::default(),
    ]);
    let fields = [
        "modifiers[0].set_header.name",
        "modifiers[1].group.modifiers[1].set_header.name",
        "modifiers[2].url.host",
        "modifiers[3].on_response",
        "modifiers[4].on_request",
        "modifiers[5].conditional.when.url_regex",
        "modifiers[5].conditional.modifier",
        "modifiers[6]",
    ];
    assert_eq!(refused(&call), fields);
}

#[test]
fn modifiers_have_bounds() {
    let many = modified(vec![set("x-a"); 513]);
    assert_eq!(refused(&many), ["modifiers[512]"]);
    let nested = |depth| {
        (0..depth).fold(set("x-a"), |inner, _| {
            modifier(modifier::Kind::Group(ModifierGroup { modifiers: vec![inner], aggregate_errors: false }))
        })
    };
    assert!(refused(&modified(vec![nested(32)])).is_empty());
    assert_eq!(refused(&modified(vec![nested(33)])).len(), 1);
}
