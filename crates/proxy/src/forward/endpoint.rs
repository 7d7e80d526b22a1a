//! Finds a connection for a request.

use std::num::NonZeroU16;
use std::pin::pin;
use std::rc::Rc;

use backstay_balancer::Outcome;
use backstay_destination::Authority;
use http::HeaderValue;
use rustls_pki_types::ServerName;

use super::attempt::Plan;
use super::failure::Failure;
use crate::refusal::{Flag, Refusal};
use crate::upstream::{Lease, Pool, Upstream};
use backstay_upstream::{Chosen, ConnectError, Pending, race};
use backstay_upstream::{Discovery, Dynamic, Lookup, Resolved};

/// Addresses tried for one request when connections cannot be opened.
const MAX_TRIES: usize = 3;
/// Addresses of one name tried for one request.
const MAX_RACED: usize = 8;

const NOT_ALLOWED: Refusal =
    Refusal::fixed(http::StatusCode::FORBIDDEN, "host not allowed", Flag::None, "dynamic_host_not_allowed");
const INVALID: Refusal =
    Refusal::fixed(http::StatusCode::BAD_REQUEST, "invalid host", Flag::DownstreamProtocolError, "invalid_host_header");

/// Where a request may go.
#[derive(Debug)]
pub(super) enum Route {
    /// To the backend's addresses in turn, from this one on.
    InTurn { turn: usize, port: u16 },
    /// To one of these, in order of preference.
    Preferred(Vec<Rc<Pool>>),
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
    let own_name;
    let server_name = match &upstream.backend.tls {
        None => None,
        Some(tls) => match &tls.server_name {
            Some(name) => Some(name),
            None => {
                own_name = ServerName::try_from(authority.host.into_owned()).map_err(|_| Failure::Refused(INVALID))?;
                Some(&own_name)
            }
        },
    };
    Ok(Route::Preferred(addresses.iter().map(|address| upstream.pool(*address, server_name, || None)).collect()))
}

/// A connection for a request.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) pool: Rc<Pool>,
    pub(super) lease: Lease,
    /// The endpoint, where anybody asks for it.
    pub(super) chosen: Option<Chosen>,
}

/// A connection to where `route` leads; with `fresh`, one that has carried no request yet.
pub(super) async fn acquire(upstream: &Upstream, route: &Route, plan: &Plan, fresh: bool) -> Result<Found, Failure> {
    match route {
        Route::InTurn { turn, port } => {
            let (_, pool, chosen) =
                upstream.choose(*turn, *port, plan.hash, &plan.avoid.borrow()).ok_or(Failure::NoEndpoint)?;
            if !fresh && let Some(lease) = pool.reuse() {
                return Ok(Found { pool, lease, chosen });
            }
            Box::pin(open(upstream, *turn, *port, plan, (pool, chosen), fresh)).await
        }
        Route::Preferred(pools) => {
            let held = |pool: &Rc<Pool>| pool.reuse().map(|lease| Found { pool: Rc::clone(pool), lease, chosen: None });
            match pools.iter().find_map(held).filter(|_| !fresh) {
                Some(found) => Ok(found),
                None => {
                    // The first stands for all that race.
                    plan.tried.set(pools.first().map(|pool| pool.address()));
                    Box::pin(open_preferred(upstream, pools, fresh)).await
                }
            }
        }
    }
}

/// A new connection to the first choice, or, where that cannot be reached, any to the next. With a policy on retries, that is
/// for the policy to say.
async fn open(
    upstream: &Upstream,
    turn: usize,
    port: u16,
    plan: &Plan,
    first: (Rc<Pool>, Option<Chosen>),
    fresh: bool,
) -> Result<Found, Failure> {
    let most = if upstream.backend.policy.retries.is_some() { 1 } else { MAX_TRIES };
    let mut tried = plan.avoid.borrow().clone();
    let (mut pool, mut chosen) = first;
    let pending = Rc::<Pending>::default();
    let mut try_ = 0;
    loop {
        if !fresh
            && try_ > 0
            && let Some(lease) = pool.reuse()
        {
            return Ok(Found { pool, lease, chosen });
        }
        plan.tried.set(Some(pool.address()));
        plan.current.borrow_mut().clone_from(&chosen);
        let error = match pool.open(&pending, fresh).await {
            Ok(lease) => return Ok(Found { pool, lease, chosen }),
            Err(error) => error,
        };
        if matches!(error, ConnectError::Overflow(_)) {
            return Err(Failure::Connect(error));
        }
        upstream.report(chosen.as_ref(), Outcome::Failed);
        tried.push(pool.address());
        try_ += 1;
        match upstream.choose(turn.wrapping_add(try_), port, plan.hash, &tried) {
            Some((count, next, endpoint)) if try_ < most.min(count) => (pool, chosen) = (next, endpoint),
            _ => return Err(Failure::Connect(error)),
        }
    }
}

async fn open_preferred(upstream: &Upstream, pools: &[Rc<Pool>], fresh: bool) -> Result<Found, Failure> {
    let pending = &Rc::<Pending>::default();
    let attempts = pools.iter().take(MAX_RACED).map(|pool| async move {
        Ok(Found { pool: Rc::clone(pool), lease: pool.open(pending, fresh).await?, chosen: None })
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
