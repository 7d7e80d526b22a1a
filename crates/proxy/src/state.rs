//! The last good configuration on disk, so that a proxy that restarts serves without its control plane.
//!
//! One file, replaced as a whole: eight bytes that name the format, the XXH3 of what follows, and the resources in force as
//! one discovery response. It holds private keys and is readable by its owner alone; with keys, all of that is sealed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use backstay_proto::RESOURCE_TYPE_URL;
use backstay_proto::discovery::{Any, DeltaDiscoveryResponse, Resource};
use backstay_seal::{Keys, is_sealed};
use backstay_xds::client::Update;
use prost::Message;
use xxhash_rust::xxh3::xxh3_64;

mod keeper;
mod lock;

pub(crate) use keeper::keep;
pub(crate) use lock::StateLock;

#[cfg(test)]
mod tests;

const FORMAT: &[u8; 8] = b"BSTYCFG1";
const FILE: &str = "configuration";
/// Far above any configuration, and below what would hurt to read.
const MAX_BYTES: u64 = 2 << 30;

/// Why the last good configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The system said no.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file, or the directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another process keeps its state there.
    #[error("{} is in use by another proxy; each needs a directory of its own", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The file is not what this program wrote.
    #[error("{} is damaged ({why}); it is ignored and will be replaced", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The file belongs to another fleet.
    #[error("{} holds the configuration of fleet {found:?}; it is ignored and will be replaced", path.display())]
    OtherFleet {
        /// The file.
        path: PathBuf,
        /// The fleet whose configuration the file holds.
        found: String,
    },
}

/// Where the last good configuration is kept, and for which fleet.
#[derive(Clone, Debug)]
pub(crate) struct StateFile {
    directory: PathBuf,
    fleet: Arc<str>,
    /// What it is sealed with.
    keys: Option<Keys>,
}

impl StateFile {
    /// Makes the directory if it is not there, readable by its owner alone.
    pub(crate) fn open(directory: &Path, fleet: &str, keys: Option<Keys>) -> Result<Self, StateError> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(directory).map_err(|source| StateError::Io { path: directory.to_owned(), source })?;
        Ok(Self { directory: directory.to_owned(), fleet: fleet.into(), keys })
    }

    fn path(&self) -> PathBuf {
        self.directory.join(FILE)
    }

    /// The resources kept, none if nothing was kept yet.
    pub(crate) fn load(&self) -> Result<Vec<Update>, StateError> {
        let path = self.path();
        let mut content = Vec::new();
        let read = File::open(&path).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut content));
        match read {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(StateError::Io { path, source }),
        }
        if is_sealed(&content) {
            let unsealed = self.keys.as_ref().map(|keys| keys.unseal(FILE, &content));
            content = match unsealed {
                Some(Ok(content)) => content,
                Some(Err(_)) => {
                    return Err(StateError::Damaged { path, why: "it is sealed, and not with a key that is given" });
                }
                None => return Err(StateError::Damaged { path, why: "it is sealed, and no key is given" }),
            };
        }
        let response = match decode(&content) {
            Ok(response) => response,
            Err(why) => return Err(StateError::Damaged { path, why }),
        };
        if *response.system_version_info != *self.fleet {
            return Err(StateError::OtherFleet { path, found: response.system_version_info });
        }
        let update = |resource: Resource| Update {
            name: resource.name.into(),
            version: resource.version.into(),
            value: resource.resource.unwrap_or_default().value,
        };
        Ok(response.resources.into_iter().map(update).collect())
    }

    /// Replaces what is kept. After a crash at any moment the file is the old one or the new one.
    pub(crate) fn store(&self, resources: Vec<Update>) -> Result<(), StateError> {
        let resource = |update: Update| Resource {
            name: update.name.as_ref().to_owned(),
            version: update.version.as_ref().to_owned(),
            resource: Some(Any { type_url: RESOURCE_TYPE_URL.to_owned(), value: update.value }),
        };
        let response = DeltaDiscoveryResponse {
            system_version_info: self.fleet.as_ref().to_owned(),
            type_url: RESOURCE_TYPE_URL.to_owned(),
            resources: resources.into_iter().map(resource).collect(),
            ..DeltaDiscoveryResponse::default()
        };
        let body = response.encode_to_vec();
        let checksum = xxh3_64(&body).to_le_bytes();
        let parts = [FORMAT, &checksum[..], &body];
        let replaced = match &self.keys {
            None => replace(&self.directory, FILE, &parts),
            Some(keys) => keys
                .seal(FILE, &parts.concat())
                .map_err(io::Error::other)
                .and_then(|sealed| replace(&self.directory, FILE, &[&sealed])),
        };
        replaced.map_err(|source| StateError::Io { path: self.path(), source })
    }
}

/// Replaces a file by one with these parts, readable by its owner alone. After a crash at any moment it is the old one or the
/// new one.
pub(crate) fn replace(directory: &Path, file: &str, parts: &[&[u8]]) -> io::Result<()> {
    let temporary = directory.join(format!("{file}.new"));
    // What an earlier crash left behind may have other permissions.
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let moved = write_new(&temporary, parts).and_then(|()| fs::rename(&temporary, directory.join(file)));
    if let Err(error) = moved {
        // Half a file takes room where there is none, and nobody reads it.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    File::open(directory)?.sync_all()
}

/// Writes a new file of these parts, readable by its owner alone.
fn write_new(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut content = options.open(path)?;
    for part in parts {
        content.write_all(part)?;
    }
    content.sync_all()
}

fn decode(content: &[u8]) -> Result<DeltaDiscoveryResponse, &'static str> {
    let rest = content.strip_prefix(FORMAT).ok_or("it does not begin as this version writes it")?;
    let (checksum, body) = rest.split_first_chunk::<8>().ok_or("it is too short")?;
    if u64::from_le_bytes(*checksum) != xxh3_64(body) {
        return Err("its checksum is wrong");
    }
    DeltaDiscoveryResponse::decode(body).map_err(|_| "it cannot be decoded")
}
