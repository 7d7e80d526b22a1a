//! Every limit of the gRPC dialect that REST does not have.

/// Settings.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Resources on a page whose client does not say how many. Default 500.
    pub page_size: usize,
    /// Resources on a page at most, whatever the client says. Default 5,000.
    pub max_page_size: usize,
    /// Bytes of stored objects on a page; it ends before it has more, but has one object at least. Default 3 MiB, below the 4 MiB
    /// that clients take for a message.
    pub max_page_bytes: usize,
    /// Resources in an answer of the client status discovery service, which has no pages. Default 50,000.
    pub max_status_resources: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { page_size: 500, max_page_size: 5000, max_page_bytes: 3 << 20, max_status_resources: 50_000 }
    }
}
