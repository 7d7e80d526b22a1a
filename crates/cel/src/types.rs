//! Types, and which of them may stand for which.

use std::fmt;

/// The type of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// Any: it is only known when it is evaluated.
    Dyn,
    /// `null`
    Null,
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `uint`
    Uint,
    /// `double`
    Double,
    /// `string`
    String,
    /// `bytes`
    Bytes,
    /// `google.protobuf.Timestamp`
    Timestamp,
    /// `google.protobuf.Duration`
    Duration,
    /// `type`
    Type,
    /// A list of one type.
    List(Box<Self>),
    /// A map of one type to another.
    Map(Box<Self>, Box<Self>),
    /// One that is still open.
    #[doc(hidden)]
    Open(usize),
}

impl Type {
    /// A list of `element`.
    #[must_use]
    pub fn list(element: Self) -> Self {
        Self::List(Box::new(element))
    }

    /// A map of `key` to `value`.
    #[must_use]
    pub fn map(key: Self, value: Self) -> Self {
        Self::Map(Box::new(key), Box::new(value))
    }
}

impl fmt::Display for Type {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dyn | Self::Open(_) => formatter.write_str("dyn"),
            Self::Null => formatter.write_str("null"),
            Self::Bool => formatter.write_str("bool"),
            Self::Int => formatter.write_str("int"),
            Self::Uint => formatter.write_str("uint"),
            Self::Double => formatter.write_str("double"),
            Self::String => formatter.write_str("string"),
            Self::Bytes => formatter.write_str("bytes"),
            Self::Timestamp => formatter.write_str("google.protobuf.Timestamp"),
            Self::Duration => formatter.write_str("google.protobuf.Duration"),
            Self::Type => formatter.write_str("type"),
            Self::List(element) => write!(formatter, "list({element})"),
            Self::Map(key, value) => write!(formatter, "map({key}, {value})"),
        }
    }
}

/// What is known of types that are open.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known(Vec<Option<Type>>);

impl Known {
    /// A type that is open.
    pub(crate) fn open(&mut self) -> Type {
        self.0.push(None);
        Type::Open(self.0.len() - 1)
    }

    fn of(&self, open: usize) -> Option<&Type> {
        self.0.get(open)?.as_ref()
    }

    /// The type, with what is known put in.
    pub(crate) fn resolved(&self, of: &Type) -> Type {
        match of {
            Type::Open(open) => self.of(*open).map_or_else(|| of.clone(), |known| self.resolved(known)),
            Type::List(element) => Type::list(self.resolved(element)),
            Type::Map(key, value) => Type::map(self.resolved(key), self.resolved(value)),
            other => other.clone(),
        }
    }

    /// Whether all of `given` may stand for `wanted`, of which more is known then.
    pub(crate) fn fit_all(&mut self, given: &[Type], wanted: &[Type]) -> bool {
        if given.len() != wanted.len() {
            return false;
        }
        let mut tried = self.clone();
        let fit = given.iter().zip(wanted).all(|(given, wanted)| tried.fits(given, wanted));
        if fit {
            *self = tried;
        }
        fit
    }

    /// Whether `given` may stand for `wanted`, of which more is known then.
    pub(crate) fn fit(&mut self, given: &Type, wanted: &Type) -> bool {
        self.fit_all(std::slice::from_ref(given), std::slice::from_ref(wanted))
    }

    fn fits(&mut self, given: &Type, wanted: &Type) -> bool {
        if let Type::Open(open) = wanted {
            match self.put(given, *open) {
                (true, _) => return true,
                (false, true) => return false,
                (false, false) => {}
            }
        }
        if let Type::Open(open) = given {
            return self.put(wanted, *open).0;
        }
        match (given, wanted) {
            (Type::Dyn, _) | (_, Type::Dyn) => true,
            (Type::List(given), Type::List(wanted)) => self.fits(given, wanted),
            (Type::Map(key, value), Type::Map(wanted_key, wanted_value)) => {
                self.fits(key, wanted_key) && self.fits(value, wanted_value)
            }
            // Messages may be null.
            (Type::Null, Type::Timestamp | Type::Duration) => true,
            (given, wanted) => given == wanted,
        }
    }

    /// Puts a type in for one that is open, if it may be put there. And whether something was known of that before.
    fn put(&mut self, new: &Type, open: usize) -> (bool, bool) {
        if *new == Type::Open(open) {
            return (true, true);
        }
        if let Some(known) = self.of(open).cloned() {
            if *new == known {
                return (true, true);
            }
            if !self.fits(new, &known) {
                return (false, true);
            }
            let general = most_general(new, &known).clone();
            // None is put in for itself, whichever way round.
            if !self.occurs(open, &general) {
                self.set(open, general);
            }
            return (true, true);
        }
        if self.occurs(open, new) {
            return (false, false);
        }
        self.set(open, new.clone());
        (true, false)
    }

    fn set(&mut self, open: usize, known: Type) {
        if let Some(place) = self.0.get_mut(open) {
            *place = Some(known);
        }
    }

    fn occurs(&self, open: usize, within: &Type) -> bool {
        match within {
            Type::Open(other) if *other == open => true,
            Type::Open(other) => self.of(*other).is_some_and(|known| self.occurs(open, known)),
            Type::List(element) => self.occurs(open, element),
            Type::Map(key, value) => self.occurs(open, key) || self.occurs(open, value),
            _ => false,
        }
    }
}

/// The one of two that fit which says less.
pub(crate) fn most_general<'t>(one: &'t Type, other: &'t Type) -> &'t Type {
    if says_less(one, other) { one } else { other }
}

fn says_less(one: &Type, other: &Type) -> bool {
    match (one, other) {
        (Type::Dyn | Type::Open(_), _) => true,
        (_, Type::Dyn | Type::Open(_)) => false,
        (Type::List(one), Type::List(other)) => says_less(one, other),
        (Type::Map(key, value), Type::Map(other_key, other_value)) => {
            says_less(key, other_key) && says_less(value, other_value)
        }
        (one, other) => one == other,
    }
}
