//! Whose token it is, and what else clients ask of an account.

use backstay_auth::{Credential, User};
use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::record;
use super::reply::Reply;
use super::request::Call;
use super::shared::Api;

/// What the token is called.
fn name(user: &User) -> String {
    match user.credential {
        Credential::Unchecked => "any token is taken: the control plane was started without --tokens".to_owned(),
        _ => user.name.clone(),
    }
}

/// Answers for `/tokens/self`. Of a token that was not looked at, it says just that.
pub(crate) fn token(call: &Call) -> Reply {
    let identity = &call.identity;
    let mut answer = Map::from_iter([
        ("id".to_owned(), Value::from(identity.id.clone())),
        ("user_id".to_owned(), identity.id.clone().into()),
        ("customer_id".to_owned(), identity.customer.clone().into()),
        ("name".to_owned(), name(identity).into()),
        ("scope".to_owned(), identity.scope_names().into()),
        ("services".to_owned(), identity.services.iter().flatten().cloned().collect::<Vec<_>>().into()),
    ]);
    let times = [("created_at", identity.created), ("expires_at", identity.expires)];
    answer.extend(times.into_iter().filter_map(|(name, at)| Some((name.to_owned(), at?.to_string().into()))));
    Reply::new(answer)
}

/// Answers for `/verify`.
pub(crate) async fn verify(api: &Api, call: &Call) -> Result<Reply, Failure> {
    let identity = &call.identity;
    let snapshot = api.snapshot().await?;
    let services = record::services(&snapshot, identity)?;
    let services: Map<String, Value> =
        services.iter().map(|service| (service.name().to_owned(), service.spec.name.clone().into())).collect();
    let mut token = Map::from_iter([
        ("id".to_owned(), Value::from(identity.id.clone())),
        ("name".to_owned(), name(identity).into()),
        ("scope".to_owned(), identity.scope_names().into()),
    ]);
    let times = [("created_at", identity.created), ("expires_at", identity.expires)];
    token.extend(times.into_iter().filter_map(|(name, at)| Some((name.to_owned(), at?.to_string().into()))));
    Ok(Reply::new(json!({
        "customer": {"id": identity.customer, "name": identity.customer},
        "user": {"id": identity.id, "name": name(identity), "login": name(identity)},
        "services": services, "token": token,
    })))
}
