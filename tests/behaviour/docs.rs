//! What the guides show works: their manifests are valid, and the commands that are marked do what the guide says.
//!
//! A comment on the line before a block marks it:
//!
//! - `<!-- file NAME -->`: the block is in the file NAME when commands run;
//! - `<!-- dev -->`: the block is the `backstay dev` that the commands are run with, if that is to have options;
//! - `<!-- run -->`: bash runs the block, one guide's blocks in one shell, with `backstay dev` running; what it leaves in the
//!   background ends with the shell. `run fails`: it must fail; `run kubectl`: it is left out, aloud, where there is no
//!   kubectl;
//! - `<!-- prints -->`: each line of the block is in what the commands before it printed.
//!
//! `<!-- needs NAME NAME -->`, anywhere in a guide, has the whole guide left out, aloud, where there is no such program.
//!
//! Blocks of `yaml` must pass `backstay check`, marked or not, unless they say `yaml invalid`: then they must not.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::harness::{Dev, backstay, tools};
use crate::quickstart::USUAL_PORTS;

/// A fenced block, and the comment that marks it.
#[derive(Debug)]
struct Block {
    line: usize,
    mark: String,
    language: String,
    text: String,
}

fn guides() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut guides: Vec<_> = docs.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect();
    guides.push(root.join("README.md"));
    guides.sort();
    guides
}

fn blocks(guide: &Path) -> Vec<Block> {
    let text = std::fs::read_to_string(guide).unwrap();
    let mut blocks = Vec::new();
    let mut lines = text.lines().enumerate();
    let mut mark = String::new();
    while let Some((number, line)) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let body: Vec<_> = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
            let text = body.join("\n") + "\n";
            blocks.push(Block {
                line: number + 1,
                mark: std::mem::take(&mut mark),
                language: language.to_owned(),
                text,
            });
        } else {
            let comment = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->"));
            mark = comment.unwrap_or_default().to_owned();
        }
    }
    blocks
}

#[test]
fn every_manifest_of_the_guides_is_valid() {
    let scratch = tempfile::tempdir().unwrap();
    let mut checked = 0;
    for guide in guides() {
        for block in blocks(&guide).iter().filter(|block| block.language.starts_with("yaml")) {
            let file = scratch.path().join("block.yaml");
            std::fs::write(&file, &block.text).unwrap();
            let output = backstay(["check".as_ref(), "-f".as_ref(), file.as_os_str()]);
            let place = format!("{}:{}", guide.display(), block.line);
            let complaint = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.success(), block.language == "yaml", "{place}: {complaint}");
            checked += 1;
        }
    }
    assert!(checked > 5, "only {checked} manifests found");
}

#[test]
fn every_link_between_the_guides_leads_somewhere() {
    for guide in guides() {
        let text = std::fs::read_to_string(&guide).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = target.split('#').next().unwrap_or_default();
            if path.is_empty() || target.contains("://") {
                continue;
            }
            assert!(guide.parent().unwrap().join(path).exists(), "{}: {target}", guide.display());
        }
    }
}

#[test]
fn commands_of_the_guides_do_what_they_say() {
    let _ports = USUAL_PORTS.blocking_lock();
    let kubectl = tools::kubectls().pop();
    for guide in guides() {
        let blocks = blocks(&guide);
        let has = |name: &String| tools::answers(name, &["--version"]) || tools::answers(name, &["version"]);
        if let Some(name) = needs(&guide).into_iter().find(|name| !has(name)) {
            tools::lacking(&name, &format!("{} is not run without", guide.display()));
        } else if blocks.iter().any(|block| block.mark.starts_with("run")) {
            run(&guide, &blocks, kubectl.as_deref());
        }
    }
}

/// The programs that a guide cannot do without.
fn needs(guide: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(guide).unwrap();
    let named = text.lines().find_map(|line| line.strip_prefix("<!-- needs ")?.strip_suffix(" -->"));
    named.into_iter().flat_map(|names| names.split(' ')).map(str::to_owned).collect()
}

/// The options of the `backstay dev` that a guide's commands are run with.
fn options(blocks: &[Block]) -> Vec<&str> {
    let given = blocks.iter().find(|block| block.mark == "dev");
    let options =
        given.map(|block| block.text.trim().strip_prefix("backstay dev").expect("the command is backstay dev"));
    options.into_iter().flat_map(str::split_whitespace).collect()
}

/// Runs the marked blocks of one guide.
fn run(guide: &Path, blocks: &[Block], kubectl: Option<&Path>) {
    let scratch = tempfile::tempdir().unwrap();
    let tools = tempfile::tempdir().unwrap();
    let has_kubectl = kubectl.is_some();
    if let Some(kubectl) = kubectl {
        std::os::unix::fs::symlink(std::path::absolute(kubectl).unwrap(), tools.path().join("kubectl")).unwrap();
    }
    for block in blocks {
        if let Some(name) = block.mark.strip_prefix("file ") {
            std::fs::write(scratch.path().join(name), &block.text).unwrap();
        }
    }
    let mut arguments = vec!["--api", "127.0.0.1:7080", "--xds", "127.0.0.1:18000", "--admin", "127.0.0.1:9901"];
    arguments.extend(options(blocks));
    let _dev = Dev::start_at(scratch.path(), &scratch.path().join("data"), &arguments);
    // One shell, so that what a block sets is there in the next; marks in its output tell the blocks apart.
    let mut script = "set -eo pipefail\ntrap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n".to_owned();
    for (index, block) in blocks.iter().enumerate() {
        match block.mark.as_str() {
            "run kubectl" if !has_kubectl => {}
            "run" | "run kubectl" => script.push_str(&format!("{}\necho @@{index}\n", block.text)),
            "run fails" => script.push_str(&format!("if {{\n{}}}; then exit 99; fi\necho @@{index}\n", block.text)),
            _ => {}
        }
    }
    let binaries = Path::new(env!("CARGO_BIN_EXE_backstay")).parent().unwrap();
    let path = std::env::join_paths(
        [binaries.to_owned(), tools.path().to_owned()]
            .into_iter()
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    );
    let output = Command::new("timeout")
        .args(["120", "bash", "-c", &format!("exec 2>&1\n{script}")])
        .current_dir(scratch.path())
        .env("PATH", path.unwrap())
        .env("HOME", scratch.path())
        .env_remove("KUBECONFIG")
        .env_remove("BACKSTAY_SERVER")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}: {}\n{printed}", guide.display(), output.status);
    let mut before = None;
    for (index, block) in blocks.iter().enumerate() {
        if block.mark.starts_with("run") && (has_kubectl || !block.mark.ends_with("kubectl")) {
            before = Some(index);
        } else if block.mark.starts_with("run") {
            before = None;
        } else if block.mark == "prints"
            && let Some(last) = before
        {
            let until = printed.split(&format!("@@{last}\n")).next().unwrap();
            let section = until.rsplit("@@").next().unwrap();
            for line in block.text.lines() {
                assert!(section.contains(line), "{}:{}: {line:?} is not in\n{section}", guide.display(), block.line);
            }
        }
    }
}
