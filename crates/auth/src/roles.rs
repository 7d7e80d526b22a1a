//! Roles: who may do what, as Kubernetes' RBAC has it. What no rule allows is denied.
//!
//! Source: Kubernetes, `rbac.authorization.k8s.io/v1` and `plugin/pkg/auth/authorizer/rbac`.
//!
//! - [`rule`]: what one rule allows. `document`: roles and bindings as files have them. `built_in`: those that always exist.
//! - [`policy`]: all of them together, asked.

mod built_in;
mod document;
pub mod policy;
pub mod rule;

pub use self::document::PolicyError;
pub use self::policy::{Decision, Policy};
pub use self::rule::Rule;

#[cfg(test)]
mod tests;
