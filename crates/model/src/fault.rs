//! What is wrong with a resource: everything, not the first thing.

use std::fmt;

/// What is wrong with a field of a resource.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// Path of the field, as in `tls.secrets[0]`; empty when it is the whole resource.
    pub field: String,
    /// A sentence an operator can act on.
    pub message: String,
}

impl Fault {
    /// A fault of `field`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }

    /// For enumerators and variants that this program has never heard of.
    pub(crate) fn unknown(field: impl Into<String>) -> Self {
        Self::new(
            field,
            "this proxy does not know what is set here; its control plane is newer than it, update the proxy",
        )
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.field, self.message) }
    }
}

/// All that is wrong with a resource, in the order of its fields. What cannot be judged because something that it depends on
/// is at fault is left out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Faults(Vec<Fault>);

/// A part of a resource, or all that is wrong with it.
pub type Checked<T> = Result<T, Faults>;

impl Faults {
    /// How many there are; at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// One after the other.
    pub fn iter(&self) -> std::slice::Iter<'_, Fault> {
        self.0.iter()
    }

    /// The faults of several parts. At least one of `parts` is at fault.
    fn of(parts: impl IntoIterator<Item = Self>) -> Self {
        Self(parts.into_iter().flat_map(|faults| faults.0).collect())
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

impl IntoIterator for Faults {
    type Item = Fault;
    type IntoIter = std::vec::IntoIter<Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Faults {
    type Item = &'a Fault;
    type IntoIter = std::slice::Iter<'a, Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.iter().enumerate() {
            write!(f, "{}{fault}", if index == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// Refuses a part for one reason.
pub(crate) fn refuse<T>(field: impl Into<String>, message: impl Into<String>) -> Checked<T> {
    Err(Fault::new(field, message).into())
}

/// Refuses what this program does not know.
pub(crate) fn unknown<T>(field: impl Into<String>) -> Checked<T> {
    Err(Fault::unknown(field).into())
}

/// The elements of a list, or the faults of all of them.
pub(crate) fn all<T, C: FromIterator<T>>(elements: impl Iterator<Item = Checked<T>>) -> Checked<C> {
    let mut faults = Vec::new();
    // Room for as many as there are: most lists have one, and are kept for long.
    let mut sound = Vec::with_capacity(elements.size_hint().0);
    for element in elements {
        match element {
            Ok(element) => sound.push(element),
            Err(found) => faults.push(found),
        }
    }
    if faults.is_empty() { Ok(sound.into_iter().collect()) } else { Err(Faults::of(faults)) }
}

/// Says where in its parent a faulty field is.
pub(crate) trait Within<T> {
    /// The field is part of `parent`.
    fn within(self, parent: impl fmt::Display) -> Checked<T>;

    /// The field is part of element `index` of `parent`.
    fn within_element(self, parent: &str, index: usize) -> Checked<T>;
}

impl<T> Within<T> for Checked<T> {
    fn within(self, parent: impl fmt::Display) -> Self {
        self.map_err(|mut faults| {
            for Fault { field, .. } in &mut faults.0 {
                let dot = if field.is_empty() { "" } else { "." };
                *field = format!("{parent}{dot}{field}");
            }
            faults
        })
    }

    fn within_element(self, parent: &str, index: usize) -> Self {
        self.within(format_args!("{parent}[{index}]"))
    }
}

/// Says which field of its parent stands for several that a part was made into.
pub(crate) trait Beneath<T> {
    /// The field is what follows the last `field` in its path, or `field` itself.
    fn beneath(self, field: &str) -> Checked<T>;
}

impl<T> Beneath<T> for Checked<T> {
    fn beneath(self, parent: &str) -> Self {
        self.map_err(|mut faults| {
            for Fault { field, .. } in &mut faults.0 {
                *field = match field.rfind(parent) {
                    Some(at) => field.split_off(at),
                    None => match field.rsplit_once("].") {
                        Some((_, rest)) => format!("{parent}.{rest}"),
                        None => parent.to_owned(),
                    },
                };
            }
            faults
        })
    }
}

/// Parts that are judged beside each other: the fault of one hides none of another.
pub(crate) trait Together {
    /// The parts.
    type Parts;

    /// All parts, or the faults of all.
    fn together(self) -> Checked<Self::Parts>;
}

macro_rules! together {
    ($($part:ident $value:ident),+) => {
        impl<$($part),+> Together for ($(Checked<$part>,)+) {
            type Parts = ($($part,)+);

            fn together(self) -> Checked<Self::Parts> {
                match self {
                    ($(Ok($value),)+) => Ok(($($value,)+)),
                    ($($value,)+) => Err(Faults::of([$($value.err()),+].into_iter().flatten())),
                }
            }
        }
    };
}

together!(A a, B b);
together!(A a, B b, C c);
together!(A a, B b, C c, D d);
together!(A a, B b, C c, D d, E e);
together!(A a, B b, C c, D d, E e, F f);
together!(A a, B b, C c, D d, E e, F f, G g);
together!(A a, B b, C c, D d, E e, F f, G g, H h);
