//! A way to a server that can be cut, as a network is: what is sent then arrives nowhere, and nothing says so.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Debug)]
pub struct Wire {
    address: SocketAddr,
    cut: Arc<watch::Sender<bool>>,
}

impl Wire {
    pub async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let cut = Arc::new(watch::Sender::new(false));
        let state = Arc::clone(&cut);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (mut one, mut other) = (state.subscribe(), state.subscribe());
                tokio::spawn(async move {
                    // Who connects while it is cut waits.
                    let _ = one.wait_for(|cut| !cut).await;
                    let Ok(server) = TcpStream::connect(server).await else { return };
                    let (client, server) = (client.into_split(), server.into_split());
                    tokio::select! {
                        () = carry(client.0, server.1, &mut one) => (),
                        () = carry(server.0, client.1, &mut other) => (),
                    }
                });
            }
        });
        Self { address, cut }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn set_cut(&self, cut: bool) {
        self.cut.send_replace(cut);
    }
}

/// What was on its way when the wire was cut arrives when it is whole again, as with TCP.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, cut: &mut watch::Receiver<bool>) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let _ = cut.wait_for(|cut| !cut).await;
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
