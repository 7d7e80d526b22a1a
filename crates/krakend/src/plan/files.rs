//! The files that a configuration names.

use super::{Extension, Plan};

/// Files that belong together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum NamedFile {
    /// A certificate and its key.
    KeyPair {
        /// The certificate.
        certificate: String,
        /// The key.
        private_key: String,
    },
    /// Any other.
    Plain(String),
}

impl Plan {
    /// The files that it names, each once.
    #[must_use]
    pub fn files(&self) -> Vec<NamedFile> {
        let pair = |(certificate, private_key): &(String, String)| NamedFile::KeyPair {
            certificate: certificate.clone(),
            private_key: private_key.clone(),
        };
        let plain = |path: &String| NamedFile::Plain(path.clone());
        let mut files = Vec::new();
        if let Some(tls) = &self.listener.tls {
            files.extend(tls.keys.iter().map(pair));
            files.extend(tls.ca_certs.iter().map(plain));
        }
        if let Some(tls) = &self.transport.tls {
            files.extend(tls.certificates.iter().map(pair));
            files.extend(tls.ca_certs.iter().map(plain));
        }
        let backends = self.endpoints.iter().flat_map(|endpoint| &endpoint.backends);
        let extensions = self
            .extensions
            .iter()
            .chain(self.endpoints.iter().flat_map(|endpoint| &endpoint.extensions))
            .chain(backends.flat_map(|backend| &backend.extensions));
        files.extend(extensions.filter_map(keys).map(|path| NamedFile::Plain(path.to_owned())));
        files.sort();
        files.dedup();
        files
    }
}

/// The file with the keys of a validator or a signer.
fn keys(extension: &Extension) -> Option<&str> {
    let path = extension.settings.get("jwk_local_path")?.node.text()?;
    (!path.is_empty()).then_some(path)
}
