//! Finds a connection for a request.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::pin::pin;
use std::rc::Rc;

use backstay_balancer::Outcome;
use backstay_destination::Authority;
use http::HeaderValue;
use rustls_pki_types::ServerName;

use super::failure::Failure;
use super::request_state::RequestState;
use crate::local_reply::{Flag, LocalReply};
use crate::upstream::{Lease, Pool, Upstream};
use backstay_upstream::{ConnectError, Pending, Reuse, SelectedEndpoint, race};
use backstay_upstream::{Discovery, Dynamic, Lookup, Resolved};

/// Addresses tried for one request when connections cannot be opened.
const MAX_TRIES: usize = 3;

const NOT_ALLOWED: LocalReply =
    LocalReply::fixed(http::StatusCode::FORBIDDEN, "host not allowed", Flag::None, "dynamic_host_not_allowed");
const INVALID: LocalReply = LocalReply::fixed(
    http::StatusCode::BAD_REQUEST,
    "invalid host",
    Flag::DownstreamProtocolError,
    "invalid_host_header",
);

/// Where a request may go.
#[derive(Debug)]
pub(super) enum Route {
    /// To the backend's addresses in turn, from this one on.
    InTurn { turn: usize, port: u16 },
    /// To one of these, in order of preference, under the name that TLS goes by, if there is TLS. They may be many, of which most are
    /// never looked at.
    Preferred { addresses: Resolved, server_name: Option<ServerName<'static>> },
}

/// Decides where a request with `authority` may go.
pub(super) async fn route(
    upstream: &Upstream,
    port: Option<NonZeroU16>,
    authority: Option<&HeaderValue>,
) -> Result<Route, Failure> {
    match &upstream.backend.discovery {
        Discovery::Addresses(_) => {
            let port = port.ok_or(Failure::NoEndpoint)?.get();
            Ok(Route::InTurn { turn: upstream.turn(), port })
        }
        // Boxed, as all that happens to few requests: a future is as large as its largest part, and is moved.
        Discovery::Dynamic(dynamic) => Box::pin(resolve(upstream, dynamic, port, authority)).await,
    }
}

async fn resolve(
    upstream: &Upstream,
    dynamic: &Dynamic,
    port: Option<NonZeroU16>,
    authority: Option<&HeaderValue>,
) -> Result<Route, Failure> {
    let authority = authority.and_then(|raw| Authority::parse(raw.as_bytes())).ok_or(Failure::Refused(INVALID))?;
    if !dynamic.allowed.permits(&authority.host) {
        return Err(Failure::Refused(NOT_ALLOWED));
    }
    let secure = upstream.backend.tls.is_some();
    let port = port.map(NonZeroU16::get).or(authority.port).unwrap_or(if secure { 443 } else { 80 });
    let addresses: Resolved = match dynamic.resolve.lookup(&authority.host, port) {
        Lookup::Ready(addresses) => addresses,
        Lookup::Pending(answer) => answer.await.map_err(|unresolved| Failure::Refused(unresolved.into()))?,
        Lookup::Refused(unresolved) => return Err(Failure::Refused(unresolved.into())),
    };
    let server_name = match &upstream.backend.tls {
        None => None,
        Some(tls) => Some(match &tls.server_name {
            Some(name) => name.clone(),
            None => ServerName::try_from(authority.host.into_owned()).map_err(|_| Failure::Refused(INVALID))?,
        }),
    };
    Ok(Route::Preferred { addresses, server_name })
}

/// A connection for a request.
#[derive(Debug)]
pub(super) struct Acquired {
    pub(super) pool: Rc<Pool>,
    pub(super) lease: Lease,
    /// The endpoint; `None` where endpoints are taken in turn, or found by name.
    pub(super) selected: Option<SelectedEndpoint>,
}

/// A connection to where `route` leads; as `reuse` allows, one that has carried requests before.
pub(super) async fn acquire(
    upstream: &Upstream,
    route: &Route,
    state: &RequestState,
    reuse: Reuse,
) -> Result<Acquired, Failure> {
    match route {
        Route::InTurn { turn, port } => {
            let (_, pool, selected) =
                upstream.select(*turn, *port, state.hash, &state.avoid.borrow()).ok_or(Failure::NoEndpoint)?;
            if reuse == Reuse::Allowed
                && let Some(lease) = pool.reuse()
            {
                return Ok(Acquired { pool, lease, selected });
            }
            Box::pin(open(upstream, *turn, *port, state, (pool, selected), reuse)).await
        }
        Route::Preferred { addresses, server_name } => {
            let unused = |address: &SocketAddr| {
                let pool = upstream.known_pool(*address, server_name.as_ref())?;
                pool.reuse().map(|lease| Acquired { pool, lease, selected: None })
            };
            if reuse == Reuse::Allowed
                && let Some(found) = addresses.iter().find_map(unused)
            {
                return Ok(found);
            }
            // The first stands for all that race.
            if let Some(first) = addresses.first() {
                state.go_to(*first);
            }
            Box::pin(open_preferred(upstream, addresses, server_name.as_ref(), reuse)).await
        }
    }
}

/// A new connection to the first choice, or, where that cannot be reached, any to the next. With a policy on retries, that is
/// for the policy to say.
async fn open(
    upstream: &Upstream,
    turn: usize,
    port: u16,
    state: &RequestState,
    first: (Rc<Pool>, Option<SelectedEndpoint>),
    reuse: Reuse,
) -> Result<Acquired, Failure> {
    let most = if upstream.backend.policy.retries.is_some() { 1 } else { MAX_TRIES };
    let mut tried = state.avoid.borrow().clone();
    let (mut pool, mut selected) = first;
    let pending = Rc::<Pending>::default();
    let mut try_ = 0;
    loop {
        if reuse == Reuse::Allowed
            && try_ > 0
            && let Some(lease) = pool.reuse()
        {
            return Ok(Acquired { pool, lease, selected });
        }
        state.go_to(pool.address());
        state.current.borrow_mut().clone_from(&selected);
        let error = match pool.open(&pending, reuse).await {
            Ok(lease) => return Ok(Acquired { pool, lease, selected }),
            Err(error) => error,
        };
        if matches!(error, ConnectError::Overflow(_)) {
            return Err(Failure::Connect(error));
        }
        upstream.report(selected.as_ref(), Outcome::Failed);
        tried.push(pool.address());
        try_ += 1;
        match upstream.select(turn.wrapping_add(try_), port, state.hash, &tried) {
            Some((count, next, endpoint)) if try_ < most.min(count) => (pool, selected) = (next, endpoint),
            _ => return Err(Failure::Connect(error)),
        }
    }
}

/// A new connection to whichever of `addresses` takes it first. All are tried, one after the other as those before them fail or take their
/// time, within the time that the backend has for a connection.
async fn open_preferred(
    upstream: &Upstream,
    addresses: &[SocketAddr],
    server_name: Option<&ServerName<'static>>,
    reuse: Reuse,
) -> Result<Acquired, Failure> {
    let pending = &Rc::<Pending>::default();
    let attempts = addresses.iter().map(|address| async move {
        let pool = upstream.pool(*address, server_name, || None);
        let lease = pool.open(pending, reuse).await?;
        Ok(Acquired { pool, lease, selected: None })
    });
    let timeout = upstream.backend.timeouts.connect;
    let mut raced = pin!(race(attempts));
    loop {
        match tokio::time::timeout(timeout, raced.as_mut()).await {
            Ok(raced) => return raced.map_err(|failed| failed.map_or(Failure::NoEndpoint, Failure::Connect)),
            // What others have opened is waited for as long as it takes: the time is for what is being opened.
            Err(_) if pending.is_queued() => {}
            Err(_) => return Err(Failure::Connect(ConnectError::Timeout)),
        }
    }
}
