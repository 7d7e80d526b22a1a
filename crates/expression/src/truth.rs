//! Truths.

use std::net::IpAddr;
use std::num::NonZeroU32;

use memchr::memmem;

use crate::{DestinationIndex, Number, Regex, Request, SetIndex, TableIndex, Text};

/// Something that holds or does not.
#[derive(Clone, Debug)]
pub enum Truth {
    /// Always, or never.
    Constant(bool),
    /// The text is there.
    Present(Text),
    /// The number is not 0.
    NonZero(Number),
    /// The other does not hold.
    Not(Box<Truth>),
    /// All hold; the first that does not ends it.
    All(Box<[Truth]>),
    /// One holds; the first that does ends it.
    Any(Box<[Truth]>),
    /// Both hold or neither does.
    Same(Box<[Truth; 2]>),
    /// The texts are equal, byte by byte; one that is absent is as empty.
    Equal(Box<[Text; 2]>),
    /// The first number is so to the second.
    Compare(Order, Box<[Number; 2]>),
    /// The regular expression matches somewhere in the text; one that is absent is as empty.
    Matches(Text, Regex),
    /// The first text begins with the second.
    StartsWith(Box<[Text; 2]>),
    /// The first text ends with the second.
    EndsWith(Box<[Text; 2]>),
    /// The second text is somewhere in the first.
    Contains(Box<[Text; 2]>),
    /// The text spells an address that is in the set.
    Within(Text, SetIndex),
    /// The client's address is in the set.
    ClientWithin(SetIndex),
    /// The table has the key; one that is absent is as empty.
    HasKey(TableIndex, Text),
    /// With this probability, drawn anew each time.
    Random(Share),
    /// The destination could serve now: the one that is selected so far for `None`.
    Healthy(Option<DestinationIndex>),
}

/// How two numbers are to each other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Order {
    /// They are the same.
    Equal,
    /// The first is smaller.
    Less,
    /// The first is not larger.
    LessOrEqual,
}

/// A probability.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Share {
    numerator: u32,
    denominator: NonZeroU32,
}

impl Share {
    /// `numerator` of `denominator`; `None` for more than the whole.
    #[must_use]
    pub fn new(numerator: u32, denominator: NonZeroU32) -> Option<Self> {
        (numerator <= denominator.get()).then_some(Self { numerator, denominator })
    }
}

impl Truth {
    /// Whether it holds, for `request`.
    #[inline]
    pub fn of(&self, request: &(impl Request + ?Sized)) -> bool {
        // Most conditions are of this kind, and a rule can have many of them.
        if let Self::Matches(text, regex) = self
            && let Some(text) = text.as_it_is(request)
        {
            return regex.is_match(text);
        }
        self.evaluate(request)
    }

    fn evaluate(&self, request: &(impl Request + ?Sized)) -> bool {
        match self {
            Self::Constant(truth) => *truth,
            Self::Present(text) => text.is_present(request),
            Self::NonZero(number) => number.of(request) != 0,
            Self::Not(truth) => !truth.of(request),
            Self::All(truths) => truths.iter().all(|truth| truth.of(request)),
            Self::Any(truths) => truths.iter().any(|truth| truth.of(request)),
            Self::Same(truths) => truths[0].of(request) == truths[1].of(request),
            Self::Equal(texts) => both(texts, request, |first, second| first == second),
            Self::Compare(order, numbers) => order.holds(numbers[0].of(request), numbers[1].of(request)),
            Self::Matches(text, regex) => regex.is_match(text.of(request).as_deref().unwrap_or_default()),
            Self::StartsWith(texts) => both(texts, request, <[u8]>::starts_with),
            Self::EndsWith(texts) => both(texts, request, <[u8]>::ends_with),
            Self::Contains(texts) => both(texts, request, |whole, part| memmem::find(whole, part).is_some()),
            Self::Within(text, set) => {
                text.of(request).and_then(|text| address(&text)).is_some_and(|address| request.is_within(*set, address))
            }
            Self::ClientWithin(set) => request.is_within(*set, request.client()),
            Self::HasKey(table, key) => request.contains(*table, key.of(request).as_deref().unwrap_or_default()),
            Self::Random(share) => request.random_below(share.denominator) < share.numerator,
            Self::Healthy(destination) => request.is_healthy(*destination),
        }
    }
}

impl Order {
    fn holds(self, first: i64, second: i64) -> bool {
        match self {
            Self::Equal => first == second,
            Self::Less => first < second,
            Self::LessOrEqual => first <= second,
        }
    }
}

fn both(texts: &[Text; 2], request: &(impl Request + ?Sized), holds: impl FnOnce(&[u8], &[u8]) -> bool) -> bool {
    let [first, second] = texts;
    if let (Some(first), Some(second)) = (first.as_it_is(request), second.as_it_is(request)) {
        return holds(first, second);
    }
    holds(first.of(request).as_deref().unwrap_or_default(), second.of(request).as_deref().unwrap_or_default())
}

fn address(text: &[u8]) -> Option<IpAddr> {
    std::str::from_utf8(text).ok()?.parse().ok()
}
