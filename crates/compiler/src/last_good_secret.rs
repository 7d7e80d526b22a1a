//! Secrets as they last could serve, for whoever keeps that beyond the life of a [`Compiler`](crate::Compiler).

use std::fmt;
use std::sync::Arc;

use backstay_proto::config;
use backstay_resources::Timestamp;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use prost::Message as _;

use crate::secret::{CompiledSecret, Role, SecretName, SecretUse};

/// The first byte of an encoding, so that another one can follow.
const FORMAT: u8 = 2;
/// That of the one before, which says nothing of when a certificate begins to be valid.
const WITHOUT_BEGIN: u8 = 1;

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
        let CompiledSecret { encoded, expires, begins } = &self.0;
        let mut bytes = BytesMut::with_capacity(17 + encoded.len());
        bytes.put_u8(FORMAT);
        for time in [expires, begins] {
            bytes.put_i64(time.map_or(i64::MIN, |time| time.0.as_second()));
        }
        bytes.put_slice(encoded);
        bytes.freeze()
    }

    /// Reads what [`LastGoodSecret::encode`] wrote. `None` if it is something else.
    #[must_use]
    pub fn decode(mut bytes: Bytes) -> Option<Self> {
        let format = bytes.try_get_u8().ok().filter(|format| [FORMAT, WITHOUT_BEGIN].contains(format))?;
        let time = |second: i64| Some(second).filter(|second| *second != i64::MIN).map(Timestamp::from_second);
        let expires = time(bytes.try_get_i64().ok()?);
        let begins = if format == FORMAT { time(bytes.try_get_i64().ok()?) } else { None };
        let resource = config::Resource::decode(bytes.clone()).ok()?;
        matches!(resource.kind, Some(config::resource::Kind::Secret(_))).then_some(Self(CompiledSecret {
            encoded: bytes,
            expires,
            begins,
        }))
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
