//! How much a composition may hold and how deep it reads.

/// Bounds on what backends can make one request hold. Every one of them ends in an error that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one backend's answer, after its content coding is undone. Default 8 MiB; at most 1 GiB is honoured.
    pub response_bytes: usize,
    /// Bytes of all answers that one request holds at a time, after content codings are undone. Default 32 MiB.
    pub total_bytes: usize,
    /// How deep objects and arrays, or elements, may be nested. Default 512; at most [`Limits::DEEPEST`] is honoured, since what
    /// is nested is read by a function that calls itself.
    pub depth: u32,
    /// How many values (of JSON), or elements, attributes and texts (of XML) one answer may have. Default 1,048,576, which take
    /// some 20 MiB while they are held.
    pub values: u32,
}

impl Limits {
    /// The deepest nesting that is read, whatever [`Limits::depth`] asks for.
    pub const DEEPEST: u32 = 1024;

    /// The largest answer that is read, whatever [`Limits::response_bytes`] asks for: positions in it are 32-bit numbers.
    pub const LARGEST: usize = 1 << 30;

    /// The depth that is in force.
    pub(crate) fn effective_depth(&self) -> u32 {
        self.depth.min(Self::DEEPEST)
    }

    /// The size of an answer that is in force.
    pub(crate) fn effective_response_bytes(&self) -> usize {
        self.response_bytes.min(self.total_bytes).min(Self::LARGEST)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { response_bytes: 8 << 20, total_bytes: 32 << 20, depth: 512, values: 1 << 20 }
    }
}
