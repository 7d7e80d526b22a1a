//! The protobuf encoding, as far as it is needed.
//!
//! Source: Protocol Buffers Documentation, "Encoding".

/// Numbers of a varint.
pub(crate) const VARINT: u8 = 0;
/// Eight bytes.
pub(crate) const FIXED64: u8 = 1;
/// A length, and so many bytes.
pub(crate) const LENGTH: u8 = 2;

/// Writes a number.
#[inline]
pub(crate) fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        // The lower seven bits, and that more come.
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Writes the number and the type of a field.
#[inline]
pub(crate) fn key(number: u32, kind: u8, out: &mut Vec<u8>) {
    varint(u64::from(number) << 3 | u64::from(kind), out);
}

/// Writes a field of bytes.
#[inline]
pub(crate) fn bytes(number: u32, value: &[u8], out: &mut Vec<u8>) {
    // Nearly all fields have a small number and a short value.
    if number < 16 && value.len() < 0x80 {
        out.extend_from_slice(&[(number << 3) as u8 | LENGTH, value.len() as u8]);
    } else {
        key(number, LENGTH, out);
        varint(value.len() as u64, out);
    }
    out.extend_from_slice(value);
}

/// Writes a field that is a number.
#[inline]
pub(crate) fn number(number: u32, value: u64, out: &mut Vec<u8>) {
    key(number, VARINT, out);
    varint(value, out);
}

/// Where a field began whose length is not known yet.
pub(crate) struct Open(usize);

/// Begins a field whose content is written next.
#[inline]
pub(crate) fn open(number: u32, out: &mut Vec<u8>) -> Open {
    key(number, LENGTH, out);
    out.push(0);
    Open(out.len())
}

/// Ends a field: writes its length before it.
#[inline]
pub(crate) fn close(open: &Open, out: &mut Vec<u8>) {
    let length = out.len() - open.0;
    if length < 0x80 {
        out[open.0 - 1] = length as u8;
    } else {
        make_room(open, length, out);
    }
}

/// The length takes more than the one byte that was left for it: what follows moves.
fn make_room(open: &Open, length: usize, out: &mut Vec<u8>) {
    let more = (length.ilog2() / 7) as usize;
    out.resize(out.len() + more, 0);
    out.copy_within(open.0..open.0 + length, open.0 + more);
    let mut rest = length;
    for byte in &mut out[open.0 - 1..open.0 + more] {
        *byte = (rest & 0x7f) as u8 | 0x80;
        rest >>= 7;
    }
    out[open.0 + more - 1] &= 0x7f;
}

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WireError {
    /// They end within a field.
    #[error("it ends within a field")]
    Short,
    /// A number has more than 64 bits.
    #[error("a number is longer than 64 bits")]
    Long,
    /// A group, or a type that there is not.
    #[error("a field has a type that is not used any more")]
    Type,
}

/// What a field holds, undecoded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Raw<'a> {
    /// Of [`VARINT`].
    Number(u64),
    /// Of [`FIXED64`].
    Eight([u8; 8]),
    /// Of four bytes; nothing here has such fields.
    Four,
    /// Of [`LENGTH`].
    Bytes(&'a [u8]),
}

/// Reads fields one after another.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    /// Reads a number.
    pub(crate) fn varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first().ok_or(WireError::Short)?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(WireError::Long)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(WireError::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn field(&mut self) -> Result<(u32, Raw<'a>), WireError> {
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).map_err(|_| WireError::Long)?;
        let raw = match (key & 7) as u8 {
            VARINT => Raw::Number(self.varint()?),
            FIXED64 => {
                let mut eight = [0; 8];
                eight.copy_from_slice(self.take(8)?);
                Raw::Eight(eight)
            }
            LENGTH => {
                let length = usize::try_from(self.varint()?).map_err(|_| WireError::Short)?;
                Raw::Bytes(self.take(length)?)
            }
            5 => {
                self.take(4)?;
                Raw::Four
            }
            _ => return Err(WireError::Type),
        };
        Ok((number, raw))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Raw<'a>), WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}
