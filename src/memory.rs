//! The memory of a process that serves.

use std::convert::Infallible;
use std::hint::black_box;
use std::time::Duration;

/// Has the process use small pages alone. A huge page stays whole for as long as anything on it is used: connections would cost
/// several times what they need, to save about 3 % of the CPU time.
pub(crate) fn use_small_pages() {
    // A kernel that has no huge pages refuses.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// Gives back what was freed, for as long as it runs.
///
/// The allocator leaves what is freed for a second to whoever needs some next, and looks at the time when it takes or gives back
/// whole pages. A process that becomes idle does neither, and would keep what it used last.
pub(crate) async fn give_back() -> Infallible {
    /// Size of an allocation that has its pages to itself.
    const LARGE: usize = 1 << 20;
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    loop {
        ticks.tick().await;
        drop(black_box(Vec::<u8>::with_capacity(LARGE)));
    }
}
