//! Finds out who sends a request, and for whom.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use backstay_auth::authenticator::Impersonation;
use backstay_auth::{Caller, Denied, Peer, User};

use super::answer;
use super::attributes::{self, Dialect};
use super::audit::Trail;
use super::gate::Gate;

/// What follows finds a [`Caller`] in the extensions of the request.
pub(super) async fn layer(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>();
    let identified = gate.authenticator.identify(peer, request.headers()).await;
    let user = match identified {
        Ok(user) => user,
        Err(denied) => return refused(&gate, &request, denied),
    };
    Trail::of(&request).update(|event| event.user = (*user).clone());
    let impersonation = match Impersonation::of(request.headers()) {
        Ok(impersonation) => impersonation,
        Err(error) => return answer::bad_request(dialect(&gate, &request), &error.to_string()),
    };
    let trail = Trail::of(&request);
    let user = match impersonation {
        None => user,
        Some(impersonation) => {
            let dialect = dialect(&gate, &request);
            match impersonated(&gate, dialect, &trail, impersonation, &user).await {
                Ok(other) => other,
                Err(response) => return *response,
            }
        }
    };
    let (authorizer, authenticator) = (gate.authorizer.clone(), gate.authenticator.clone());
    request.extensions_mut().insert(Caller { user, authorizer, authenticator });
    next.run(request).await
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
