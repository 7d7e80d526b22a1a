//! Who may send requests to discovery at all, and until when.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use backstay_auth::{NotProved, Peer, Proxies, Proxy};
use backstay_resources::Timestamp;
use backstay_xds::server::Identity;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use tonic::transport::server::TcpConnectInfo;
use tonic::{Code, Status};
use tower::{Layer, Service};

use super::door::{Chain, Door};
use super::join::JOIN;
use super::join_tokens::JoinTokens;
use crate::metrics::Metrics;

/// How often it is looked at the clock while a stream goes on: a clock may be set.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// How often it is looked whether another control plane has revoked what a certificate goes back to.
const LOOK_FOR_REVOCATION_EVERY: Duration = Duration::from_secs(5);

/// Decides who may send requests to discovery. What they may have is decided where it is asked for, by the [`Proxy`] that is among the
/// extensions of a request.
#[derive(Debug)]
pub(crate) struct Admission {
    proxies: Proxies,
    /// Whether certificates are taken.
    certificates: bool,
    /// Whether there was a token that may join a fleet. Once there was, nobody joins without: a file that loses its last one must not
    /// open the door.
    tokens: AtomicBool,
    door: Option<Arc<Door>>,
    join_tokens: JoinTokens,
    metrics: Metrics,
}

impl Admission {
    pub(super) fn new(
        proxies: Proxies,
        certificates: bool,
        door: Option<Arc<Door>>,
        join_tokens: JoinTokens,
        metrics: Metrics,
    ) -> Self {
        let tokens = AtomicBool::new(proxies.tokens().any_joins());
        Self { proxies, certificates, tokens, door, join_tokens, metrics }
    }

    /// Whether proxies have to prove who they are.
    pub(crate) fn asks(&self) -> bool {
        if self.certificates || self.proxies.takes_accounts() || self.tokens.load(Ordering::Relaxed) {
            return true;
        }
        let asks = self.proxies.tokens().any_joins();
        if asks {
            self.tokens.store(true, Ordering::Relaxed);
        }
        asks
    }

    async fn identify(&self, peer: Option<&Peer>, headers: &HeaderMap) -> Result<Proxy, NotProved> {
        let peer = peer.ok_or(NotProved::Missing)?;
        let proxy = self.proxies.admit(peer, bearer(headers), Timestamp::now()).await?;
        self.check_revoked(&proxy).map(|()| proxy)
    }

    fn check_revoked(&self, proxy: &Proxy) -> Result<(), NotProved> {
        let is_revoked = proxy.common_name().is_some_and(|name| self.join_tokens.is_revoked(name));
        if is_revoked { Err(NotProved::Revoked) } else { Ok(()) }
    }

    /// Says and counts that a proxy is not let in.
    fn refuse(&self, peer: Option<&Peer>, why: &NotProved) -> Status {
        self.metrics.proxies_unauthenticated.increment(1);
        let address = peer.map_or_else(String::new, |peer| peer.address.to_string());
        tracing::warn!(address, %why, "a proxy is refused");
        Status::unauthenticated(why.to_string())
    }

    /// Waits until what a proxy showed holds no more, and says why.
    async fn ended(self: Arc<Self>, proxy: Arc<Proxy>, chain: Option<Chain>) -> NotProved {
        let mut tokens = self.proxies.tokens().changes();
        let mut clients = self.door.as_ref().and_then(|door| door.clients_changes());
        let mut revocations = Some(self.join_tokens.revocations());
        let is_certificate = proxy.fleet_of_certificate().is_some();
        let pause = if is_certificate { LOOK_FOR_REVOCATION_EVERY } else { LOOK_EVERY };
        // Between the handshake and this call the authorities may have changed.
        let mut look = is_certificate;
        loop {
            let holds = self.proxies.holds(&proxy, Timestamp::now()).await;
            if let Err(why) = holds.and_then(|()| self.check_revoked(&proxy)) {
                return why;
            }
            if let (true, Some(chain), Some(door)) = (look, &chain, &self.door)
                && !door.believes(chain)
            {
                return NotProved::Authority;
            }
            let left = proxy.expires().map(|expires| expires.0.duration_since(Timestamp::now().0).as_secs());
            let left = left.map(|left| Duration::from_secs(u64::try_from(left).unwrap_or_default().max(1)));
            look = tokio::select! {
                () = tokio::time::sleep(left.unwrap_or(pause).min(pause)) => false,
                () = changed(&mut tokens), if !is_certificate => false,
                () = changed(&mut revocations), if is_certificate => false,
                () = changed(&mut clients), if is_certificate => true,
            };
        }
    }
}

