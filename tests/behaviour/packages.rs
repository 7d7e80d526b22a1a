//! The Debian package: it installs, upgrades with what an operator has changed, is removed and purged. In a copy of this system that is
//! thrown away: an overlay of it in a mount namespace of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::tools;

/// A folder that `cargo deb` takes for this repository, with a package of the binary that is tested.
fn workspace(version: &str) -> tempfile::TempDir {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scratch = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(root).unwrap().map(Result::unwrap) {
        let name = entry.file_name();
        if !["target", "Cargo.toml", ".git"].iter().any(|other| name == *other) {
            std::os::unix::fs::symlink(entry.path(), scratch.path().join(name)).unwrap();
        }
    }
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let manifest = manifest.replacen("version = \"0.1.0\"", &format!("version = \"{version}\""), 1);
    std::fs::write(scratch.path().join("Cargo.toml"), manifest).unwrap();
    let package = scratch.path().join("target/package");
    std::fs::create_dir_all(package.join("completions")).unwrap();
    let run = |command: &mut Command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    run(Command::new("objcopy").arg("--strip-all").arg(env!("CARGO_BIN_EXE_backstay")).arg(package.join("backstay")));
    run(Command::new(package.join("backstay")).arg("man").arg(package.join("man")));
    for shell in ["bash", "zsh", "fish"] {
        let text = run(Command::new(package.join("backstay")).args(["completions", shell]));
        std::fs::write(package.join(format!("completions/backstay.{shell}")), text).unwrap();
    }
    scratch
}

/// Makes a package of this version.
fn package(cargo_deb: &Path, version: &str, into: &Path) -> PathBuf {
    let workspace = workspace(version);
    let file = into.join(format!("backstay_{version}.deb"));
    let mut command = Command::new(cargo_deb);
    command.args(["--no-build", "--no-strip", "--fast", "--offline", "--output"]).arg(&file);
    let output = command.current_dir(workspace.path()).env_remove("CARGO_TARGET_DIR").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    file
}

/// What is done in the copy, with the packages as `$1` and `$2`.
const LIFE: &str = r#"
set -eux
mount -t tmpfs none /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
mkdir /mnt/root/packages
cp "$1" "$2" /mnt/root/packages/
mount -t proc proc /mnt/root/proc
exec chroot /mnt/root bash -eux -c '
dpkg --install /packages/backstay_0.1.0.deb
id backstay
stat --format=%a:%U:%G /etc/backstay | grep 750:root:backstay
test -x /usr/bin/backstay
test -f /usr/share/man/man1/backstay-proxy.1.gz
test -f /usr/share/bash-completion/completions/backstay
test -f /lib/systemd/system/backstay-proxy.service
backstay version

# As the unit does, but for what systemd makes itself.
install -d -o backstay -g backstay -m 700 /var/lib/backstay
setpriv --reuid=backstay --regid=backstay --clear-groups \
    backstay control-plane --data-dir /var/lib/backstay --api 127.0.0.1:0 --xds 127.0.0.1:0 --address-file /var/lib/backstay/addresses 2> /log &
running=$!
until grep -q "API on" /log; do sleep 0.1; done
kill -TERM $running
wait $running
test -f /var/lib/backstay/store.redb

echo OPTIONS=--log-format=json > /etc/default/backstay-control-plane
dpkg --install /packages/backstay_0.2.0.deb
dpkg-query --show --showformat=\${Version} backstay | grep ^0.2.0
grep json /etc/default/backstay-control-plane
dpkg --remove backstay
test ! -e /usr/bin/backstay
test -f /var/lib/backstay/store.redb
test -f /etc/default/backstay-control-plane
dpkg --purge backstay
test ! -e /var/lib/backstay
test ! -e /etc/default/backstay-control-plane
test ! -e /etc/backstay
echo all of it
'
"#;

#[test]
fn the_debian_package_lives_and_goes() {
    let Some(cargo_deb) = tools::cargo_deb() else { return };
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if !is_root || !tools::answers("unshare", &["--version"]) || !tools::answers("dpkg", &["--version"]) {
        tools::lacking("root with unshare and dpkg", "a package is installed into an overlay of this system");
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let first = package(&cargo_deb, "0.1.0", scratch.path());
    let second = package(&cargo_deb, "0.2.0", scratch.path());
    let mut command = Command::new("timeout");
    command.args(["120", "unshare", "--mount", "bash", "-c", LIFE, "life"]).args([&first, &second]);
    let output = command.output().unwrap();
    let (said, done) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("all of it"), "{said}\n{done}");
}
