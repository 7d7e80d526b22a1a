use std::os::fd::AsRawFd;

use super::{Descriptors, Usage};

#[test]
fn usage_is_of_this_process() {
    let kept = Descriptors::keep();
    let before = Usage::read(&kept);
    let held = std::fs::File::open("/dev/null").unwrap();
    assert!(held.as_raw_fd() > 0);
    let usage = Usage::read(&kept);
    // Other tests of this process open and close as well.
    assert!(usage.open_files.unwrap() > 3 && usage.open_files.unwrap() as u64 <= usage.max_files.unwrap());
    assert!(usage.resident.unwrap() > 1 << 20, "{usage:?}");
    assert!(usage.cpu >= before.cpu, "{usage:?}");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    assert!((now - 3600.0..now + 1.0).contains(&usage.started.unwrap()), "{usage:?}");
}

#[test]
fn what_is_kept_back_is_spent_when_there_is_no_other() {
    let kept = Descriptors::keep();
    let mut left = 2;
    let opened = kept.spend(|| {
        left -= 1;
        if left > 0 { Err(rustix::io::Errno::MFILE.into()) } else { Ok(left) }
    });
    assert_eq!(opened.unwrap(), 0, "tried again with the one that was given back");
    let refused = kept.spend(|| Err::<(), _>(rustix::io::Errno::ACCESS.into())).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::PermissionDenied, "nothing is given back for what is no lack");
}
