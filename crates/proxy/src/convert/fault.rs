use std::fmt::Display;

/// What is wrong with a field of a resource.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Fault {
    /// Path of the field; empty when it is the whole resource.
    pub(crate) field: String,
    /// A sentence an operator can act on.
    pub(crate) message: String,
}

pub(crate) type Checked<T> = Result<T, Fault>;

impl Fault {
    pub(super) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }

    /// For enumerators and variants that this proxy has never heard of.
    pub(super) fn unknown(field: impl Into<String>) -> Self {
        Self::new(
            field,
            "this proxy does not know what is set here; its control plane is newer than it, update the proxy",
        )
    }
}

/// Says where in its parent a faulty field is.
pub(super) trait Within<T> {
    /// The field is part of `parent`.
    fn within(self, parent: impl Display) -> Checked<T>;

    /// The field is part of element `index` of `parent`.
    fn within_element(self, parent: &str, index: usize) -> Checked<T>;
}

impl<T> Within<T> for Checked<T> {
    fn within(self, parent: impl Display) -> Self {
        self.map_err(|fault| {
            let dot = if fault.field.is_empty() { "" } else { "." };
            Fault { field: format!("{parent}{dot}{}", fault.field), message: fault.message }
        })
    }

    fn within_element(self, parent: &str, index: usize) -> Self {
        self.within(format_args!("{parent}[{index}]"))
    }
}
