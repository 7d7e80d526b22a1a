//! Core `v1`: namespaces, secrets and config maps.

mod config_map;
mod data;
mod namespace;
mod secret;

pub use self::config_map::{CONFIG_MAP, ConfigMap};
pub use self::namespace::{NAMESPACE, Namespace, NamespaceSpec, NamespaceStatus};
pub use self::secret::{KeyPair, MaterialFault, SECRET, Secret};
