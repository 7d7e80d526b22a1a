//! Members of a response that become tokens.

use std::fmt;
use std::sync::Arc;

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};

use crate::document::{Object, Value};
use crate::encode::Encoder;

/// Makes a token of what is signed. What keys and algorithms are, is for whoever has them to know.
pub trait Sign: fmt::Debug + Send + Sync {
    /// A token whose payload is this JSON; `None` when there can be none.
    fn sign(&self, payload: &[u8]) -> Option<String>;
}

/// Which members of a response become tokens. Such a response is JSON, without fields of the composition's own: it is a token
/// endpoint's, whose clients look at the status. Where anything fails there is no response but the status 400.
#[derive(Clone, Debug)]
pub struct Signing {
    /// Names of members at the top. Those that are not there, or are no objects, stay as they are.
    pub members: Vec<String>,
    /// Makes the tokens.
    pub signer: Arc<dyn Sign>,
}

impl Signing {
    /// The status of responses that there are none of.
    pub(crate) const FAILED: StatusCode = StatusCode::BAD_REQUEST;

    /// The data with tokens for members; `None` when one cannot be signed.
    pub(crate) fn sign(&self, data: Object) -> Option<Object> {
        let mut tokens = Object::empty();
        for name in &self.members {
            let Some(object) = data.get(name.as_bytes()).and_then(Value::into_object) else { continue };
            let payload = Encoder::Json.encode(Some(object), &HeaderMap::new()).body;
            let token = Value::text(self.signer.sign(&payload)?);
            tokens = tokens.merged(Object::single(name.clone(), token));
        }
        Some(data.merged(tokens))
    }

    /// The header fields of a response.
    pub(crate) fn fields(content_type: HeaderValue) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, content_type)])
    }
}
