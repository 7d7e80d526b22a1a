//! Where in a message something stands.

use std::fmt;

/// A field or an item, and where that is. Each step is on the stack of what writes it, since hardly any path is ever told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Path<'p> {
    above: Option<&'p Self>,
    step: Step<'p>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'p> {
    /// To a field, as `proto/` calls it.
    Field(&'p str),
    /// To an item of a list.
    Item(usize),
}

impl<'p> Path<'p> {
    /// A field of what is above; `None` is the whole message.
    #[inline]
    pub(super) fn field(above: Option<&'p Self>, name: &'p str) -> Self {
        Self { above, step: Step::Field(name) }
    }

    /// An item of this list.
    #[inline]
    pub(super) fn item(&'p self, number: usize) -> Self {
        Self { above: Some(self), step: Step::Item(number) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(above) = self.above {
            above.fmt(formatter)?;
        }
        match self.step {
            Step::Field(name) if self.above.is_none() => formatter.write_str(name),
            Step::Field(name) => write!(formatter, ".{name}"),
            Step::Item(number) => write!(formatter, "[{number}]"),
        }
    }
}