async fn changed(changes: &mut Option<tokio::sync::watch::Receiver<u64>>) {
    if let Some(changes) = changes
        && changes.changed().await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

/// The token of `Authorization: Bearer TOKEN` (RFC 6750, section 2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Puts an [`Admission`] before a service.
#[derive(Debug, Clone)]
pub(crate) struct AdmissionLayer(pub(crate) Arc<Admission>);

impl<S> Layer<S> for AdmissionLayer {
    type Service = Admitted<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Admitted { admission: self.0.clone(), inner }
    }
}

/// A service behind an [`AdmissionLayer`].
#[derive(Debug, Clone)]
pub(crate) struct Admitted<S> {
    admission: Arc<Admission>,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for Admitted<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    B: Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    R: http_body::Body<Data = Bytes, Error: Into<axum::BoxError>> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<Body>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let peer = request.extensions().get::<Peer>().cloned();
        if let Some(peer) = &peer {
            request.extensions_mut().insert(TcpConnectInfo { local_addr: None, remote_addr: Some(peer.address) });
        }
        if !self.admission.asks() || request.uri().path() == JOIN {
            return self.inner.call(request).map(|done| done.map(|response| response.map(Body::new))).boxed();
        }
        // A clone is not ready yet, so that the one which is takes the call.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let admission = self.admission.clone();
        Box::pin(async move {
            let proxy = match admission.identify(peer.as_ref(), request.headers()).await {
                Ok(proxy) => Arc::new(proxy),
                Err(why) => return Ok(admission.refuse(peer.as_ref(), &why).into_http()),
            };
            let chain = request.extensions().get::<Chain>().cloned();
            let identity = Identity::new(proxy.name()).with_proof(proxy.clone());
            request.extensions_mut().insert(identity);
            request.extensions_mut().insert(proxy.clone());
            let ended = admission.ended(proxy.clone(), chain).map(move |why| over(&proxy, &why)).boxed();
            until(inner.call(request), ended).await
        })
    }
}

/// The answer, as far as it comes before it has to end.
pub(crate) async fn until<R, E>(
    answer: impl Future<Output = Result<Response<R>, E>>,
    mut ended: BoxFuture<'static, Status>,
) -> Result<Response<Body>, E>
where
    R: http_body::Body<Data = Bytes, Error: Into<axum::BoxError>> + Send + 'static,
{
    tokio::select! {
        biased;
        answer = answer => {
            let (head, body) = answer?.into_parts();
            let body = Limited { body: Some(Body::new(body)), ended };
            Ok(Response::from_parts(head, Body::new(body)))
        }
        status = &mut ended => Ok(status.into_http()),
    }
}

fn over(proxy: &Proxy, why: &NotProved) -> Status {
    tracing::info!(proxy = proxy.name(), %why, "a stream ends, since what its proxy showed holds no more");
    Status::new(Code::Unauthenticated, format!("{}: {why}", proxy.name()))
}

/// A body that ends, with the status of gRPC, when it has to.
struct Limited {
    /// `None` once that has happened.
    body: Option<Body>,
    ended: BoxFuture<'static, Status>,
}

impl http_body::Body for Limited {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        if let Poll::Ready(frame) = Pin::new(body).poll_frame(context) {
            return Poll::Ready(frame);
        }
        let status = ready!(this.ended.poll_unpin(context));
        // Whoever serves the stream sees that nobody takes any more of it.
        this.body = None;
        let mut trailers = HeaderMap::new();
        // A status that cannot be written as headers is none that is made here.
        let _ = status.add_header(&mut trailers);
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(http_body::Body::is_end_stream)
    }
}
