//! Whether what a token says is enough.

use serde_json::{Map, Value};

use crate::{Claims, Refusal};

/// Roles, of which a token must have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles {
    /// The roles. Never empty.
    pub any: Vec<String>,
    /// Where they are: names of members, the last of which is a list of texts or a text with blanks between them.
    pub path: Vec<String>,
}

/// Scopes (RFC 6749, 3.3), of which a token must have one, or all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scopes {
    /// The scopes. Never empty.
    pub scopes: Vec<String>,
    /// Whether all of them are wanted.
    pub all: bool,
    /// Where they are: names of members, the last of which is a text with blanks between them, or a list of texts.
    pub path: Vec<String>,
}

impl Roles {
    /// Whether the token has one of them.
    ///
    /// # Errors
    /// [`Refusal::Roles`] when it has not.
    pub fn check(&self, claims: &Claims) -> Result<(), Refusal> {
        let claim = lookup(claims.members(), &self.path);
        if self.any.iter().any(|role| lists(claim, role)) { Ok(()) } else { Err(Refusal::Roles) }
    }
}

impl Scopes {
    /// Whether the token has one of them, or all.
    ///
    /// # Errors
    /// [`Refusal::Scopes`] when it has not.
    pub fn check(&self, claims: &Claims) -> Result<(), Refusal> {
        let claim = lookup(claims.members(), &self.path);
        let has = |scope: &String| lists(claim, scope);
        let enough = if self.all { self.scopes.iter().all(has) } else { self.scopes.iter().any(has) };
        if enough { Ok(()) } else { Err(Refusal::Scopes) }
    }
}

/// Whether `wanted` is in a claim that is a list of texts, or a text with blanks.
fn lists(claim: Option<&Value>, wanted: &str) -> bool {
    match claim {
        Some(Value::Array(list)) => list.iter().any(|one| one.as_str() == Some(wanted)),
        Some(Value::String(text)) => text.split(' ').any(|one| one == wanted),
        _ => false,
    }
}

/// What is at `path`, which leads through objects.
pub(crate) fn lookup<'v>(members: &'v Map<String, Value>, path: &[String]) -> Option<&'v Value> {
    let (last, above) = path.split_last()?;
    let mut members = members;
    for name in above {
        members = members.get(name)?.as_object()?;
    }
    members.get(last)
}

#[cfg(test)]
mod tests;
