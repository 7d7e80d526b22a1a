use super::FieldPath;

/// Where a walk down a value is. It lives on the stack of the walk, so that only what is reported costs an allocation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trail<'a> {
    parent: Option<&'a Trail<'a>>,
    step: Step<'a>,
}

/// One step down.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step<'a> {
    /// The walk's start.
    Root,
    /// To a field of an object.
    Field(&'a str),
    /// To an element of a list.
    Index(usize),
    /// To a value of a map.
    Key(&'a str),
}

impl<'a> Trail<'a> {
    pub(crate) const ROOT: Trail<'static> = Trail { parent: None, step: Step::Root };

    pub(crate) fn step(&'a self, step: Step<'a>) -> Trail<'a> {
        Trail { parent: Some(self), step }
    }

    pub(crate) fn path(&self) -> FieldPath {
        let above = self.parent.map(Trail::path).unwrap_or_default();
        match self.step {
            Step::Root => above,
            Step::Field(name) => above.child(name),
            Step::Index(index) => above.index(index),
            Step::Key(key) => above.key(key),
        }
    }
}
