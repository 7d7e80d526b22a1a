//! The commit that is built, for `backstay version`: `BACKSTAY_COMMIT` of whoever builds from an archive, else what git says.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=BACKSTAY_COMMIT");
    let given = std::env::var("BACKSTAY_COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = given.or_else(|| {
        // A commit moves the log of HEAD, whatever branch it is on.
        let log = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
        println!("cargo::rerun-if-changed={log}");
        git(&["rev-parse", "--short=12", "HEAD"])
    });
    println!("cargo::rustc-env=BACKSTAY_COMMIT={}", commit.unwrap_or_default());
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}
