//! Keys from where they are.

use std::future::poll_fn;
use std::num::NonZeroU16;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use backstay_token::{KeySet, KeySetError, MAX_KEY_SET};
use backstay_upstream::Backend;
use http::{HeaderValue, Method, Request, header};
use thiserror::Error;

use crate::body::RequestBody;
use crate::data_thread::DataThread;
use crate::forward::headers::HopByHop;
use crate::forward::request_state::RequestState;
use crate::forward::{attempt, head};
use crate::tokens::Fetch;

/// How long a fetch may take.
const TIMEOUT: Duration = Duration::from_secs(5);

const USER_AGENT: HeaderValue = HeaderValue::from_static("backstay");
const ACCEPT: HeaderValue = HeaderValue::from_static("application/jwk-set+json, application/json");

/// Why there are no keys.
#[derive(Debug, Error)]
enum FetchError {
    #[error("the request cannot be said in the backend's protocol")]
    Unsendable,
    #[error("no answer: {0}")]
    Failed(String),
    #[error("status {0}")]
    Status(u16),
    #[error("the answer ended before its end")]
    Cut,
    #[error("no whole answer within {TIMEOUT:?}")]
    Timeout,
    #[error("the answer {0}")]
    Answer(#[from] KeySetError),
}

/// Fetches keys from `backend`, on this thread and by itself: it goes on when the request that asked for it has ended. Redirects
/// are not followed: where keys come from is the configuration's to say.
pub(super) fn start(thread: &Rc<DataThread>, turn: Fetch, backend: &Arc<Backend>, port: Option<NonZeroU16>) {
    let (thread, backend) = (Rc::clone(thread), Arc::clone(backend));
    tokio::task::spawn_local(async move {
        let counts = &thread.shared.metrics.tokens;
        let fetched = match tokio::time::timeout(TIMEOUT, fetch(&thread, &turn, &backend, port)).await {
            Ok(fetched) => fetched,
            Err(_) => Err(FetchError::Timeout),
        };
        match fetched {
            Ok(keys) => {
                counts.fetched.increment(1);
                let (count, left_out) = (keys.len(), keys.left_out());
                tracing::debug!(backend = %backend.name, count, left_out, "keys were fetched");
                turn.finish(keys);
            }
            Err(error) => {
                counts.fetches_failed.increment(1);
                let source = turn.source();
                // The query may be a credential.
                let path = source.target.path();
                tracing::warn!(backend = %backend.name, host = ?source.authority, %path, %error, "keys could not be fetched");
            }
        }
    });
}

async fn fetch(
    thread: &Rc<DataThread>,
    turn: &Fetch,
    backend: &Arc<Backend>,
    port: Option<NonZeroU16>,
) -> Result<KeySet, FetchError> {
    let source = turn.source();
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = Method::GET;
    parts.uri = source.target.clone().into();
    parts.headers.insert(header::HOST, source.authority.clone());
    parts.headers.insert(header::USER_AGENT, USER_AGENT);
    parts.headers.insert(header::ACCEPT, ACCEPT);
    let hop = HopByHop { upgrade: None, trailers: false, chunked: false };
    head::rewrite_host(&mut parts, backend);
    let body = RequestBody::empty();
    let authority = RequestState::authority(backend, &parts);
    head::address(&mut parts, &hop, backend).ok_or(FetchError::Unsendable)?;
    let state = RequestState::new(backend, (port, authority), false, &parts, &body, None, None);
    let mut request = Request::from_parts(parts, body);
    let upstream = thread.upstreams.get(backend, || thread.random());
    let mut answer = attempt::run(&state, &upstream, 0, &mut request)
        .await
        .map_err(|failure| FetchError::Failed(failure.into_local_reply(false).details.into_owned()))?;
    let status = answer.response.status();
    if !status.is_success() {
        return Err(FetchError::Status(status.as_u16()));
    }
    let mut document = Vec::new();
    while let Some(frame) = poll_fn(|cx| answer.incoming.poll_frame(cx)).await {
        let frame = frame.map_err(|_| FetchError::Cut)?;
        let Some(data) = frame.data_ref() else { continue };
        if document.len() + data.len() > MAX_KEY_SET {
            return Err(KeySetError::TooLong.into());
        }
        document.extend_from_slice(data);
    }
    answer.incoming.done();
    Ok(KeySet::read(&document, source.identity)?)
}
