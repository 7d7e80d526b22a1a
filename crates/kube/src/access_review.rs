//! What a client may do, and who it is.
//!
//! Source: Kubernetes, `authorization.k8s.io/v1` and `authentication.k8s.io/v1`.

use std::collections::{BTreeMap, BTreeSet};

use backstay_auth::{Attributes, Caller, User};
use serde_json::{Map, Value, json};

use crate::status::Failure;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Review {
    /// Whether whoever asks may do one thing.
    OwnAccess,
    /// All that whoever asks may do.
    OwnRules,
    /// Who asks.
    OwnSubject,
    /// Whether somebody may do one thing.
    Access,
    /// The same, in the namespace of the path.
    LocalAccess,
    /// Whose a token is.
    Token,
}

/// A question, and where it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) review: Review,
    /// Of the path, where it has one.
    pub(crate) namespace: Option<String>,
}

impl Question {
    /// The question that is asked by creating something at a path.
    pub(crate) fn by_resource(group: &str, version: &str, rest: &[&str]) -> Option<Self> {
        let review = |review| Some(Self { review, namespace: None });
        match (group, version, rest) {
            ("authorization.k8s.io", "v1", ["selfsubjectaccessreviews"]) => review(Review::OwnAccess),
            ("authorization.k8s.io", "v1", ["selfsubjectrulesreviews"]) => review(Review::OwnRules),
            ("authorization.k8s.io", "v1", ["subjectaccessreviews"]) => review(Review::Access),
            ("authorization.k8s.io", "v1", ["namespaces", namespace, "localsubjectaccessreviews"])
                if !namespace.is_empty() =>
            {
                Some(Self { review: Review::LocalAccess, namespace: Some((*namespace).to_owned()) })
            }
            ("authentication.k8s.io", "v1", ["selfsubjectreviews"]) => review(Review::OwnSubject),
            ("authentication.k8s.io", "v1", ["tokenreviews"]) => review(Review::Token),
            _ => None,
        }
    }

    fn kind(&self) -> (&'static str, &'static str) {
        match self.review {
            Review::OwnAccess => ("authorization.k8s.io/v1", "SelfSubjectAccessReview"),
            Review::OwnRules => ("authorization.k8s.io/v1", "SelfSubjectRulesReview"),
            Review::OwnSubject => ("authentication.k8s.io/v1", "SelfSubjectReview"),
            Review::Access => ("authorization.k8s.io/v1", "SubjectAccessReview"),
            Review::LocalAccess => ("authorization.k8s.io/v1", "LocalSubjectAccessReview"),
            Review::Token => ("authentication.k8s.io/v1", "TokenReview"),
        }
    }

    /// The review as asked, with the answer.
    pub(crate) async fn answer(&self, caller: &Caller, asked: &Value) -> Result<Value, Failure> {
        let (api_version, kind) = self.kind();
        // Generated clients leave out what the URL says anyway.
        let is = |name: &str, value: &str| asked[name].as_str().unwrap_or(value) == value;
        if !asked.is_object() || !is("apiVersion", api_version) || !is("kind", kind) {
            return Err(Failure::bad_request(format!("the body must be a {kind} of {api_version}")));
        }
        let spec = &asked["spec"];
        let status = match self.review {
            Review::OwnAccess => access(caller, &caller.user, spec, None).await?,
            Review::Access => access(caller, &subject(spec)?, spec, None).await?,
            Review::LocalAccess => access(caller, &subject(spec)?, spec, self.namespace.as_deref()).await?,
            Review::OwnRules => rules(caller, spec)?,
            Review::OwnSubject => json!({"userInfo": user_info(&caller.user)}),
            Review::Token => token(caller, spec).await?,
        };
        let mut answer = json!({"kind": kind, "apiVersion": api_version, "metadata": {"creationTimestamp": null}});
        match self.review {
            Review::OwnSubject => {}
            // A token is not sent around more than it must.
            Review::Token => answer["spec"] = json!({}),
            _ => answer["spec"] = spec.clone(),
        }
        answer["status"] = status;
        Ok(answer)
    }
}

