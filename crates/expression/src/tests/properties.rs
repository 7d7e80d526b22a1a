//! The evaluator against one that is as simple as can be.

use proptest::prelude::*;

use super::Example;
use crate::{Number, Order, Part, Regex, Replacement, Request, Share, TableIndex, Text, Truth, Variable};

/// Parts of patterns that are plain text or almost.
const PARTS: [&str; 10] = ["a", "/", ".", "\\.", "\\$", "\\\\", "\\<", "\\d", "é", "a?"];
const PATTERNS: [&str; 6] = ["^/a", "(?i)B$", "a+b?", "", r"\d", "[^a-c]"];

/// Few different bytes, so that texts meet; some of them are no UTF-8.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(prop_oneof![Just(b'a'), Just(b'B'), Just(b'/'), Just(b'7'), Just(b'-'), Just(0xff)], 0..6)
}

fn variable() -> impl Strategy<Value = Variable> {
    prop_oneof![
        prop_oneof![Just("x"), Just("y"), Just("none")].prop_map(|name| Variable::Header(name.parse().unwrap())),
        bytes().prop_map(|name| Variable::Cookie(name.into())),
        bytes().prop_map(|name| Variable::QueryParameter(name.into())),
        prop_oneof![
            Just(Part::Target),
            Just(Part::Path),
            Just(Part::Query),
            Just(Part::Extension),
            Just(Part::Basename),
            Just(Part::Directory),
            Just(Part::Selected),
        ]
        .prop_map(Variable::Part),
    ]
}

fn text() -> impl Strategy<Value = Text> {
    let leaf = prop_oneof![bytes().prop_map(Text::literal), variable().prop_map(Text::Variable)];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|text| Text::Lower(Box::new(text))),
            inner.clone().prop_map(|text| Text::Upper(Box::new(text))),
            inner.clone().prop_map(|text| Text::Decimal(Box::new(Number::Length(text)))),
            proptest::collection::vec(inner.clone(), 0..3).prop_map(|texts| Text::Concatenation(texts.into())),
            (inner.clone(), proptest::sample::select(&PATTERNS[..]), any::<bool>()).prop_map(|(text, pattern, all)| {
                let regex = Regex::new(pattern).unwrap();
                let made = if all { Replacement::every(regex, b"<\\0>") } else { Replacement::first(regex, b"<\\0>") };
                Text::Replace(Box::new(text), Box::new(made.unwrap()))
            }),
            (inner.clone(), proptest::option::of(inner)).prop_map(|(key, default)| Text::Lookup {
                table: TableIndex(0),
                key: Box::new(key),
                default: default.map(Box::new),
            }),
        ]
    })
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![(-2_i64..9).prop_map(Number::Literal), text().prop_map(Number::Length), text().prop_map(Number::Parsed),]
}

fn truth() -> impl Strategy<Value = Truth> {
    let pair = || (text(), text()).prop_map(|(a, b)| Box::new([a, b]));
    let leaf = prop_oneof![
        any::<bool>().prop_map(Truth::Constant),
        text().prop_map(Truth::Present),
        number().prop_map(Truth::NonZero),
        pair().prop_map(Truth::Equal),
        pair().prop_map(Truth::StartsWith),
        pair().prop_map(Truth::EndsWith),
        pair().prop_map(Truth::Contains),
        (prop_oneof![Just(Order::Equal), Just(Order::Less), Just(Order::LessOrEqual)], number(), number())
            .prop_map(|(order, a, b)| Truth::Compare(order, Box::new([a, b]))),
        (text(), proptest::sample::select(&PATTERNS[..]))
            .prop_map(|(text, pattern)| Truth::Matches(text, Regex::new(pattern).unwrap())),
        text().prop_map(|key| Truth::HasKey(TableIndex(0), key)),
        (0_u32..4).prop_map(|share| Truth::Random(
            Share::new(share, 3.try_into().unwrap())
                .unwrap_or_else(|| { Share::new(1, 2.try_into().unwrap()).unwrap() })
        )),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|truth| Truth::Not(Box::new(truth))),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|truths| Truth::All(truths.into())),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|truths| Truth::Any(truths.into())),
            (inner.clone(), inner).prop_map(|(a, b)| Truth::Same(Box::new([a, b]))),
        ]
    })
}

