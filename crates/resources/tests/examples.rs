//! Every manifest that is shipped is one that is accepted, whole.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use backstay_resources::decode::{self, Document};
use backstay_resources::{Kind, Registry, admit};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files
}

fn documents(file: &Path) -> Vec<(&'static Kind, Document)> {
    let documents =
        decode::documents(&std::fs::read(file).unwrap()).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let known = |document: Document| {
        let word = |name: &str| document.value[name].as_str().unwrap_or_default().to_owned();
        let kind = Registry::built_in().by_kind(&word("apiVersion"), &word("kind"));
        let line = document.lines.start();
        (kind.unwrap_or_else(|| panic!("{}:{line}: {} {}", file.display(), word("apiVersion"), word("kind"))), document)
    };
    documents.into_iter().map(known).collect()
}

#[test]
fn every_example_is_accepted_without_a_warning() {
    let files = files();
    assert!(files.len() >= 7, "{files:?}");
    for file in files {
        let documents = documents(&file);
        assert!(!documents.is_empty(), "{}", file.display());
        for (kind, Document { value, duplicates, lines }) in documents {
            let admitted = admit(kind, value, None).unwrap_or_else(|errors| {
                let said = errors.iter().map(|error| format!("{}:{}: {error}", file.display(), lines.of(&error.path)));
                panic!("{}", said.collect::<Vec<_>>().join("\n"))
            });
            assert!(duplicates.is_empty() && admitted.unknown.is_empty(), "{}: {:?}", file.display(), admitted.unknown);
        }
    }
}

#[test]
fn no_two_examples_claim_one_object_and_no_two_gateways_one_port() {
    let (mut names, mut ports) = (BTreeSet::new(), BTreeSet::new());
    for (kind, document) in files().iter().flat_map(|file| documents(file)) {
        let metadata = &document.value["metadata"];
        let name = format!("{}/{}/{}", kind.resource(), metadata["namespace"], metadata["name"]);
        assert!(names.insert(name.clone()), "{name}");
        for listener in document.value["spec"]["listeners"].as_array().into_iter().flatten() {
            assert!(ports.insert(listener["port"].as_i64()), "{name}: {}", listener["port"]);
        }
    }
}

#[test]
fn examples_show_every_kind_that_belongs_in_a_file() {
    let shown: BTreeSet<String> =
        files().iter().flat_map(|file| documents(file)).map(|(kind, _)| kind.resource()).collect();
    // Leases are made by the programs that elect a leader among them.
    let belongs = |kind: &&Kind| !kind.group.is_empty() && kind.kind != "Lease";
    for kind in Registry::built_in().iter().filter(belongs) {
        assert!(shown.contains(&kind.resource()), "{}", kind.resource());
    }
}
