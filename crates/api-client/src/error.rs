//! What goes wrong on the way to an API server.

use std::path::PathBuf;

/// Why a server cannot be reached as is asked. Nothing of a credential is quoted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is none.
    #[error("{0:?} is no address of an API: write it as https://HOST:PORT or http://HOST:PORT")]
    Address(String),
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A kubeconfig is not understood.
    #[error("{path}: {why}")]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        why: String,
    },
    /// Something that is named is not there.
    #[error("there is no {what} called {name:?} in {place}")]
    Missing {
        /// `context`, `cluster` or `user`.
        what: &'static str,
        /// What it is called.
        name: String,
        /// Where it was looked for.
        place: String,
    },
    /// Something of a kubeconfig is not done here.
    #[error("{field}: {why}")]
    Unsupported {
        /// The field.
        field: &'static str,
        /// Why not, or what to write in its place.
        why: &'static str,
    },
    /// A certificate, a key or an authority cannot be used.
    #[error("{what}: {why}")]
    Tls {
        /// Which of them.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A credential cannot be sent over a connection that anybody may read.
    #[error("a credential is sent over https alone, or to this machine: {0} is neither")]
    Exposed(String),
    /// A program that tells the credential did not.
    #[error("the credential plugin {command:?} {why}")]
    Plugin {
        /// The program.
        command: String,
        /// What it did.
        why: String,
    },
    /// There was no answer.
    #[error("cannot reach {server}: {why}")]
    Unreachable {
        /// The server.
        server: String,
        /// Why not.
        why: String,
    },
    /// The answer is a refusal.
    #[error("{server} answered {code}")]
    Refused {
        /// The server.
        server: String,
        /// The code.
        code: u16,
    },
    /// The answer is not what was asked for.
    #[error("{server} answered something else than was asked for: {why}")]
    Malformed {
        /// The server.
        server: String,
        /// What is wrong with it.
        why: String,
    },
}
