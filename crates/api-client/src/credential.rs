//! Who is told to have sent a request.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::Error;
use crate::exec::Plugin;

/// What must not be seen: its debug output does not have it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps it.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// What it is.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("(hidden)")
    }
}

/// How requests say who sends them.
#[derive(Debug, Clone, Default)]
pub enum Credential {
    /// They do not.
    #[default]
    None,
    /// With a token.
    Token(Secret),
    /// With the token that a file has, which is read for each request: it may be replaced at any time.
    TokenFile(PathBuf),
    /// With a certificate for the connection: chain and key, PEM.
    Certificate {
        /// The chain, the leaf first.
        chain: Vec<u8>,
        /// Its key.
        key: Secret,
    },
    /// With what a program says.
    Plugin(Arc<Plugin>),
}

/// What a credential comes to.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// A bearer token.
    pub token: Option<Secret>,
    /// Chain and key for the connection, PEM.
    pub certificate: Option<(Vec<u8>, Secret)>,
}

impl Credential {
    /// Whether there is one.
    #[must_use]
    pub fn is_some(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// What there is to show now.
    ///
    /// # Errors
    /// When a file cannot be read, or a program does not tell.
    pub async fn show(&self) -> Result<Shown, Error> {
        match self {
            Self::None => Ok(Shown::default()),
            Self::Token(token) => Ok(Shown { token: Some(token.clone()), certificate: None }),
            Self::TokenFile(path) => {
                let text = tokio::fs::read_to_string(path).await;
                let text = text.map_err(|source| Error::Read { path: path.clone(), source })?;
                Ok(Shown { token: Some(Secret::new(text.trim())), certificate: None })
            }
            Self::Certificate { chain, key } => {
                Ok(Shown { token: None, certificate: Some((chain.clone(), key.clone())) })
            }
            Self::Plugin(plugin) => plugin.show().await,
        }
    }
}
