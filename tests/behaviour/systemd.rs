//! Under systemd: the units are sound and shut in, and the processes tell the manager what it waits for.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::harness::{PATIENCE, tools};

fn units() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/systemd");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "service")).collect()
}

#[test]
fn units_are_shut_in_and_sound() {
    if !tools::answers("systemd-analyze", &["--version"]) {
        tools::lacking("systemd-analyze", "Debian's package systemd has it");
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    assert_eq!(units().len(), 2);
    for unit in units() {
        let looked = Command::new("systemd-analyze").args(["security", "--offline=true"]).arg(&unit).output().unwrap();
        let said = String::from_utf8_lossy(&looked.stdout);
        let level = said.split("Overall exposure level for").nth(1).unwrap().split_whitespace().nth(1).unwrap();
        assert!(level.parse::<f64>().unwrap() < 2.0, "{}: {level}", unit.display());
        // The command is where the package puts it.
        let text = std::fs::read_to_string(&unit).unwrap().replace("/usr/bin/backstay", env!("CARGO_BIN_EXE_backstay"));
        let here = scratch.path().join(unit.file_name().unwrap());
        std::fs::write(&here, text).unwrap();
        let looked = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&here).output().unwrap();
        let said = String::from_utf8_lossy(&looked.stderr).into_owned();
        assert!(looked.status.success() && !said.contains(".service:"), "{said}");
    }
}

/// The options that a unit gives, with the variables that it sets itself.
fn options(unit: &str) -> Vec<String> {
    let text = std::fs::read_to_string(units().into_iter().find(|path| path.ends_with(unit)).unwrap()).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/bin/backstay ")).unwrap();
    let given = text.lines().find_map(|line| line.strip_prefix("Environment=\"")?.strip_suffix('"')?.split_once('='));
    let (name, value) = given.unwrap();
    line.replace(&format!("${name}"), value).replace("$OPTIONS", "").split_whitespace().map(str::to_owned).collect()
}

/// What a process says, until it ends on SIGTERM after `then`.
struct Told(UnixDatagram);

impl Told {
    fn next(&self) -> String {
        let mut bytes = [0; 512];
        let length = self.0.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }

    fn until(&self, text: &str) -> String {
        loop {
            let told = self.next();
            if told.starts_with(text) {
                return told;
            }
        }
    }
}

#[test]
fn the_manager_is_told_of_readiness_life_reload_and_end() {
    for unit in ["backstay-control-plane.service", "backstay-proxy.service"] {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("notify");
        let told = Told(UnixDatagram::bind(&path).unwrap());
        told.0.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut options = options(unit);
        let own = if options[0] == "proxy" {
            vec!["--admin", "127.0.0.1:0"]
        } else {
            vec!["--api", "127.0.0.1:0", "--xds", "127.0.0.1:0"]
        };
        options.iter_mut().for_each(|option| *option = option.replace("/var/lib", scratch.path().to_str().unwrap()));
        options.extend(own.into_iter().map(str::to_owned));
        let mut process = Command::new(env!("CARGO_BIN_EXE_backstay"))
            .args(&options)
            .env("NOTIFY_SOCKET", &path)
            .env("WATCHDOG_USEC", Duration::from_millis(100).as_micros().to_string())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let ready = told.next();
        assert!(ready.starts_with("READY=1\nSTATUS=") && ready.contains("127.0.0.1:"), "{ready}");
        told.until("WATCHDOG=1");
        let signal = |name: &str| Command::new("kill").args([name, &process.id().to_string()]).status().unwrap();
        assert!(signal("-USR1").success());
        told.until("RELOADING=1\nMONOTONIC_USEC=");
        told.until("READY=1");
        assert!(signal("-TERM").success());
        told.until("STOPPING=1");
        assert!(process.wait().unwrap().success());
    }
}