fn request() -> impl Strategy<Value = Example> {
    let headers = proptest::collection::vec((prop_oneof![Just("x"), Just("y"), Just("cookie")], bytes()), 0..5);
    let entries = proptest::collection::vec((bytes(), bytes()), 0..4);
    (bytes(), proptest::option::of(bytes()), headers, entries).prop_map(|(path, query, headers, entries)| {
        let mut request =
            headers.into_iter().fold(Example::new(""), |request, (name, value)| request.with(name, value));
        request.target = [b"/", &path[..]].concat();
        if let Some(query) = query {
            request.target.push(b'?');
            request.target.extend(query.iter().map(|byte| if *byte == b'-' { b'=' } else { *byte }));
        }
        request.tables = vec![entries.into_iter().collect()];
        request
    })
}

/// The text, by copies alone.
fn simple_text(text: &Text, request: &Example) -> Option<Vec<u8>> {
    Some(match text {
        Text::Literal(text) => text.to_vec(),
        Text::Variable(Variable::Header(name)) => {
            let lines: Vec<_> = request.headers.get_all(name).iter().map(|line| line.as_bytes()).collect();
            if lines.is_empty() {
                return None;
            }
            lines.join(&b", "[..])
        }
        Text::Variable(other) => other.of(request)?.to_vec(),
        Text::Lower(text) => simple_text(text, request)?.to_ascii_lowercase(),
        Text::Upper(text) => simple_text(text, request)?.to_ascii_uppercase(),
        Text::Decimal(number) => simple_number(number, request).to_string().into_bytes(),
        Text::Concatenation(texts) => {
            texts.iter().flat_map(|text| simple_text(text, request).unwrap_or_default()).collect()
        }
        Text::Replace(text, replacement) => {
            let subject = simple_text(text, request)?;
            let (regex, all) = replacement.parts();
            let regex = regex::bytes::RegexBuilder::new(regex.as_str()).unicode(false).build().unwrap();
            regex.replacen(&subject, usize::from(!all), &b"<$0>"[..]).into_owned()
        }
        Text::Lookup { key, default, .. } => {
            let key = simple_text(key, request).unwrap_or_default();
            match request.lookup(TableIndex(0), &key) {
                Some(value) => value.to_vec(),
                None => simple_text(default.as_deref()?, request)?,
            }
        }
    })
}

fn simple_number(number: &Number, request: &Example) -> i64 {
    match number {
        Number::Literal(number) => *number,
        Number::Length(text) => simple_text(text, request).unwrap_or_default().len() as i64,
        Number::Parsed(text) => {
            let text = simple_text(text, request).unwrap_or_default();
            String::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
        }
    }
}

