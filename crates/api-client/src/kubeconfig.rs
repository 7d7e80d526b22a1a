//! Files that say where API servers are and who asks them, as kubectl has them.
//!
//! Source: Kubernetes, `client-go/tools/clientcmd`, `v1` `Config`. Of several files the first that has something says it.

mod fields;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tokio::sync::Mutex;

use self::fields::{Cluster, Context, Exec, File, User};
use crate::address::Address;
use crate::credential::{Credential, Secret};
use crate::error::Error;
use crate::exec::Plugin;

/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 4 * 1024 * 1024;
/// Where a pod finds who it is.
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// A server, and who asks it.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where it is.
    pub address: Address,
    /// The authorities that its certificate is of, PEM. None: those of the system.
    pub authorities: Option<Vec<u8>>,
    /// The name that its certificate must have. None: the host of the address.
    pub server_name: Option<String>,
    /// Who asks.
    pub credential: Credential,
    /// The namespace of what names none, where the context says so.
    pub namespace: Option<String>,
}

/// What files say.
#[derive(Debug, Default)]
pub struct Kubeconfig {
    files: Vec<(PathBuf, File)>,
}

impl Kubeconfig {
    /// Reads files. Those that are not there are passed over where there are several, as with `KUBECONFIG`.
    ///
    /// # Errors
    /// When one cannot be read, or is no kubeconfig.
    pub fn read(paths: &[PathBuf]) -> Result<Self, Error> {
        let mut files = Vec::new();
        for path in paths {
            let failed = |source| Error::Read { path: path.clone(), source };
            match std::fs::metadata(path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && paths.len() > 1 => continue,
                Err(error) => return Err(failed(error)),
                Ok(metadata) if metadata.len() > MAX_BYTES => {
                    let why = format!("it is larger than {MAX_BYTES} bytes");
                    return Err(Error::Kubeconfig { path: path.clone(), why });
                }
                Ok(_) => {}
            }
            let text = std::fs::read_to_string(path).map_err(failed)?;
            files.push((path.clone(), parse(path, &text)?));
        }
        Ok(Self { files })
    }

    fn place(&self) -> String {
        self.files.iter().map(|(path, _)| path.display().to_string()).collect::<Vec<_>>().join(", ")
    }

    fn find<'a, T>(
        &'a self,
        what: &'static str,
        name: &str,
        of: impl Fn(&'a File) -> &'a [fields::Named<T>],
    ) -> Result<(&'a Path, &'a T), Error> {
        let found = self.files.iter().find_map(|(path, file)| {
            of(file).iter().find(|named| named.name == name).map(|named| (path.as_path(), &named.value))
        });
        found.ok_or_else(|| Error::Missing { what, name: name.to_owned(), place: self.place() })
    }

    /// The server of a context, or of the current one, and who asks it. `None` where no context is named and there is no current one.
    ///
    /// # Errors
    /// When what it names is not there, cannot be read, or is not done here.
    pub fn target(&self, context: Option<&str>) -> Result<Option<Target>, Error> {
        let current = self.files.iter().map(|(_, file)| file.current_context.as_str()).find(|name| !name.is_empty());
        let Some(name) = context.or(current) else { return Ok(None) };
        let (_, context): (_, &Context) = self.find("context", name, |file| &file.contexts)?;
        let (path, cluster): (_, &Cluster) = self.find("cluster", &context.cluster, |file| &file.clusters)?;
        let authorities = cluster.authorities(folder(path))?;
        let address: Address = cluster.server.parse()?;
        let credential = match context.user.as_str() {
            "" => Credential::None,
            user => {
                let (path, user): (_, &User) = self.find("user", user, |file| &file.users)?;
                user.credential(folder(path), cluster, authorities.as_deref())?
            }
        };
        let namespace = Some(context.namespace.clone()).filter(|namespace| !namespace.is_empty());
        let server_name = Some(cluster.tls_server_name.clone()).filter(|name| !name.is_empty());
        Ok(Some(Target { address, authorities, server_name, credential, namespace }))
    }
}

impl Target {
    /// The API server of the cluster that this process is a pod of.
    ///
    /// # Errors
    /// When it is none.
    pub fn in_cluster() -> Result<Self, Error> {
        let variable = |name: &str| std::env::var(name).map_err(|_| Error::Address(format!("${name} (in-cluster)")));
        let (host, port) = (variable("KUBERNETES_SERVICE_HOST")?, variable("KUBERNETES_SERVICE_PORT")?);
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        let authorities = read(&Path::new(ACCOUNT).join("ca.crt"))?;
        Ok(Self {
            address: format!("https://{host}:{port}").parse()?,
            authorities: Some(authorities),
            server_name: None,
            credential: Credential::TokenFile(Path::new(ACCOUNT).join("token")),
            namespace: None,
        })
    }

