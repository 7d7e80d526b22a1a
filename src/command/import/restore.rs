//! Making a store of what `backstay export` printed.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use backstay_control_plane::{EtcdOptions, Keys, backup};
use backstay_resources::check::admit;

use crate::command::check::{faults, tell};
use crate::manifest::{FileArgs, KrakendArgs};
use crate::output;

/// Where the store is that is made.
pub(super) enum Place<'a> {
    /// In a data directory, sealed with these keys.
    Directory(&'a Path, Option<Keys>),
    /// On etcd.
    Etcd(Box<EtcdOptions>),
}

/// Reads objects, and makes the store of `place` of them. Nothing is changed when anything is wrong with one.
///
/// # Errors
/// When the store cannot be written, or a control plane has it open.
pub(super) async fn run(files: &FileArgs, place: Place<'_>, replace: bool) -> Result<ExitCode> {
    let manifests = files.read(&KrakendArgs::default());
    let mut problems = manifests.problems;
    if manifests.documents.is_empty() && problems.is_empty() {
        bail!("no objects passed to import");
    }
    problems.extend(faults::repeated(&manifests.documents, None));
    let mut objects = Vec::with_capacity(manifests.documents.len());
    for document in &manifests.documents {
        let Some(kind) = document.kind() else {
            let name = &document.name;
            problems.push(document.problem("kind", format!("there is no kind {} {}", name.api_version, name.kind)));
            continue;
        };
        // As it was stored: what a newer version of Backstay had let in is not taken apart.
        match admit(kind, faults::with_namespace(kind, document, None), None) {
            Ok(admitted) if admitted.unknown.is_empty() => {
                let mut object = admitted.object;
                // Another version of a kind is stored as the first.
                if let Some(stored) = backstay_control_plane::registry().iter().find(|stored| *stored == kind) {
                    object.api_version = stored.api_version();
                }
                objects.push((kind, object));
            }
            Ok(admitted) => problems.extend(
                admitted.unknown.iter().map(|field| document.problem(field.path().as_str(), "there is no such field")),
            ),
            Err(errors) => problems
                .extend(errors.iter().map(|error| document.problem(error.path.as_str(), error.message.as_str()))),
        }
    }
    if !problems.is_empty() {
        tell(problems);
        output::error_line("error: nothing was imported");
        return Ok(ExitCode::FAILURE);
    }
    let (count, place) = match place {
        Place::Directory(data_dir, keys) => {
            (backup::restore(data_dir, objects, replace, keys).await?, format!("of {}", data_dir.display()))
        }
        Place::Etcd(etcd) => {
            let place = format!("on etcd, below {}", etcd.prefix);
            (backup::restore_on(*etcd, objects, replace).await?, place)
        }
    };
    let noun = if count == 1 { "object" } else { "objects" };
    output::line(format_args!("{count} {noun} are in the store {place}"))?;
    Ok(ExitCode::SUCCESS)
}
