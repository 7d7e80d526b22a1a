//! Why a control plane cannot run.

use std::net::SocketAddr;

/// The control plane could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store could not be opened.
    #[error(transparent)]
    Open(#[from] backstay_store::OpenError),
    /// Objects that must always exist could not be created.
    #[error("cannot prepare the store: {0}")]
    Prepare(String),
    /// An address could not be listened on.
    #[error("cannot listen on {address} for {purpose}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What it is for.
        purpose: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// An address reaches beyond this machine and nothing protects it.
    #[error("{0}: use a loopback address behind a tunnel, or add --insecure where the network is trusted")]
    Exposed(#[from] backstay_guard::Exposed),
    /// What the store holds could not be compiled.
    #[error("the compiler failed on what the store holds; the log says where")]
    Compile,
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}
