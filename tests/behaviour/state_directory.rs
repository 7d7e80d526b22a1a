//! A state directory is one proxy's, and a proxy that was killed leaves it free.

use std::net::SocketAddr;

use crate::harness::{Proxy, backstay};

#[test]
fn a_second_proxy_is_refused_until_the_first_is_gone_however_it_went() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("state");
    let other_name = scratch.path().join("link");
    std::os::unix::fs::symlink(&directory, &other_name).unwrap();
    let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
    let start = || Proxy::start_with(nobody, &["--state-dir", directory.to_str().unwrap()]);

    let mut first = start();
    for name in [&directory, &other_name] {
        let name = name.to_str().unwrap();
        let output =
            backstay(["proxy", "--state-dir", name, "--admin", "127.0.0.1:0", "--control-plane", "127.0.0.1:1"]);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{complaint}");
        let expected = format!("{name} is in use by another proxy; each needs a directory of its own");
        assert!(complaint.contains(&expected), "{complaint}");
    }
    let elsewhere = scratch.path().join("elsewhere");
    let _neighbour = Proxy::start_with(nobody, &["--state-dir", elsewhere.to_str().unwrap()]);

    first.process.kill();
    let mut second = start();
    second.process.signal("TERM");
    assert!(second.process.wait().success());
    let _third = start();
}
