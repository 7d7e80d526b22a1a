//! Serves the dialect on loopback, from a store in memory: `cargo run -p backstay-kube --example serve -- 127.0.0.1:7080`.

use std::error::Error;
use std::sync::Arc;

use backstay_store::{Memory, Store};
use tokio::net::TcpListener;
use tokio::sync::watch;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let kinds = backstay_resources::Registry::built_in();
    backstay_kube::bootstrap(&store, &kinds).await?;
    let (_running, shutdown) = watch::channel(false);
    let listener = TcpListener::bind(address).await?;
    println!("kubectl -s http://{} api-resources", listener.local_addr()?);
    axum::serve(listener, backstay_kube::router(store, &kinds, backstay_kube::Options::default(), shutdown)).await?;
    Ok(())
}
