//! Core `v1`: namespaces and secrets.

mod namespace;
mod secret;

pub use self::namespace::{NAMESPACE, Namespace, NamespaceSpec, NamespaceStatus};
pub use self::secret::{KeyPair, MaterialFault, SECRET, Secret};
