//! Finds out who sends a request, and for whom.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use backstay_auth::authenticator::Impersonation;
use backstay_auth::{Caller, Denied, Peer, User};

use super::answer;
use super::attributes::{self, Dialect};
use super::audit::Trail;
use super::gate::Gate;

/// The request, in whose extensions what follows finds a [`Caller`]; or a refusal.
pub(super) async fn check(gate: &Gate, mut request: Request) -> Result<Request, Box<Response>> {
    let peer = request.extensions().get::<Peer>();
    let identified = gate.authenticator.identify(peer, request.headers()).await;
    let user = match identified {
        Ok(user) => user,
        Err(denied) => return Err(Box::new(refused(gate, &request, denied))),
    };
    Trail::of(&request).update(|event| event.user = (*user).clone());
    let impersonation = match Impersonation::of(request.headers()) {
        Ok(impersonation) => impersonation,
        Err(error) => return Err(Box::new(answer::bad_request(dialect(gate, &request), &error.to_string()))),
    };
    let trail = Trail::of(&request);
    let user = match impersonation {
        None => user,
        Some(impersonation) => {
            let dialect = dialect(gate, &request);
            impersonated(gate, dialect, &trail, impersonation, &user).await?
        }
    };
    let (authorizer, authenticator) = (gate.authorizer.clone(), gate.authenticator.clone());
    request.extensions_mut().insert(Caller { user, authorizer, authenticator });
    Ok(request)
}

fn dialect(gate: &Gate, request: &Request) -> Dialect {
    attributes::of(&gate.registry, request.method(), request.uri()).dialect
}

fn refused(gate: &Gate, request: &Request, denied: Denied) -> Response {
    let dialect = dialect(gate, request);
    let why = denied.to_string();
    // Of the credential nothing is told: it may be a good one, for somebody else.
    let address = request.extensions().get::<Peer>().map(|peer| peer.address);
    tracing::debug!(?address, path = request.uri().path(), why, "a credential was not taken");
    Trail::of(request).update(|event| event.decided(false, &why));
    if denied == Denied::TooMany {
        gate.metrics.backed_off.increment(1);
        return answer::backed_off(dialect, &why);
    }
    gate.metrics.unauthenticated.increment(1);
    answer::unauthorized(dialect, &why)
}

/// The user that a request is for, if whoever sends it may speak for that one.
async fn impersonated(
    gate: &Gate,
    dialect: Dialect,
    trail: &Trail,
    impersonation: Impersonation,
    user: &Arc<User>,
) -> Result<Arc<User>, Box<Response>> {
    for need in impersonation.needs() {
        let decision = gate.authorizer.check(user, &need).await;
        if !decision.allowed {
            gate.metrics.denied.increment(1);
            let why = need.forbidden(user, &decision.reason);
            trail.update(|event| event.decided(false, &why));
            return Err(Box::new(answer::denied(dialect, user, &need, &decision.reason)));
        }
    }
    let other = Arc::new(impersonation.user());
    trail.update(|event| event.impersonated_user = Some((*other).clone()));
    Ok(other)
}
