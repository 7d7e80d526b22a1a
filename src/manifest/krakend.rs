//! Configurations of KrakenD as objects.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use backstay_krakend::document::Format;
use backstay_krakend::plan::NamedFile;
use backstay_krakend::{Options, UnknownExtraConfig, check};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::source::KrakendFile;
use crate::client::Segment;

/// Larger files are left out: no key, certificate or set of keys is that large, and a Secret has room for as much.
const MAX_FILE_BYTES: u64 = 512 * 1024;
/// What a configuration is called whose file has no name that one can have.
const USUAL_NAME: &str = "krakend";

/// Options for configurations of KrakenD among manifests.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct KrakendArgs {
    /// Name of the KrakendConfig that a krakend.json becomes [default: that of its file]
    #[arg(long, value_name = "NAME")]
    name: Option<Segment>,
    /// What components of a krakend.json are that guard or change traffic and are not served
    #[arg(long, value_enum, value_name = "error|warn", default_value_t, hide_possible_values = true)]
    pub(crate) unknown_extra_config: Unknown,
    /// Whether `/__debug` answers whatever the configuration says.
    #[arg(skip)]
    debug: bool,
}

/// What components are that guard or change traffic and are not served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Unknown {
    /// The configuration is refused.
    #[default]
    Error,
    /// They are left out, with a warning.
    Warn,
}

impl From<Unknown> for UnknownExtraConfig {
    fn from(unknown: Unknown) -> Self {
        match unknown {
            Unknown::Error => Self::Error,
            Unknown::Warn => Self::Warn,
        }
    }
}

impl KrakendArgs {
    /// With `/__debug`, as `krakend run -d` has it.
    pub(crate) fn with_debug(self) -> Self {
        Self { debug: true, ..self }
    }

    /// A configuration as objects: a KrakendConfig, and before it Secrets with the files that it names and that are there. What is not
    /// there the control plane asks for.
    pub(crate) fn objects(&self, file: &KrakendFile) -> Vec<Value> {
        let name = self.name.as_ref().map_or_else(|| name(&file.origin), ToString::to_string);
        let checked =
            check(&file.text, file.format, Options { unknown_extra_config: self.unknown_extra_config.into() });
        let named = checked.plan.map(|plan| plan.files()).unwrap_or_default();
        let (mut objects, files) = secrets(&name, &file.origin, &named);
        let format = match file.format {
            Format::Json => "JSON",
            Format::Yaml => "YAML",
            Format::Toml => "TOML",
        };
        let mut spec = json!({"text": file.text, "format": format});
        if !files.is_empty() {
            spec["files"] = files.into();
        }
        if self.unknown_extra_config == Unknown::Warn {
            spec["unknownExtraConfig"] = "Warn".into();
        }
        if self.debug {
            spec["debug"] = true.into();
        }
        objects.push(json!({
            "apiVersion": "backstay.dev/v1alpha1", "kind": "KrakendConfig", "metadata": {"name": name}, "spec": spec,
        }));
        objects
    }
}

/// The name of an object for a file: that of the file without what is behind its first dot.
fn name(origin: &str) -> String {
    let stem = Path::new(origin).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let stem = stem.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let name: String = stem.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect();
    let name = name.trim_matches('-');
    if name.is_empty() || name == "stdin" { USUAL_NAME.to_owned() } else { name.chars().take(63).collect() }
}

/// Secrets with the files that are there, and the entries of `spec.files` that lead to them.
fn secrets(config: &str, origin: &str, named: &[NamedFile]) -> (Vec<Value>, Vec<Value>) {
    let mut objects = Vec::new();
    let mut entries = Vec::new();
    let mut plain = BTreeMap::new();
    for file in named {
        match file {
            NamedFile::KeyPair { certificate, private_key } => {
                let Some((chain, key)) = content(certificate, origin).zip(content(private_key, origin)) else {
                    continue;
                };
                let secret = format!("{config}-tls-{}", objects.len());
                for (path, entry) in [(certificate, "tls.crt"), (private_key, "tls.key")] {
                    entries.push(json!({"path": path, "secretRef": {"name": secret, "key": entry}}));
                }
                let data = json!({"tls.crt": STANDARD.encode(chain), "tls.key": STANDARD.encode(key)});
                objects.push(self::secret(&secret, "kubernetes.io/tls", data));
            }
            NamedFile::Plain(path) => {
                let Some(content) = content(path, origin) else { continue };
                let key = format!("file-{}", plain.len());
                entries.push(json!({"path": path, "secretRef": {"name": format!("{config}-files"), "key": key}}));
                plain.insert(key, STANDARD.encode(content));
            }
        }
    }
    if !plain.is_empty() {
        objects.push(secret(&format!("{config}-files"), "Opaque", json!(plain)));
    }
    (objects, entries)
}

fn secret(name: &str, kind: &str, data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": kind, "data": data})
}

/// What is in a file: as KrakenD finds it, from where the command is run, or beside the configuration.
fn content(path: &str, origin: &str) -> Option<Vec<u8>> {
    let beside = Path::new(origin).parent().map(|directory| directory.join(path));
    let candidates = [Some(PathBuf::from(path)), beside];
    let found = candidates.into_iter().flatten().find(|path| path.is_file())?;
    let size = std::fs::metadata(&found).ok()?.len();
    if size > MAX_FILE_BYTES { None } else { std::fs::read(found).ok() }
}

#[cfg(test)]
mod tests;
