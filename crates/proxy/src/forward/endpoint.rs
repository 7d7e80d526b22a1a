//! Finds a connection for a request.

use std::num::NonZeroU16;
use std::rc::Rc;

use http::HeaderValue;
use rustls_pki_types::ServerName;

use super::authority::Authority;
use super::failure::Failure;
use crate::config::{Discovery, Dynamic, Flag, Lookup, Refusal, Resolved};
use crate::upstream::{ConnectError, Lease, Pool, Upstream, race};

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
        Lookup::Pending(answer) => answer.await.map_err(Failure::Refused)?,
        Lookup::Refused(refusal) => return Err(Failure::Refused(refusal)),
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
    Ok(Route::Preferred(addresses.iter().map(|address| upstream.pool(*address, server_name)).collect()))
}

/// A connection to where `route` leads; with `fresh`, one that has carried no request yet.
pub(super) async fn acquire(upstream: &Upstream, route: &Route, fresh: bool) -> Result<(Rc<Pool>, Lease), Failure> {
    if !fresh && let Some(found) = reuse(upstream, route) {
        return Ok(found);
    }
    Box::pin(open(upstream, route, fresh)).await
}

/// A connection that is open already.
fn reuse(upstream: &Upstream, route: &Route) -> Option<(Rc<Pool>, Lease)> {
    let held = |pool: &Rc<Pool>| Some((Rc::clone(pool), pool.reuse()?));
    match route {
        Route::InTurn { turn, port } => held(&upstream.pick(*turn, *port)?.1),
        Route::Preferred(pools) => pools.iter().find_map(held),
    }
}

/// A new connection, or, where the first choice cannot be reached, any to the next.
async fn open(upstream: &Upstream, route: &Route, fresh: bool) -> Result<(Rc<Pool>, Lease), Failure> {
    match route {
        Route::InTurn { turn, port } => {
            let mut failed = None;
            for try_ in 0..MAX_TRIES {
                let (count, pool) = upstream.pick(turn.wrapping_add(try_), *port).ok_or(Failure::NoEndpoint)?;
                if !fresh
                    && try_ > 0
                    && let Some(lease) = pool.reuse()
                {
                    return Ok((pool, lease));
                }
                match pool.open().await {
                    Ok(lease) => return Ok((pool, lease)),
                    Err(error) => failed = Some(error),
                }
                if try_ + 1 >= count {
                    break;
                }
            }
            Err(failed.map_or(Failure::NoEndpoint, Failure::Connect))
        }
        Route::Preferred(pools) => {
            let attempts =
                pools.iter().take(MAX_RACED).map(|pool| async move { Ok((Rc::clone(pool), pool.open().await?)) });
            let timeout = upstream.backend.timeouts.connect;
            let raced = tokio::time::timeout(timeout, race(attempts)).await;
            raced
                .unwrap_or(Err(Some(ConnectError::Timeout)))
                .map_err(|failed| failed.map_or(Failure::NoEndpoint, Failure::Connect))
        }
    }
}
