//! What `/metrics` exports, under the project's own names.

mod backends;
mod caches;
mod calls;
mod certificates;
mod process;
mod telemetry;

use super::family::write;
use super::{BackendSnapshot, CallSnapshot, Exposition, Process};
use calls::write_calls;

/// The text for one moment. Backends that were never used are left out: there may be many more than are used.
/// With `exemplars`, it is half way to OpenMetrics.
pub(crate) fn prometheus(
    process: &Process,
    backends: &[BackendSnapshot],
    calls: &[CallSnapshot],
    exemplars: bool,
) -> String {
    let mut text = Exposition::new(exemplars);
    write(&mut text, process::FAMILIES, "", &[("", process)]);
    write(&mut text, telemetry::FAMILIES, "", &[("", process)]);
    let certificates: Vec<_> = process.certificates.iter().map(|(secret, end)| (&**secret, end)).collect();
    write(&mut text, certificates::FAMILIES, "secret", &certificates);
    let used: Vec<_> =
        backends.iter().filter(|backend| backend.was_used()).map(|backend| (&*backend.name, backend)).collect();
    write(&mut text, backends::FAMILIES, "backend", &used);
    let caches: Vec<_> =
        backends.iter().filter_map(|backend| Some((&*backend.name, backend.cache.as_ref()?))).collect();
    write(&mut text, caches::FAMILIES, "backend", &caches);
    write_calls(&mut text, calls);
    text.finish()
}
