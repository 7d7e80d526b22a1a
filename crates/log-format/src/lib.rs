//! What a line of an access log is made of: format strings as Envoy has them, and the fields of the project's own JSON. Pure: whoever
//! writes a line says what each piece of it is.
//!
//! The API checks formats as they are written, and a proxy as they arrive; both read them here. A format is parsed once, to a list of
//! pieces; an operator that cannot be honoured is refused with its name, never written as it stands.
//!
//! # Layout
//!
//! - [`Text`]: a format string. [`Operator`]: what one of its pieces stands for. `arguments`: what stands in brackets behind it.
//! - [`TimeFormat`]: how times are written.
//! - [`Field`]: a field of the project's own JSON.
//! - `escape`: what keeps a value within its line.
//! - [`Named`]: formats that have a name.

mod arguments;
mod escape;
mod field;
mod named;
mod operator;
mod text;
mod time;

pub use escape::escape;
pub use field::Field;
pub use named::Named;
pub use operator::{Header, Moment, Operator, Pseudo};
pub use text::{FormatError, MAX_FORMAT, Text};
pub use time::TimeFormat;
