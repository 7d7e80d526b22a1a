//! What a client may do, and who it is.
//!
//! Source: Kubernetes, `authorization.k8s.io/v1` and `authentication.k8s.io/v1`. There is no authorization: whoever
//! reaches the API may do everything, and that is what these answers say.

use serde_json::{Value, json};

use crate::status::Failure;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Review {
    /// Whether one thing is allowed.
    Access,
    /// All that is allowed.
    Rules,
    /// Who asks.
    Subject,
}

impl Review {
    /// The review that is created at a path.
    pub(crate) fn by_resource(group: &str, version: &str, plural: &str) -> Option<Self> {
        match (group, version, plural) {
            ("authorization.k8s.io", "v1", "selfsubjectaccessreviews") => Some(Self::Access),
            ("authorization.k8s.io", "v1", "selfsubjectrulesreviews") => Some(Self::Rules),
            ("authentication.k8s.io", "v1", "selfsubjectreviews") => Some(Self::Subject),
            _ => None,
        }
    }

    fn kind(self) -> (&'static str, &'static str) {
        match self {
            Self::Access => ("authorization.k8s.io/v1", "SelfSubjectAccessReview"),
            Self::Rules => ("authorization.k8s.io/v1", "SelfSubjectRulesReview"),
            Self::Subject => ("authentication.k8s.io/v1", "SelfSubjectReview"),
        }
    }

    /// The review as asked, with the answer.
    pub(crate) fn answer(self, asked: &Value) -> Result<Value, Failure> {
        let (api_version, kind) = self.kind();
        // Generated clients leave out what the URL says anyway.
        let is = |name: &str, value: &str| asked[name].as_str().unwrap_or(value) == value;
        if !asked.is_object() || !is("apiVersion", api_version) || !is("kind", kind) {
            return Err(Failure::bad_request(format!("the body must be a {kind} of {api_version}")));
        }
        let spec = &asked["spec"];
        let status = match self {
            Self::Access if spec["resourceAttributes"].is_object() || spec["nonResourceAttributes"].is_object() => {
                json!({"allowed": true, "reason": "no authorization is configured"})
            }
            Self::Access => {
                return Err(Failure::bad_request("spec must have resourceAttributes or nonResourceAttributes"));
            }
            Self::Rules => json!({
                "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
                "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
                "incomplete": false,
            }),
            Self::Subject => json!({
                "userInfo": {"username": "system:anonymous", "groups": ["system:unauthenticated"]},
            }),
        };
        let mut answer = json!({"kind": kind, "apiVersion": api_version, "metadata": {"creationTimestamp": null}});
        if self != Self::Subject {
            answer["spec"] = spec.clone();
        }
        answer["status"] = status;
        Ok(answer)
    }
}