/// Who somebody is, as `UserInfo` has it.
fn user_info(user: &User) -> Value {
    let mut info = json!({"username": user.name, "groups": user.groups});
    if !user.uid.is_empty() {
        info["uid"] = user.uid.clone().into();
    }
    if !user.extra.is_empty() {
        info["extra"] = json!(user.extra);
    }
    info
}

/// Whom a review is about.
fn subject(spec: &Value) -> Result<User, Failure> {
    let text = |name: &str| spec[name].as_str().unwrap_or_default().to_owned();
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (name, groups) = (text("user"), texts(&spec["groups"]));
    if name.is_empty() && groups.is_empty() {
        return Err(Failure::bad_request("spec.user: at least one of user or group must be specified"));
    }
    let extra: BTreeMap<String, Vec<String>> =
        spec["extra"].as_object().into_iter().flatten().map(|(key, value)| (key.clone(), texts(value))).collect();
    let groups: BTreeSet<String> = groups.into_iter().collect();
    Ok(User { uid: text("uid"), groups, extra, ..User::named(name) })
}

/// Whether somebody may do what is asked.
async fn access(caller: &Caller, user: &User, spec: &Value, within: Option<&str>) -> Result<Value, Failure> {
    let (resource, path) = (&spec["resourceAttributes"], &spec["nonResourceAttributes"]);
    let attributes = match (resource.as_object(), path.as_object()) {
        (Some(fields), None) => {
            let of = |name: &str| text(fields, name);
            let namespace = of("namespace");
            if let Some(within) = within
                && namespace != within
            {
                let why = format!("spec.resourceAttributes.namespace: it must be {within:?}, as the path has it");
                return Err(Failure::bad_request(why));
            }
            Attributes {
                namespace: namespace.into(),
                name: of("name").into(),
                version: of("version").into(),
                subresource: of("subresource").into(),
                ..Attributes::resource(of("verb"), of("group"), of("resource"))
            }
        }
        (None, Some(fields)) if within.is_none() => Attributes::path(text(fields, "verb"), text(fields, "path")),
        _ if within.is_some() => {
            return Err(Failure::bad_request("spec must have resourceAttributes, and no nonResourceAttributes"));
        }
        _ => {
            return Err(Failure::bad_request(
                "spec must have exactly one of resourceAttributes or nonResourceAttributes",
            ));
        }
    };
    let decision = caller.authorizer.check(user, &attributes).await;
    let mut status = json!({"allowed": decision.allowed});
    if !decision.reason.is_empty() {
        status["reason"] = (*decision.reason).into();
    }
    Ok(status)
}

fn text<'v>(fields: &'v Map<String, Value>, name: &str) -> &'v str {
    fields.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Everything that whoever asks may do in a namespace.
fn rules(caller: &Caller, spec: &Value) -> Result<Value, Failure> {
    let namespace = spec["namespace"].as_str().unwrap_or_default();
    if namespace.is_empty() && !caller.authorizer.is_open() {
        return Err(Failure::bad_request("spec.namespace: no namespace on request"));
    }
    let (rules, incomplete) = caller.authorizer.rules(&caller.user, namespace);
    let (paths, resources): (Vec<_>, Vec<_>) = rules.into_iter().partition(|rule| !rule.non_resource_urls.is_empty());
    let mut status = json!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": incomplete});
    if incomplete {
        status["evaluationError"] = "another API server may allow more, and does not list it".into();
    }
    Ok(status)
}

/// Whose a token is.
async fn token(caller: &Caller, spec: &Value) -> Result<Value, Failure> {
    let token = spec["token"].as_str().unwrap_or_default();
    if token.is_empty() {
        return Err(Failure::bad_request("spec.token: token is required for TokenReview in authentication"));
    }
    // None of the tokens here is for the audience of somebody else: that an audience was looked at is said by naming it.
    match caller.authenticator.identify_token(token).await {
        Ok(user) => Ok(json!({"authenticated": true, "user": user_info(&user)})),
        Err(denied) => Ok(json!({"user": {}, "error": denied.to_string()})),
    }
}
