use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::{ServiceManager, watchdog};

fn manager(folder: &tempfile::TempDir) -> (UnixDatagram, ServiceManager) {
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let manager = ServiceManager {
        socket: Some(ServiceManager::at(path.as_os_str()).unwrap()),
        watchdog: Some(Duration::from_secs(2)),
    };
    (socket, manager)
}

fn received(socket: &UnixDatagram) -> String {
    let mut bytes = [0; 256];
    let length = socket.recv(&mut bytes).unwrap();
    String::from_utf8(bytes[..length].to_vec()).unwrap()
}

#[test]
fn it_is_told_what_happens() {
    let folder = tempfile::tempdir().unwrap();
    let (socket, manager) = manager(&folder);
    manager.ready("API on\n127.0.0.1");
    assert_eq!(received(&socket), "READY=1\nSTATUS=API on 127.0.0.1");
    manager.reloading();
    let reloading = received(&socket);
    let time = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
    assert!(time.parse::<u64>().unwrap() > 0);
    manager.stopping();
    assert_eq!(received(&socket), "STOPPING=1");
}

#[test]
#[cfg(target_os = "linux")]
fn a_name_in_the_abstract_namespace_is_understood() {
    use std::os::linux::net::SocketAddrExt as _;
    let name = format!("backstay-test-{}", std::process::id());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
    let socket = UnixDatagram::bind_addr(&address).unwrap();
    let manager =
        ServiceManager { socket: Some(ServiceManager::at(format!("@{name}").as_ref()).unwrap()), watchdog: None };
    manager.stopping();
    assert_eq!(received(&socket), "STOPPING=1");
}

#[test]
fn nobody_is_told_where_nobody_asked_or_reads() {
    ServiceManager::default().ready("");
    let folder = tempfile::tempdir().unwrap();
    let (socket, manager) = manager(&folder);
    drop(socket);
    manager.ready("");
    for name in ["", "relative", "vsock:2:1"] {
        assert!(ServiceManager::at(name.as_ref()).is_err(), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_hears_of_a_process_for_as_long_as_that_is_alive() {
    let folder = tempfile::tempdir().unwrap();
    let (socket, manager) = manager(&folder);
    let asked = AtomicUsize::new(0);
    let watching = manager.watch(async || asked.fetch_add(1, Ordering::Relaxed) < 2);
    assert!(tokio::time::timeout(Duration::from_millis(5500), watching).await.is_err());
    assert_eq!(asked.load(Ordering::Relaxed), 6, "twice in two seconds");
    socket.set_nonblocking(true).unwrap();
    let heard: Vec<_> = std::iter::from_fn(|| socket.recv(&mut [0; 32]).ok()).collect();
    assert_eq!(heard.len(), 2);
}

#[test]
fn the_watchdog_is_of_this_process_or_of_none() {
    let of =
        |time: Option<&str>, process: Option<&str>| watchdog(time.map(str::to_owned), process.map(str::to_owned), 7);
    assert_eq!(of(Some("30000000"), None), Some(Duration::from_secs(30)));
    assert_eq!(of(Some("30000000"), Some("7")), Some(Duration::from_secs(30)));
    assert_eq!(of(Some("30000000"), Some("8")), None);
    assert_eq!(of(Some("0"), Some("7")), None);
    assert_eq!(of(Some("soon"), None), None);
    assert_eq!(of(None, None), None);
}
