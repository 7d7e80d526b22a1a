//! The image: its file says nothing that an image should not, and what it puts together runs as nobody, without a shell.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::process::Process;
use crate::harness::tools;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The instructions of the file, each with its arguments; continued lines are one.
fn instructions() -> Vec<(String, String)> {
    let text = std::fs::read_to_string(root().join("deploy/image/Dockerfile")).unwrap().replace("\\\n", " ");
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| line.split_once(' ').unwrap())
        .map(|(name, rest)| (name.to_owned(), rest.trim().to_owned()))
        .collect()
}

/// The words of an instruction in its exec form.
fn words(arguments: &str) -> Vec<String> {
    serde_json::from_str(arguments).unwrap_or_else(|_| panic!("a shell would run {arguments}"))
}

#[test]
fn bases_are_pinned_nothing_goes_through_a_shell_and_nobody_is_root() {
    let mut stages = Vec::new();
    let mut user = None;
    for (name, arguments) in instructions() {
        match name.as_str() {
            "FROM" => {
                let mut parts = arguments.split(" AS ");
                let image = parts.next().unwrap();
                let (repository, tag) = image.rsplit_once(':').unwrap_or_else(|| panic!("{image} is not pinned"));
                assert!(repository.contains('.') && tag != "latest", "{image} is whatever a registry says today");
                stages.push(parts.next().map(str::to_owned));
                user = None;
            }
            "RUN" | "CMD" | "ENTRYPOINT" => _ = words(&arguments),
            "USER" => user = Some(arguments),
            "COPY" => {
                let from = arguments.strip_prefix("--from=").map(|rest| rest.split(' ').next().unwrap());
                if let Some(from) = from {
                    assert!(stages.contains(&Some(from.to_owned())), "there is no stage {from}");
                }
            }
            "WORKDIR" | "ARG" | "ENV" | "LABEL" | "EXPOSE" => {}
            other => panic!("{other} is not needed"),
        }
    }
    assert_eq!(user.as_deref(), Some("65532:65532"), "the last stage runs as nobody");
    assert!(instructions().iter().any(|(name, rest)| name == "RUN" && words(rest).contains(&"--locked".to_owned())));
    // The version of the compiler is the one that the workspace asks for.
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let version = manifest.lines().find_map(|line| line.strip_prefix("rust-version = \"")?.strip_suffix('"')).unwrap();
    assert!(instructions()[0].1.contains(&format!("rust:{version}.")), "{version}");
}

#[test]
fn what_the_image_holds_runs_as_nobody_and_without_a_shell() {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if !is_root || !tools::answers("chroot", &["--version"]) || !tools::answers("objcopy", &["--version"]) {
        tools::lacking("root with chroot and objcopy", "an image is put together and entered with them");
        return;
    }
    let image = tempfile::tempdir().unwrap();
    // What the compiler has made, in place of compiling it once more.
    let binary = env!("CARGO_BIN_EXE_backstay");
    for (_, arguments) in instructions().into_iter().filter(|(name, _)| name == "RUN") {
        let words = words(&arguments);
        if words[0] == "cargo" {
            continue;
        }
        let here = |word: &String| match word.strip_prefix("/image") {
            Some(path) => format!("{}{path}", image.path().display()),
            None => word.replace("target/release/backstay", binary),
        };
        let done = Command::new(&words[0]).args(words[1..].iter().map(here)).current_dir(root()).output().unwrap();
        assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    }
    // What the base has: the loader and the libraries of C, and no more than is asked for.
    let linked = Command::new("ldd").arg(binary).output().unwrap();
    for library in String::from_utf8_lossy(&linked.stdout).split_whitespace().filter(|word| word.starts_with('/')) {
        let target = image.path().join(library.trim_start_matches('/'));
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(library, target).unwrap();
        let name = Path::new(library).file_name().unwrap().to_str().unwrap();
        let is_of_base = ["ld-linux", "libc.so", "libm.so", "libgcc_s", "libpthread", "libdl", "librt"];
        assert!(is_of_base.iter().any(|begin| name.starts_with(begin)), "the base has no {name}");
    }
    // mkdtemp makes folders for their owner alone.
    let open = Command::new("chmod").arg("755").arg(image.path()).status().unwrap();
    assert!(open.success());
    let entered = |arguments: &[&str]| {
        let mut command = Command::new("chroot");
        command
            .args(["--userspec=65532:65532", "--groups="])
            .arg(image.path())
            .arg("/usr/bin/backstay")
            .args(arguments);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").output().unwrap()
    };
    let version = entered(&["version"]);
    assert!(version.status.success(), "{}", String::from_utf8_lossy(&version.stderr));
    // It may write where volumes go, and nowhere else.
    let mut command = Command::new("chroot");
    command
        .args(["--userspec=65532:65532", "--groups="])
        .arg(image.path())
        .args(["/usr/bin/backstay", "control-plane"]);
    command.args(["--data-dir", "/var/lib/backstay", "--api", "127.0.0.1:0", "--xds", "127.0.0.1:0"]);
    let mut control_plane = Process::of(command, "control-plane in the image", &BTreeMap::new());
    control_plane.wait_for_line("API on");
    assert!(image.path().join("var/lib/backstay/store.redb").exists());
    control_plane.signal("TERM");
    assert!(control_plane.wait().success(), "{}", control_plane.printed());
    let elsewhere = entered(&["man", "/usr/share/man"]);
    assert!(!elsewhere.status.success());
    assert!(!image.path().join("bin/sh").exists());
}
