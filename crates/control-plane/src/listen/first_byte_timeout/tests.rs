use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use super::{FirstByteTimeout, PREFACE};

const TIMEOUT: Duration = Duration::from_secs(10);

fn connection() -> (DuplexStream, FirstByteTimeout<DuplexStream>) {
    let (client, server) = duplex(1024);
    (client, FirstByteTimeout::new(server, TIMEOUT))
}

/// Reads what came, then waits for more for much longer than the timeout.
async fn wait(server: &mut FirstByteTimeout<DuplexStream>, mut came: usize) -> Option<ErrorKind> {
    let mut buffer = [0; 64];
    while came > 0 {
        came -= server.read(&mut buffer).await.expect("what came can be read");
    }
    let more = tokio::time::timeout(TIMEOUT * 10, server.read(&mut buffer)).await;
    more.ok().map(|read| read.expect_err("nothing more comes").kind())
}

#[tokio::test(start_paused = true)]
async fn whoever_says_nothing_is_not_waited_for() {
    let (_client, mut server) = connection();
    assert_eq!(wait(&mut server, 0).await, Some(ErrorKind::TimedOut));
}

#[tokio::test(start_paused = true)]
async fn a_preface_must_come_whole_in_time_however_it_is_cut() {
    for end in 1..PREFACE.len() {
        let (mut client, mut server) = connection();
        for byte in &PREFACE[..end] {
            client.write_all(&[*byte]).await.expect("room");
        }
        assert_eq!(wait(&mut server, end).await, Some(ErrorKind::TimedOut), "{end} bytes");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_has_begun_is_held_to_other_limits() {
    for begun in [PREFACE, b"P", b"GET / HTTP/1.1\r\n", b"PRI * HTTP/1.1\r\n"] {
        let (mut client, mut server) = connection();
        client.write_all(begun).await.expect("room");
        let expected = (begun == b"P").then_some(ErrorKind::TimedOut);
        assert_eq!(wait(&mut server, begun.len()).await, expected, "{begun:?}");
    }
}
