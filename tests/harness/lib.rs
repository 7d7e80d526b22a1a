//! What tests of the whole share: real processes on ports of their own, an upstream that does as it is told, and a client
//! of each address.
//!
//! Nothing here sleeps to wait: processes say when they are ready, and the control plane's watch says when something has
//! come true. Whatever takes longer than [`PATIENCE`] has failed.
//!
//! A test target takes it in with `#[path = "../harness/lib.rs"] mod harness;`.

pub mod cluster;
pub mod etcd;
pub mod fastly;
pub mod load;
pub mod manifest;
pub mod port;
pub mod process;
pub mod rest;
pub mod tls;
pub mod tools;
pub mod traffic;
pub mod upstream;

use std::time::Duration;

pub use self::fastly::Fastly;
pub use self::load::Load;
pub use self::process::{ControlPlane, Dev, Proxy, Relay, backstay};
pub use self::rest::Rest;
pub use self::traffic::Client;
pub use self::upstream::Upstream;

/// Far longer than anything takes, for a loaded machine; short enough that a hang is a failure and not a timeout of CI.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Tells what is left out, past the test runner, which shows only what failing tests print through the macros.
pub fn say(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{text}");
}
