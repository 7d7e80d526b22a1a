//! Other servers that are asked: whose a token is, what somebody may do, and which keys an issuer has.

mod cache;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use backstay_api_client::{Address, ApiServer, Credential as Shown, Error, Target};
use backstay_auth::authenticator::ReviewToken;
use backstay_auth::authorizer::AccessReview;
use backstay_auth::identity::AUTHENTICATED;
use backstay_auth::jwt::FetchKeys;
use backstay_auth::{Attributes, Credential, Decision, Denied, Digest, User};
use serde_json::{Value, json};

use self::cache::Cache;
use super::options::AccessError;

type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Asks the server of a kubeconfig whose tokens are. With an audience, tokens must be for that; without, for the server itself.
pub(crate) fn token_review(kubeconfig: &Path, audience: Option<&str>) -> Result<Arc<dyn ReviewToken>, AccessError> {
    let server = server(kubeconfig).map_err(AccessError::TokenReview)?;
    Ok(Arc::new(Tokens { server, audience: audience.map(str::to_owned), known: Cache::default() }))
}

/// Asks the server of a kubeconfig what users may do.
pub(super) fn access_review(kubeconfig: &Path) -> Result<Arc<dyn AccessReview>, AccessError> {
    let server = server(kubeconfig).map_err(AccessError::AccessReview)?;
    Ok(Arc::new(Access { server, known: Cache::default() }))
}

fn server(kubeconfig: &Path) -> Result<ApiServer, Error> {
    ApiServer::new(Target::of_file(kubeconfig)?)
}

/// Fetches the keys of an issuer from where its configuration says.
pub(super) fn keys(issuer: &str, authorities: Option<&Path>) -> Result<Arc<dyn FetchKeys>, AccessError> {
    let read = |path: &Path| {
        std::fs::read(path).map_err(|source| AccessError::Issuer(Error::Read { path: path.to_owned(), source }))
    };
    let authorities = authorities.map(read).transpose()?;
    let address: Address = issuer.parse().map_err(AccessError::Issuer)?;
    if !address.is_private() {
        // Whoever is on the way could put keys of its own in their place.
        return Err(AccessError::Issuer(Error::Exposed(issuer.to_owned())));
    }
    let target = Target { address, authorities, server_name: None, credential: Shown::None, namespace: None };
    let server = ApiServer::new(target).map_err(AccessError::Issuer)?;
    Ok(Arc::new(Issuer { server, issuer: issuer.to_owned() }))
}

#[derive(Debug)]
struct Issuer {
    server: ApiServer,
    issuer: String,
}

impl FetchKeys for Issuer {
    fn fetch(&self) -> Answer<'_, Result<Vec<u8>, String>> {
        Box::pin(async {
            let told = |error: Error| error.to_string();
            let configuration = self.server.address().uri("/.well-known/openid-configuration");
            let configuration = self.server.get(&configuration).await.map_err(told)?;
            let configuration: Value =
                serde_json::from_slice(&configuration).map_err(|error| format!("its configuration: {error}"))?;
            // OpenID Connect Discovery 1.0, 4.3: another issuer's configuration is not this one's.
            if configuration["issuer"] != self.issuer.as_str() {
                return Err("its configuration is that of another issuer".to_owned());
            }
            let keys = configuration["jwks_uri"].as_str().unwrap_or_default();
            let address: Address = keys.parse().map_err(|_| "its configuration has no jwks_uri".to_owned())?;
            if !address.is_private() {
                return Err(told(Error::Exposed(address.to_string())));
            }
            Ok(self.server.get(keys).await.map_err(told)?.to_vec())
        })
    }
}

/// Source: Kubernetes, `authentication.k8s.io/v1` `TokenReview`.
#[derive(Debug)]
struct Tokens {
    server: ApiServer,
    audience: Option<String>,
    known: Cache<Result<Arc<User>, Denied>>,
}

impl ReviewToken for Tokens {
    fn review<'a>(&'a self, token: &'a str) -> Answer<'a, Result<Arc<User>, Denied>> {
        Box::pin(async move {
            let key = Digest::of(token).to_string();
            if let Some(known) = self.known.get(&key) {
                return known;
            }
            let mut spec = json!({"token": token});
            if let Some(audience) = &self.audience {
                spec["audiences"] = json!([audience]);
            }
            let asked = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec});
            let answer = self.server.post("/apis/authentication.k8s.io/v1/tokenreviews", &asked).await;
            let outcome = match answer {
                Ok(answer) => {
                    let status = &answer["status"];
                    // A server that does not know of audiences does not repeat them, and has not looked.
                    let looked = self.audience.as_deref().is_none_or(|audience| {
                        status["audiences"]
                            .as_array()
                            .is_some_and(|audiences| audiences.iter().any(|is| is == audience))
                    });
                    user(status).filter(|_| looked).map(Arc::new).ok_or(Denied::Unknown)
                }
                Err(error) => {
                    // Not kept: it may answer the next one.
                    tracing::warn!(%error, "a token could not be reviewed, and is not taken");
                    return Err(Denied::Unavailable);
                }
            };
            self.known.put(key, outcome.clone());
            outcome
        })
    }
}

/// The user of a review, if it says that there is one.
fn user(status: &Value) -> Option<User> {
    if status["authenticated"] != true {
        return None;
    }
    let user = &status["user"];
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let name = user["username"].as_str().filter(|name| !name.is_empty())?;
    let mut groups: BTreeSet<String> = texts(&user["groups"]).into_iter().collect();
    groups.insert(AUTHENTICATED.to_owned());
    let extra: BTreeMap<String, Vec<String>> =
        user["extra"].as_object().into_iter().flatten().map(|(key, value)| (key.clone(), texts(value))).collect();
    let uid = user["uid"].as_str().unwrap_or_default().to_owned();
    Some(User { uid, groups, extra, credential: Credential::Reviewed, ..User::named(name) })
}

/// Source: Kubernetes, `authorization.k8s.io/v1` `SubjectAccessReview`.
#[derive(Debug)]
struct Access {
    server: ApiServer,
    known: Cache<Decision>,
}

impl AccessReview for Access {
    fn review<'a>(&'a self, user: &'a User, asked: &'a Attributes<'a>) -> Answer<'a, Decision> {
        Box::pin(async move {
            let what = if asked.is_resource() {
                json!({"resourceAttributes": {
                    "verb": asked.verb, "group": asked.group, "version": asked.version, "resource": asked.resource,
                    "subresource": asked.subresource, "namespace": asked.namespace, "name": asked.name,
                }})
            } else {
                json!({"nonResourceAttributes": {"verb": asked.verb, "path": asked.path}})
            };
            let mut spec = json!({"user": user.name, "uid": user.uid, "groups": user.groups, "extra": user.extra});
            if let (Some(spec), Value::Object(what)) = (spec.as_object_mut(), what) {
                spec.extend(what);
            }
            let key = spec.to_string();
            if let Some(known) = self.known.get(&key) {
                return known;
            }
            let asked = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec});
            let answer = self.server.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", &asked).await;
            let decision = match answer {
                Ok(answer) => {
                    let status = &answer["status"];
                    let allowed = status["allowed"] == true && status["denied"] != true;
                    Decision { allowed, reason: status["reason"].as_str().unwrap_or_default().into() }
                }
                Err(error) => {
                    tracing::warn!(%error, "access could not be reviewed, and is not given");
                    return Decision::deny("whoever decides it cannot be asked");
                }
            };
            self.known.put(key, decision.clone());
            decision
        })
    }
}

#[cfg(test)]
mod tests;