    /// The server that the current context of a file names, or with the word `in-cluster` the one that this process is a pod of.
    ///
    /// # Errors
    /// When there is none, or it cannot be used.
    pub fn of_file(path: &Path) -> Result<Self, Error> {
        if path.as_os_str() == "in-cluster" {
            return Self::in_cluster();
        }
        let target = Kubeconfig::read(&[path.to_owned()])?.target(None)?;
        target.ok_or_else(|| Error::Kubeconfig { path: path.to_owned(), why: "it has no current-context".to_owned() })
    }
}

fn parse(path: &Path, text: &str) -> Result<File, Error> {
    // Nothing of the file is quoted: it may hold tokens and keys.
    let options = serde_saphyr::options! { with_snippet: false, };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let line = error.location().map_or(0, |location| location.line());
        Error::Kubeconfig { path: path.to_owned(), why: format!("line {line}: it is not a kubeconfig") }
    })
}

fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or_else(|| Path::new(""))
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

/// What a field has in base64, or the file that the other names.
fn data(data: &str, file: &str, folder: &Path, what: &'static str) -> Result<Option<Vec<u8>>, Error> {
    if !data.is_empty() {
        let decoded = STANDARD.decode(data).map_err(|_| Error::Tls { what, why: "it is not base64".to_owned() })?;
        return Ok(Some(decoded));
    }
    if file.is_empty() { Ok(None) } else { read(&folder.join(file)).map(Some) }
}

impl Cluster {
    fn authorities(&self, folder: &Path) -> Result<Option<Vec<u8>>, Error> {
        if self.insecure_skip_tls_verify {
            let why = "whoever is on the way could read the credential: name the authority (certificate-authority)";
            return Err(Error::Unsupported { field: "insecure-skip-tls-verify", why });
        }
        if !self.proxy_url.is_empty() {
            let why = "connections go to the server alone, not over a proxy";
            return Err(Error::Unsupported { field: "proxy-url", why });
        }
        data(&self.certificate_authority_data, &self.certificate_authority, folder, "certificate-authority")
    }
}

impl User {
    fn credential(&self, folder: &Path, cluster: &Cluster, authorities: Option<&[u8]>) -> Result<Credential, Error> {
        if !self.username.is_empty() || !self.password.is_empty() {
            return Err(Error::Unsupported { field: "username", why: "passwords are not sent: use a token" });
        }
        if self.auth_provider.is_some() {
            return Err(Error::Unsupported {
                field: "auth-provider",
                why: "it is gone from Kubernetes as well: use exec",
            });
        }
        if !self.impersonate.is_empty() {
            return Err(Error::Unsupported { field: "as", why: "nobody is spoken for: use a credential of their own" });
        }
        if !self.token_file.is_empty() {
            return Ok(Credential::TokenFile(folder.join(&self.token_file)));
        }
        if !self.token.is_empty() {
            return Ok(Credential::Token(Secret::new(&*self.token)));
        }
        let chain = data(&self.client_certificate_data, &self.client_certificate, folder, "client-certificate")?;
        let key = data(&self.client_key_data, &self.client_key, folder, "client-key")?;
        match (chain, key) {
            (Some(chain), Some(key)) => {
                let key = String::from_utf8(key)
                    .map_err(|_| Error::Tls { what: "client-key", why: "it is not PEM".to_owned() })?;
                Ok(Credential::Certificate { chain, key: Secret::new(key) })
            }
            (None, None) => match &self.exec {
                Some(exec) => {
                    exec.plugin(folder, cluster, authorities).map(|plugin| Credential::Plugin(Arc::new(plugin)))
                }
                None => Ok(Credential::None),
            },
            _ => Err(Error::Unsupported {
                field: "client-certificate",
                why: "a certificate goes with its key, and a key with its certificate",
            }),
        }
    }
}

impl Exec {
    fn plugin(&self, folder: &Path, cluster: &Cluster, authorities: Option<&[u8]>) -> Result<Plugin, Error> {
        let known = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];
        if !known.contains(&self.api_version.as_str()) {
            let why = "it must be client.authentication.k8s.io/v1 or v1beta1";
            return Err(Error::Unsupported { field: "exec.apiVersion", why });
        }
        let cluster = self.provide_cluster_info.then(|| {
            let mut told = json!({"server": cluster.server});
            if let Some(authorities) = authorities {
                told["certificate-authority-data"] = STANDARD.encode(authorities).into();
            }
            told
        });
        Ok(Plugin {
            command: self.command.clone(),
            arguments: self.args.clone().unwrap_or_default(),
            environment: self.env.iter().flatten().map(|one| (one.name.clone(), Secret::new(&*one.value))).collect(),
            api_version: self.api_version.clone(),
            cluster,
            folder: folder.to_owned(),
            last: Mutex::default(),
        })
    }
}

#[cfg(test)]
mod tests;
