use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf, duplex, join};

use super::{Gather, MOST};

/// Counts how often something is written.
struct Counting(DuplexStream, Arc<AtomicUsize>);

impl AsyncRead for Counting {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, to)
    }
}

impl AsyncWrite for Counting {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// A client, and a server that counts what it writes.
fn pair(room: usize) -> (DuplexStream, Counting, Arc<AtomicUsize>) {
    let (client, server) = duplex(room);
    let writes = Arc::new(AtomicUsize::new(0));
    (client, Counting(server, Arc::clone(&writes)), writes)
}

/// Writes three times, flushes each, and then waits for the client to end.
async fn answer(mut stream: Gather<Counting>) -> io::Result<usize> {
    for part in ["head", "message", "trailers"] {
        stream.write_all(part.as_bytes()).await?;
        stream.flush().await?;
    }
    stream.read(&mut [0]).await
}

#[tokio::test]
async fn what_is_written_in_one_go_goes_out_at_once() {
    let (mut client, server, writes) = pair(1024);
    let served = tokio::spawn(Gather::http2(server).serve(answer));
    let mut read = [0; 19];
    client.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"headmessagetrailers");
    assert_eq!(writes.load(Ordering::Relaxed), 1);
    drop(client);
    assert_eq!(served.await.unwrap().unwrap(), 0);
}

#[tokio::test]
async fn http1_writes_when_it_says_so() {
    let (mut client, server, writes) = pair(1024);
    client.write_all(b"PUT / HTTP/1.1\r\n").await.unwrap();
    let serve = async |mut stream: Gather<Counting>| {
        stream.read_exact(&mut [0; 16]).await?;
        answer(stream).await
    };
    let served = tokio::spawn(Gather::either(server).serve(serve));
    client.read_exact(&mut [0; 19]).await.unwrap();
    assert_eq!(writes.load(Ordering::Relaxed), 3);
    drop(client);
    assert_eq!(served.await.unwrap().unwrap(), 0);
}

#[tokio::test]
async fn http2_is_known_by_how_it_begins_however_it_arrives() {
    let (mut client, server, writes) = pair(1024);
    let serve = async |mut stream: Gather<Counting>| {
        for _ in 0..4 {
            stream.read_exact(&mut [0]).await?;
        }
        answer(stream).await
    };
    let served = tokio::spawn(Gather::either(server).serve(serve));
    for byte in b"PRI " {
        client.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    client.read_exact(&mut [0; 19]).await.unwrap();
    assert_eq!(writes.load(Ordering::Relaxed), 1);
    drop(client);
    assert_eq!(served.await.unwrap().unwrap(), 0);
}

#[tokio::test]
async fn a_client_that_takes_nothing_stops_who_writes() {
    let (client, server, _) = pair(16);
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&taken);
    let mut served = Gather::http2(server).serve(async |mut stream| {
        while stream.write_all(&[0; 1024]).await.is_ok() {
            counted.fetch_add(1024, Ordering::Relaxed);
        }
    });
    for _ in 0..100 {
        assert!(futures::poll!(&mut served).is_pending());
    }
    assert_eq!(taken.load(Ordering::Relaxed), MOST);
    drop(client);
    served.await;
}

#[tokio::test]
async fn whoever_reads_is_told_that_nothing_can_be_written() {
    let (_mute, reader) = duplex(16);
    let (_, writer) = duplex(16);
    let served = Gather::http2(join(reader, writer)).serve(async |mut stream| {
        stream.write_all(&[0; 64]).await.unwrap();
        stream.read(&mut [0]).await.unwrap_err().kind()
    });
    assert_eq!(served.await, ErrorKind::BrokenPipe);
}

#[tokio::test]
async fn what_is_held_goes_out_before_the_end() {
    let (mut client, server, _) = pair(16);
    let served = Gather::http2(server).serve(async |mut stream| {
        stream.write_all(&[7; 4096]).await?;
        stream.shutdown().await
    });
    let served = tokio::spawn(served);
    let mut read = Vec::new();
    client.read_to_end(&mut read).await.unwrap();
    assert_eq!(read, [7; 4096]);
    served.await.unwrap().unwrap();
}
