//! The fields of a head that say where its body ends.

/// A field that says where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    ContentLength,
    TransferEncoding,
}

impl Field {
    /// The one whose name begins with this byte.
    pub(super) fn beginning_with(byte: u8) -> Option<Self> {
        match byte {
            b'c' | b'C' => Some(Self::ContentLength),
            b't' | b'T' => Some(Self::TransferEncoding),
            _ => None,
        }
    }

    /// Whether `line`, of which the end may be missing, may be one of these fields. To look at two bytes decides it for most.
    #[inline]
    pub(super) fn may_be(line: &[u8]) -> bool {
        let ninth = line.get(8);
        match line.first() {
            Some(b'c' | b'C') => ninth.is_none_or(|byte| matches!(byte, b'l' | b'L')),
            Some(b't' | b'T') => ninth.is_none_or(|byte| *byte == b'-'),
            _ => false,
        }
    }

    /// The field that `line` is, if it is one of these, and its value.
    pub(super) fn split(line: &[u8]) -> Option<(Self, &[u8])> {
        let field = Self::beginning_with(*line.first()?)?;
        let (name, rest) = line.split_at_checked(field.name().len())?;
        let value = rest.strip_prefix(b":")?;
        // Most write it in one of these ways, which are compared faster.
        let is_named = field.spellings().contains(&name) || name.eq_ignore_ascii_case(field.name());
        is_named.then_some((field, value.strip_prefix(b" ").unwrap_or(value)))
    }

    pub(super) fn name(self) -> &'static [u8] {
        match self {
            Self::ContentLength => b"content-length",
            Self::TransferEncoding => b"transfer-encoding",
        }
    }

    fn spellings(self) -> [&'static [u8]; 2] {
        match self {
            Self::ContentLength => [b"Content-Length", b"content-length"],
            Self::TransferEncoding => [b"Transfer-Encoding", b"transfer-encoding"],
        }
    }

    /// What comes after its colon.
    pub(super) fn value(self) -> Value {
        match self {
            Self::ContentLength => Value::BeforeLength,
            Self::TransferEncoding => Value::BeforeCoding,
        }
    }
}

/// The only coding that is known.
const CHUNKED: &[u8] = b"chunked";

/// Longest body that may be told of. Beyond it hyper has numbers that mean something else, and others have negative ones.
const MAX_LENGTH: u64 = i64::MAX as u64;

/// The length that `value` says, if it is no more than a few digits.
pub(super) fn length(value: &[u8]) -> Option<u64> {
    const MAX_DIGITS: usize = 18;
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
    if value.is_empty() || value.len() > MAX_DIGITS {
        return None;
    }
    value.iter().try_fold(0, |length, byte| Some(length * 10 + digit(byte)?))
}

/// Whether `value` is `chunked` and nothing else.
pub(super) fn is_chunked(value: &[u8]) -> bool {
    value == CHUNKED || value.eq_ignore_ascii_case(CHUNKED)
}

/// How far the value of such a field has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    BeforeLength,
    /// Digits of this value.
    Length(u64),
    AfterLength(u64),
    BeforeCoding,
    /// So many bytes of `chunked`.
    Coding(u8),
    AfterCoding,
    /// Something else than `chunked`.
    OtherCoding,
}

/// What a byte makes of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The field goes on.
    Value(Value),
    /// The field has ended.
    Length(u64),
    Coding {
        chunked: bool,
    },
}

impl Value {
    /// Goes on by a byte. `None` if that may not be there.
    pub(super) fn step(self, byte: u8) -> Option<Step> {
        Some(match (self, byte) {
            (_, b'\n') => return None,
            (Self::Length(length) | Self::AfterLength(length), b'\r') => Step::Length(length),
            (Self::Coding(read), b'\r') => Step::Coding { chunked: usize::from(read) == CHUNKED.len() },
            (Self::AfterCoding, b'\r') => Step::Coding { chunked: true },
            (Self::BeforeCoding | Self::OtherCoding, b'\r') => Step::Coding { chunked: false },
            (Self::BeforeLength | Self::BeforeCoding, b' ' | b'\t') => Step::Value(self),
            (Self::BeforeLength, b'0'..=b'9') => Step::Value(Self::Length(u64::from(byte - b'0'))),
            (Self::Length(length), b'0'..=b'9') => {
                let length = length.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
                if length > MAX_LENGTH {
                    return None;
                }
                Step::Value(Self::Length(length))
            }
            (Self::Length(length) | Self::AfterLength(length), b' ' | b'\t') => Step::Value(Self::AfterLength(length)),
            (Self::BeforeLength | Self::Length(_) | Self::AfterLength(_), _) => return None,
            (Self::BeforeCoding, _) if byte.eq_ignore_ascii_case(&CHUNKED[0]) => Step::Value(Self::Coding(1)),
            (Self::Coding(read), _) => Step::Value(match CHUNKED.get(usize::from(read)) {
                Some(expected) if byte.eq_ignore_ascii_case(expected) => Self::Coding(read + 1),
                None if matches!(byte, b' ' | b'\t') => Self::AfterCoding,
                _ => Self::OtherCoding,
            }),
            (Self::AfterCoding, b' ' | b'\t') => Step::Value(Self::AfterCoding),
            (Self::BeforeCoding | Self::AfterCoding | Self::OtherCoding, _) => Step::Value(Self::OtherCoding),
        })
    }
}
