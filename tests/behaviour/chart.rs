//! The Helm chart: what it renders is well formed, for many values and with both Helms; what it refuses; and it runs.

mod real;
mod refused;
mod rendered;
mod runs;
mod typed;
mod upgrade;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::harness::cluster::documents;

/// The folder of the chart.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/helm/backstay")
}

/// Runs a Helm on the chart, with these values.
fn helm(binary: &Path, subcommand: &[&str], values: &Value) -> Output {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("values.json");
    std::fs::write(&file, values.to_string()).unwrap();
    let mut command = Command::new(binary);
    command.args(subcommand).arg(folder()).arg("--values").arg(&file);
    command.env("HOME", home.path()).env_remove("KUBECONFIG").output().unwrap()
}

/// What the release `edge` in the namespace `traffic` is made of with these values.
fn template(binary: &Path, values: &Value) -> Vec<Value> {
    let output = helm(binary, &["template", "edge", "--namespace", "traffic"], values);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} with {values}: {complaint}", binary.display());
    documents(&String::from_utf8(output.stdout).unwrap())
}

/// The only object of a kind whose name ends so.
fn find<'a>(objects: &'a [Value], kind: &str, end: &str) -> &'a Value {
    try_find(objects, kind, end).unwrap_or_else(|| panic!("no {kind} ...{end}"))
}

fn try_find<'a>(objects: &'a [Value], kind: &str, end: &str) -> Option<&'a Value> {
    let named = |object: &&Value| object["metadata"]["name"].as_str().unwrap_or_default().ends_with(end);
    objects.iter().filter(|object| object["kind"] == kind).find(named)
}

/// Whether an object belongs to `helm test` alone.
fn is_test(object: &Value) -> bool {
    object["metadata"]["annotations"]["helm.sh/hook"] == "test"
}