/// The truth, by what the texts are.
fn simple_truth(truth: &Truth, request: &Example) -> bool {
    let text = |text: &Text| simple_text(text, request).unwrap_or_default();
    match truth {
        Truth::Constant(truth) => *truth,
        Truth::Present(text) => simple_text(text, request).is_some(),
        Truth::NonZero(number) => simple_number(number, request) != 0,
        Truth::Not(truth) => !simple_truth(truth, request),
        Truth::All(truths) => truths.iter().find(|truth| !simple_truth(truth, request)).is_none(),
        Truth::Any(truths) => truths.iter().find(|truth| simple_truth(truth, request)).is_some(),
        Truth::Same(truths) => {
            let [first, second] = [&truths[0], &truths[1]].map(|truth| simple_truth(truth, request));
            !(first ^ second)
        }
        Truth::Equal(texts) => text(&texts[0]) == text(&texts[1]),
        Truth::Compare(order, numbers) => {
            let [first, second] = [&numbers[0], &numbers[1]].map(|number| simple_number(number, request));
            match order {
                Order::Equal => first == second,
                Order::Less => first < second,
                Order::LessOrEqual => first <= second,
            }
        }
        Truth::Matches(subject, regex) => {
            let regex = regex::bytes::RegexBuilder::new(regex.as_str()).unicode(false).build().unwrap();
            regex.find(&text(subject)).is_some()
        }
        Truth::StartsWith(texts) => text(&texts[0]).starts_with(&text(&texts[1])),
        Truth::EndsWith(texts) => text(&texts[0]).ends_with(&text(&texts[1])),
        Truth::Contains(texts) => {
            let (whole, part) = (text(&texts[0]), text(&texts[1]));
            part.is_empty() || whole.windows(part.len()).any(|window| window == part)
        }
        Truth::HasKey(_, key) => request.contains(TableIndex(0), &text(key)),
        Truth::Random(_) => truth.of(request),
        Truth::Within(..) | Truth::ClientWithin(_) | Truth::Healthy(_) => unreachable!("none is made"),
    }
}

proptest! {
    #[test]
    fn agrees_with_a_simple_evaluator(truth in truth(), request in request()) {
        let truth_found = truth.of(&request);
        request.next_random.set(0);
        prop_assert_eq!(truth_found, simple_truth(&truth, &request));
    }

    #[test]
    fn texts_agree_with_a_simple_evaluator(text in text(), request in request()) {
        prop_assert_eq!(text.of(&request).map(|text| text.to_vec()), simple_text(&text, &request));
        prop_assert_eq!(text.is_present(&request), simple_text(&text, &request).is_some());
    }

    #[test]
    fn plain_text_is_compared_as_the_engine_would(
        begins in any::<bool>(),
        parts in proptest::collection::vec(proptest::sample::select(&PARTS[..]), 0..4),
        end in proptest::sample::select(&["", "$", "\\$"][..]),
        subject in proptest::collection::vec(proptest::sample::select(&["a", "/", ".", "$", "\\", "<", "7", "\n", "é"][..]), 0..4),
    ) {
        let pattern = [if begins { "^" } else { "" }, &parts.concat(), end].concat();
        let subject = subject.concat();
        let Ok(engine) = regex::bytes::RegexBuilder::new(&pattern).unicode(false).build() else { return Ok(()) };
        let found = Regex::new(&pattern).unwrap().is_match(subject.as_bytes());
        prop_assert_eq!(found, engine.is_match(subject.as_bytes()), "{:?} in {:?}", pattern, subject);
    }

    #[test]
    fn patterns_never_panic(pattern in ".{0,24}", subject in proptest::collection::vec(any::<u8>(), 0..24)) {
        if let Ok(regex) = Regex::new(&pattern) {
            let _ = regex.is_match(&subject);
            if let Ok(replacement) = Replacement::every(regex, &subject) {
                let request = Example::new("/");
                let _ = Text::Replace(Box::new(Text::literal(&subject)), Box::new(replacement)).of(&request);
            }
        }
    }
}

proptest! {
    #[test]
    fn plain_text_with_an_anchor_matches_as_the_engine_has_it(
        text in "[ab/]{0,12}", begins in any::<bool>(), ends in any::<bool>(), subject in "[ab/]{0,14}", same in any::<bool>(),
    ) {
        // Half of the subjects begin with the text, which would be rare by chance.
        let subject = if same { format!("{text}{subject}") } else { subject };
        let pattern = format!("{}{text}{}", if begins { "^" } else { "" }, if ends { "$" } else { "" });
        let engine = regex::bytes::RegexBuilder::new(&pattern).unicode(false).build().unwrap();
        let regex = Regex::new(&pattern).unwrap();
        prop_assert_eq!(regex.is_match(subject.as_bytes()), engine.is_match(subject.as_bytes()), "{} in {}", pattern, subject);
    }
}
