use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::time::{Instant, sleep};

use super::WriteTimeout;

const TIMEOUT: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn whoever_takes_nothing_is_not_waited_for() {
    let (_client, server) = duplex(16);
    let began = Instant::now();
    let error = WriteTimeout::new(server, TIMEOUT).write_all(&[0; 64]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(began.elapsed().as_secs(), TIMEOUT.as_secs());
}

#[tokio::test(start_paused = true)]
async fn whoever_takes_a_little_at_a_time_gets_all() {
    let (mut client, server) = duplex(16);
    let writes = tokio::spawn(async move {
        let mut server = WriteTimeout::new(server, TIMEOUT);
        for _ in 0..2 {
            server.write_all(&[0; 160]).await.unwrap();
            // What is not asked for is not waited for.
            sleep(TIMEOUT * 10).await;
        }
    });
    for _ in 0..20 {
        sleep(TIMEOUT / 2).await;
        client.read_exact(&mut [0; 16]).await.unwrap();
    }
    writes.await.unwrap();
}
