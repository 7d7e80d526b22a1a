//! What stands between the data of chunks, and after it (RFC 9112, 7.1).

/// What the next byte belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunks {
    /// A size, of which so many digits with this value were read.
    Size {
        value: u64,
        digits: u8,
    },
    /// Blanks after this size, which some pad it with.
    Blanks(u64),
    /// What follows this size and a semicolon, and means nothing here.
    Extension(u64),
    /// The end of the line with this size.
    SizeLineFeed(u64),
    /// So many bytes of data, and not none.
    Data(u64),
    /// The end of the line that the data is.
    DataEnd,
    DataLineFeed,
    /// A line after the last chunk: a trailer, or the empty one that is the end.
    LineStart,
    TrailerName,
    TrailerValue,
    TrailerLineFeed,
    LastLineFeed,
    /// Nothing any more.
    Ended,
}

/// Digits of the largest size.
const MAX_DIGITS: u8 = 16;
/// Digits of sizes that are read in one go.
const GLANCE: usize = 8;

impl Chunks {
    pub(super) const BEGIN: Self = Self::Size { value: 0, digits: 0 };

    /// Goes on by several bytes of `rest` where they are what most write. Ends with their number.
    pub(super) fn glance(self, rest: &[u8]) -> Option<(usize, Self)> {
        match (self, rest) {
            (Self::BEGIN, [b'0', b'\r', b'\n', b'\r', b'\n', ..]) => Some((5, Self::Ended)),
            (Self::BEGIN, _) => {
                let digits = rest.iter().take(GLANCE).take_while(|byte| byte.is_ascii_hexdigit()).count();
                let (size, [b'\r', b'\n', ..]) = rest.split_at_checked(digits)? else { return None };
                let size = size.iter().fold(0, |size, byte| size << 4 | digit(*byte));
                (size > 0).then_some((digits + 2, Self::Data(size)))
            }
            (Self::DataEnd, [b'\r', b'\n', ..]) => Some((2, Self::BEGIN)),
            _ => None,
        }
    }

    /// Goes on by a byte. `None` if that may not be there.
    pub(super) fn step(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (Self::Size { value, digits }, _) if byte.is_ascii_hexdigit() && digits < MAX_DIGITS => {
                Self::Size { value: value << 4 | digit(byte), digits: digits + 1 }
            }
            (Self::Size { digits: 0, .. }, _) => return None,
            (Self::Size { value, .. } | Self::Blanks(value) | Self::Extension(value), b'\r') => {
                Self::SizeLineFeed(value)
            }
            (Self::Size { value, .. } | Self::Blanks(value), b' ' | b'\t') => Self::Blanks(value),
            (Self::Size { value, .. } | Self::Blanks(value), b';') => Self::Extension(value),
            (Self::Extension(value), _) if is_text(byte) => Self::Extension(value),
            (Self::SizeLineFeed(0), b'\n') => Self::LineStart,
            (Self::SizeLineFeed(size), b'\n') => Self::Data(size),
            // The data itself is skipped by its length.
            (Self::Data(left), _) => match left {
                0 | 1 => Self::DataEnd,
                left => Self::Data(left - 1),
            },
            (Self::DataEnd, b'\r') => Self::DataLineFeed,
            (Self::DataLineFeed, b'\n') => Self::BEGIN,
            (Self::LineStart, b'\r') => Self::LastLineFeed,
            (Self::LineStart | Self::TrailerName, _) if is_name(byte) => Self::TrailerName,
            (Self::TrailerName, b':') => Self::TrailerValue,
            (Self::TrailerValue, b'\r') => Self::TrailerLineFeed,
            (Self::TrailerValue, _) if is_text(byte) => Self::TrailerValue,
            (Self::TrailerLineFeed, b'\n') => Self::LineStart,
            (Self::LastLineFeed, b'\n') => Self::Ended,
            _ => return None,
        })
    }
}

/// The value of a hexadecimal digit.
fn digit(byte: u8) -> u64 {
    char::from(byte).to_digit(16).map_or(0, u64::from)
}

/// What may be in a value (RFC 9110, 5.5).
fn is_text(byte: u8) -> bool {
    byte == b'\t' || byte >= b' ' && byte != 0x7f
}

/// What may be in a name (RFC 9110, 5.6.2).
fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
