//! How large what proxies are given may become. A file that is small can ask for much: each backend without hosts of its own has all
//! of the service's.

use crate::place::{Path, Place};
use crate::plan::{Endpoint, Plan, Upstream};
use crate::problem::Report;

/// Bytes of an endpoint's path. Heads of requests are not much longer.
const PATH: usize = 8 << 10;
/// Calls of one endpoint, as many as proxies make for one request.
const CALLS: usize = 1024;
/// Hosts of all backends together.
const HOSTS: usize = 100_000;
/// Bytes that what is said of all calls takes, names and paths alone.
const BYTES: usize = 64 << 20;
/// Bytes of a call, beside the path that it is named after.
const CALL: usize = 256;

/// Whether a plan can be compiled. What is too large of it is told.
pub(super) fn fit(plan: &Plan, report: &Report) -> bool {
    let path = Path::ROOT.key("endpoints");
    let (mut hosts, mut bytes, mut fit) = (0_usize, 0_usize, true);
    for endpoint in &plan.endpoints {
        let length = endpoint.path.pattern.len();
        hosts += hosts_of(endpoint);
        bytes += (length + CALL).saturating_mul(endpoint.backends.len());
        let fault = if length > PATH {
            format!("the path of an endpoint has {length} bytes, and {PATH} at most are served")
        } else if endpoint.backends.len() > CALLS {
            format!("the endpoint has {} backends, and {CALLS} at most are served", endpoint.backends.len())
        } else {
            continue;
        };
        report.not_served(endpoint.place, &path, fault);
        fit = false;
    }
    let place = plan.endpoints.first().map_or(Place::START, |endpoint| endpoint.place);
    if hosts > HOSTS {
        report.not_served(place, &path, format!("all backends have {hosts} hosts, and {HOSTS} at most are served"));
    }
    if bytes > BYTES {
        report.not_served(place, &path, format!("all calls take {bytes} bytes, and {BYTES} at most are served"));
    }
    fit && hosts <= HOSTS && bytes <= BYTES
}

fn hosts_of(endpoint: &Endpoint) -> usize {
    let of = |upstream: &Upstream| match upstream {
        Upstream::Hosts(hosts) => hosts.len(),
        Upstream::Srv { .. } => 1,
    };
    endpoint.backends.iter().map(|backend| of(&backend.upstream)).sum()
}
