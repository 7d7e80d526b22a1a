//! Who serves requests.

use std::convert::Infallible;
use std::error::Error;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;

use super::Exchange;
use crate::body::ClientBody;

/// What serves the requests of clients. The server is handed one, and knows nothing else of where requests go.
pub(crate) trait Service: Copy + Unpin + 'static {
    /// The body of an answer.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + 'static;

    /// Serves one request. It never fails: what goes wrong becomes an answer.
    fn serve(
        self,
        exchange: Exchange,
        request: Request<ClientBody>,
    ) -> impl Future<Output = Result<Response<Self::Body>, Infallible>> + 'static;
}
