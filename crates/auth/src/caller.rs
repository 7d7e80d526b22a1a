//! Who has sent a request, for whatever answers it.

use std::sync::Arc;

use crate::attributes::Attributes;
use crate::authenticator::Authenticator;
use crate::authorizer::Authorizer;
use crate::identity::User;
use crate::roles::Decision;

/// Who has sent a request, and whom to ask what they may do. It is in the extensions of every request that has passed
/// authentication; what knows only later which object a request is about asks then.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who it is. Where somebody speaks for another, the other.
    pub user: Arc<User>,
    /// Decides what users may do.
    pub authorizer: Authorizer,
    /// Finds out whose a token is.
    pub authenticator: Authenticator,
}

impl Caller {
    /// Whoever sends requests where nothing is asked for.
    #[must_use]
    pub fn anyone() -> Self {
        Self { user: User::shared_anyone(), authorizer: Authorizer::open(), authenticator: Authenticator::open() }
    }

    /// Whether the sender may do that.
    pub async fn check(&self, asked: &Attributes<'_>) -> Decision {
        self.authorizer.check(&self.user, asked).await
    }
}
