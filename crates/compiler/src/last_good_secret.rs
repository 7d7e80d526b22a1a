//! Secrets as they last could serve, for whoever keeps that beyond the life of a [`Compiler`](crate::Compiler).

use std::fmt;
use std::sync::Arc;

use backstay_proto::config;
use backstay_resources::Timestamp;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use prost::Message as _;

use crate::secret::{CompiledSecret, Role, SecretName, SecretUse};

/// The first byte of an encoding, so that another one can follow.
const FORMAT: u8 = 1;

/// A Secret and what it is used as.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LastGoodSecretName {
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// What it is used as.
    pub role: Role,
}

/// A Secret as it last could serve in a role. Holds keys, so it is not printed.
#[derive(Clone, PartialEq)]
pub struct LastGoodSecret(pub(crate) CompiledSecret);

impl LastGoodSecret {
    /// As bytes, which hold a private key.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let CompiledSecret { encoded, expires } = &self.0;
        let mut bytes = BytesMut::with_capacity(9 + encoded.len());
        bytes.put_u8(FORMAT);
        bytes.put_i64(expires.map_or(i64::MIN, |expires| expires.0.as_second()));
        bytes.put_slice(encoded);
        bytes.freeze()
    }

    /// Reads what [`LastGoodSecret::encode`] wrote. `None` if it is something else.
    #[must_use]
    pub fn decode(mut bytes: Bytes) -> Option<Self> {
        if bytes.len() < 9 || bytes.get_u8() != FORMAT {
            return None;
        }
        let expires = Some(bytes.get_i64()).filter(|second| *second != i64::MIN).map(Timestamp::from_second);
        let resource = config::Resource::decode(bytes.clone()).ok()?;
        matches!(resource.kind, Some(config::resource::Kind::Secret(_)))
            .then_some(Self(CompiledSecret { encoded: bytes, expires }))
    }
}

impl fmt::Debug for LastGoodSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LastGoodSecret")
    }
}

impl From<SecretUse> for LastGoodSecretName {
    fn from(SecretUse { secret: SecretName { namespace, name }, role }: SecretUse) -> Self {
        Self { namespace, name, role }
    }
}
