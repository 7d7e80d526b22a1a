//! Backstay: a control plane, a proxy, and the configuration.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::scenario::configuration;
use crate::support::process::{Process, backstay, control_plane, pinned, write};
use crate::{Gateway, PROXY_CPU};

const PORT: u16 = 21810;

/// Starts both, and hands the configuration over.
pub fn start(folder: &Path) -> Gateway {
    let local = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
    let (api, xds) = (local(21880), local(21881));
    let control = control_plane(&folder.join("store"), api, xds);
    let mut proxy = backstay();
    proxy.args(["proxy", "--threads", "1", "--admin", "127.0.0.1:21882", "--control-plane", &format!("http://{xds}")]);
    let mut proxy = Process::spawn("the proxy", &mut pinned(PROXY_CPU, &proxy));
    let file = write(folder, "krakend.json", &configuration(PORT));
    let mut apply = backstay();
    apply.args(["apply", "--wait", "--timeout", "60s", "--server", &format!("http://{api}"), "-f"]).arg(file);
    let applied = Command::output(&mut apply).expect("backstay runs");
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    proxy.wait_for(local(PORT));
    Gateway { name: "backstay", address: local(PORT), processes: vec![control, proxy] }
}
