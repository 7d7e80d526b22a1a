use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::{Arc, Barrier};
use std::{io, thread};

use super::open;

#[test]
fn of_those_that_ask_for_a_port_in_the_same_moment_one_has_it() {
    const RIVALS: usize = 4;
    for _ in 0..100 {
        let free = open((Ipv4Addr::LOCALHOST, 0).into(), 1).unwrap().remove(0).local_addr().unwrap();
        let together = Arc::new(Barrier::new(RIVALS));
        let rivals: Vec<_> = (0..RIVALS)
            .map(|_| {
                let together = Arc::clone(&together);
                thread::spawn(move || {
                    together.wait();
                    open(free, 2)
                })
            })
            .collect();
        let (have, have_not): (Vec<_>, Vec<_>) =
            rivals.into_iter().map(|rival| rival.join().unwrap()).partition(Result::is_ok);
        assert_eq!((have.len(), have_not.len()), (1, RIVALS - 1));
        assert!(have_not.into_iter().all(|error| error.unwrap_err().kind() == io::ErrorKind::AddrInUse));
    }
}

#[test]
fn the_sockets_of_a_port_share_its_connections() {
    let listeners = open(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), 2).unwrap();
    let address = listeners[0].local_addr().unwrap();
    assert_eq!(listeners[1].local_addr().unwrap(), address);
    // Each connection is given to one by a hash of its ports: that all of 64 go to one of two does not happen.
    let _clients: Vec<_> = (0..64).map(|_| TcpStream::connect(address).unwrap()).collect();
    let accepted: Vec<_> =
        listeners.iter().map(|listener| std::iter::from_fn(|| listener.accept().ok()).count()).collect();
    assert_eq!(accepted.iter().sum::<usize>(), 64);
    assert!(accepted.iter().all(|count| *count > 0), "{accepted:?}");
}
