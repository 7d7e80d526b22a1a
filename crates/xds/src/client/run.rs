//! The streams of a subscription, one after another and, for a moment, two.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::Shared;
use tokio::time::{sleep, timeout};

use super::stream::Stream;
use super::{Dialer, Disconnect, Handler, Options, Place};

/// Subscribes to all resources of the type for as long as `shutdown` is pending, over as many connections as it takes.
/// Returns the handler.
pub async fn run<H: Handler>(options: Options, handler: H, shutdown: impl Future<Output = ()>) -> H {
    let type_url = options.type_url.clone();
    let mut run = Run { dialer: Dialer::new(options), handler, type_url, stop: shutdown.shared() };
    loop {
        let Some((place, cause)) = run.streams().await else { return run.handler };
        let wait = run.dialer.failed(&place, &cause).await;
        tracing::warn!(endpoint = %place.endpoint, %cause, retry_in = ?wait, "not connected to the control plane");
        run.handler.disconnected(&cause, wait);
        tokio::select! {
            biased;
            () = run.stop.clone() => return run.handler,
            () = sleep(wait) => {}
        }
    }
}

/// Why a stream is given up.
const LEAVES: &str = "the control plane asks for this connection to end";
const RENEWS: &str = "what is held has to be told anew";

struct Run<H, F: Future<Output = ()>> {
    dialer: Dialer,
    handler: H,
    type_url: String,
    stop: Shared<F>,
}

impl<H: Handler, F: Future<Output = ()>> Run<H, F> {
    /// Connects, and follows what is sent until there is no stream any more: why, and where the last one was. `None` when told to stop.
    async fn streams(&mut self) -> Option<(Place, Disconnect)> {
        let dialed = tokio::select! {
            biased;
            () = self.stop.clone() => return None,
            dialed = self.dialer.dial() => dialed,
        };
        let dialed = match dialed {
            Ok(dialed) => dialed,
            Err(failed) => return Some(failed),
        };
        let opened = tokio::select! {
            biased;
            () = self.stop.clone() => return None,
            opened = Stream::open(self.dialer.options(), dialed, &self.handler) => opened,
        };
        let (mut stream, first) = match opened {
            Ok(opened) => opened,
            Err(failed) => return Some(failed),
        };
        self.handler.connected(true);
        let mut first = Some(first);
        let cause = loop {
            if let Some(response) = first.take() {
                match stream.receive(&self.type_url, &mut self.handler, response).await {
                    Ok(true) => self.dialer.served(),
                    Ok(false) => {}
                    Err(cause) => break Some(cause),
                }
            }
            let (leaving, renew) = (stream.link.leaving(), self.handler.renew());
            tokio::select! {
                biased;
                () = self.stop.clone() => break None,
                response = stream.next() => match response {
                    Ok(response) => first = Some(response),
                    Err(cause) => break Some(cause),
                },
                why = async { tokio::select! { () = leaving => LEAVES, () = renew => RENEWS } } => {
                    tracing::info!(endpoint = %stream.place.endpoint, why, "making another stream first");
                    match self.succeed(&mut stream).await {
                        Ok(true) => {}
                        Ok(false) => break None,
                        Err(cause) => break Some(cause),
                    }
                }
            }
        };
        self.handler.connected(false);
        cause.map(|cause| (stream.place, cause))
    }

    /// Has another stream take the place of one whose control plane wants it to end, which goes on until then. False when told to stop.
    async fn succeed(&mut self, stream: &mut Stream) -> Result<bool, Disconnect> {
        loop {
            let dialed = {
                let mut dialing = std::pin::pin!(self.dialer.until_connected());
                loop {
                    tokio::select! {
                        biased;
                        () = self.stop.clone() => return Ok(false),
                        response = stream.next() => {
                            stream.receive(&self.type_url, &mut self.handler, response?).await?;
                        }
                        dialed = &mut dialing => break dialed,
                    }
                }
            };
            // From here on the old stream is not read: what it says now, the new one would not know that we hold.
            let patience = self.dialer.options().takeover_timeout;
            let place = dialed.place.clone();
            let opened = tokio::select! {
                biased;
                () = self.stop.clone() => return Ok(false),
                opened = timeout(patience, Stream::open(self.dialer.options(), dialed, &self.handler)) => opened,
            };
            let (place, cause) = match opened {
                Ok(Ok((next, first))) => match next.receive(&self.type_url, &mut self.handler, first).await {
                    Ok(_) => {
                        self.dialer.served();
                        *stream = next;
                        return Ok(true);
                    }
                    Err(cause) => (next.place, cause),
                },
                Ok(Err(failed)) => failed,
                Err(_) => (place, Disconnect::Silent(patience)),
            };
            let wait: Duration = self.dialer.failed(&place, &cause).await;
            tracing::warn!(endpoint = %place.endpoint, %cause, retry_in = ?wait, "no other stream yet; the old one goes on");
            let mut rest = std::pin::pin!(sleep(wait));
            loop {
                tokio::select! {
                    biased;
                    () = self.stop.clone() => return Ok(false),
                    response = stream.next() => {
                        stream.receive(&self.type_url, &mut self.handler, response?).await?;
                    }
                    () = &mut rest => break,
                }
            }
        }
    }
}
