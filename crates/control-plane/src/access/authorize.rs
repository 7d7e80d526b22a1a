//! Decides whether a request is allowed. What no rule allows is not.

use axum::extract::Request;
use axum::response::Response;
use backstay_auth::{Caller, Decision};

use super::answer;
use super::attributes::{self, About};
use super::audit::Trail;
use super::gate::Gate;

/// The request, if the sender may do what it asks for; or a refusal.
pub(super) async fn check(gate: &Gate, request: Request) -> Result<Request, Box<Response>> {
    if gate.authorizer.is_open() && !gate.audit.is_on() {
        return Ok(request);
    }
    let about = attributes::of(&gate.registry, request.method(), request.uri());
    // Without a caller there was no authentication: the order of the steps is wrong, and nothing gets through.
    let Some(caller) = request.extensions().get::<Caller>() else {
        return Err(Box::new(answer::unauthorized(about.dialect, "nobody has asked who sends this")));
    };
    let decision = decide(&about, caller).await;
    let trail = Trail::of(&request);
    trail.update(|event| {
        event.verb = about.asked.verb.to_string();
        event.object_ref = backstay_auth::audit::ObjectRef::of(&about.asked);
        event.decided(decision.allowed, &decision.reason);
    });
    if decision.allowed {
        trail.keep_if(gate.is_audited(&about.asked), about.asked.verb == "watch");
        return Ok(request);
    }
    gate.metrics.denied.increment(1);
    tracing::debug!(user = caller.user.name, path = request.uri().path(), "a request was not allowed");
    Err(Box::new(answer::denied(about.dialect, &caller.user, &about.asked, &decision.reason)))
}

async fn decide(about: &About<'_>, caller: &Caller) -> Decision {
    // What does not name its kind can only be judged by who reads it.
    if about.asks_again && (about.asked.resource == "*" || caller.authorizer.may_some(&caller.user, &about.asked)) {
        return Decision::allow("it is asked again for the object");
    }
    let decision = caller.check(&about.asked).await;
    match &about.besides {
        Some(besides) if decision.allowed => caller.check(besides).await,
        _ => decision,
    }
}
