//! Why a control plane cannot run.

use std::net::SocketAddr;

/// The control plane could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store could not be opened.
    #[error(transparent)]
    Open(#[from] backstay_store::OpenError),
    /// What is asked of whoever sends requests cannot be had.
    #[error(transparent)]
    Access(#[from] crate::access::AccessError),
    /// Objects that must always exist could not be created.
    #[error("cannot prepare the store: {0}")]
    Bootstrap(#[from] BootstrapError),
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
    #[error(
        "{exposed}, since it has no {lacks}: give it both ({help}), use a loopback address behind a tunnel, or add --insecure where the \
         network is trusted"
    )]
    Exposed {
        /// Which address.
        exposed: backstay_guard::Exposed,
        /// What it has not.
        lacks: &'static str,
        /// Options that give it that.
        help: &'static str,
    },
    /// A certificate, a key or an authority in a file cannot be used.
    #[error("{option}: {source}")]
    File {
        /// The option that names the file.
        option: &'static str,
        /// Why.
        source: backstay_certificate::FileError,
    },
    /// The authority cannot be used.
    #[error("{option}: {source}")]
    Authority {
        /// The option that asks for it.
        option: &'static str,
        /// Why.
        source: backstay_certificate::AuthorityError,
    },
    /// The authority could not be kept in the store, or what is kept is none.
    #[error("the authority cannot be kept in the store: {0}")]
    KeepAuthority(String),
    /// There is no authority whose certificate could be published.
    #[error("--publish-ca: this control plane has no authority: start it with --authority or --ca-cert")]
    NothingToPublish,
    /// The cluster that the certificate is to be published in cannot be asked.
    #[error("--publish-ca-kubeconfig: {0}")]
    Publish(#[source] backstay_api_client::Error),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] backstay_certificate::TlsError),
    /// The keys that what is stored is sealed with cannot be used.
    #[error("--encryption-key-file: {0}")]
    Keys(#[from] backstay_store::KeysError),
    /// What the store holds could not be compiled.
    #[error("the compiler failed on what the store holds; the log says where")]
    Compile,
    /// Two dialects want one kind.
    #[error("the compiler cannot be put together: {0}")]
    Assemble(#[from] backstay_compiler::KindTaken),
    /// The gRPC API does not fit the contracts that it is described by.
    #[error("the gRPC API cannot be put together: {0}")]
    Grpc(#[from] backstay_admin::BuildError),
    /// What the environment says of collectors cannot be honoured.
    #[error(transparent)]
    Telemetry(backstay_telemetry::EnvironmentError),
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] std::io::Error),
}

/// Objects that must always exist could not be created.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// Those of the Kubernetes-style API.
    #[error(transparent)]
    Kube(#[from] backstay_kube::BootstrapError),
    /// An object could not be encoded.
    #[error("cannot encode the {kind} that always exists: {source}")]
    Encode {
        /// Its kind.
        kind: &'static str,
        /// Why not.
        source: serde_json::Error,
    },
    /// The store did not take an object.
    #[error("cannot store the {kind} that always exists: {source}")]
    Commit {
        /// Its kind.
        kind: &'static str,
        /// Why not.
        source: backstay_store::CommitError,
    },
}
