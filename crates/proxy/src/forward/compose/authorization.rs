//! Tokens that calls carry: fetched where there is none that counts, once for all calls that want it.

use backstay_composition::CallError;
use http::{HeaderMap, HeaderValue, Method, header};
use tokio::time::Instant;

use super::answer_body::{self, Reading};
use super::transport::{self, Context, Outgoing};
use crate::body::RequestBody;
use crate::config::Credentials;
use crate::tokens::Grant;

/// Bytes of a token endpoint's answer that are read.
const MAX_ANSWER: usize = 64 << 10;

/// `Authorization` of a call. Whoever waits for a token that another call is asking for has it at the same time, or knows why there
/// is none.
pub(super) async fn of(context: &Context, credentials: &Credentials) -> Result<HeaderValue, CallError> {
    let grant = context.thread.shared.grants.of(credentials.identity);
    if let Some(token) = grant.token(Instant::now()) {
        return Ok(token);
    }
    let mut turn = grant.turn().await;
    let now = Instant::now();
    if let Some(token) = grant.token(now) {
        return Ok(token);
    }
    if let Some(why) = turn.failure(now) {
        return Err(CallError::Transport(why.to_owned()));
    }
    // Where the secret is wanted, is found out: as RFC 6749 says first (2.3.1), else in the form.
    let ways = if turn.in_form { [true, false] } else { [false, true] };
    let mut failed = Failed::default();
    for in_form in ways {
        match ask(context, credentials, &grant, in_form).await {
            Ok(token) => {
                turn.in_form = in_form;
                return Ok(token);
            }
            Err(failure) => {
                let is_last = !failure.answered;
                failed = failure;
                if is_last {
                    break;
                }
            }
        }
    }
    tracing::warn!(path = credentials.path.path(), error = %failed.why, "there is no token for calls");
    turn.fail(Instant::now(), failed.why.clone());
    Err(CallError::Transport(failed.why))
}

/// Why there is no token.
#[derive(Default)]
struct Failed {
    why: String,
    /// The endpoint has refused: it may take the secret in another place.
    answered: bool,
}

async fn ask(
    context: &Context,
    credentials: &Credentials,
    grant: &Grant,
    in_form: bool,
) -> Result<HeaderValue, Failed> {
    let endpoint = &credentials.endpoint;
    let failed = |why: String| Failed { why, answered: false };
    let backend = endpoint.backend.as_ref().ok_or_else(|| failed(CallError::NoEndpoint.to_string()))?;
    let form = if in_form { &credentials.form_with_secret } else { &credentials.form };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    if !in_form {
        headers.insert(header::AUTHORIZATION, credentials.basic.clone());
    }
    let outgoing = Outgoing {
        method: Method::POST,
        target: format!("{}{}", endpoint.base_path, credentials.path),
        headers,
        authority: endpoint.authority.clone(),
        length: Some(HeaderValue::from(form.len())),
        body: RequestBody::kept(form.clone()),
    };
    let mut answered =
        transport::send(context, backend, endpoint, outgoing).await.map_err(|error| failed(error.to_string()))?;
    let status = answered.status;
    let body = answer_body::read(&mut answered, MAX_ANSWER, MAX_ANSWER, &Reading::default()).await;
    let body = body.map_err(|error| failed(error.to_string()))?;
    if !status.is_success() {
        // What the endpoint says may be more than the client should know.
        return Err(Failed { why: format!("oauth2: cannot fetch token: {}", status.as_u16()), answered: true });
    }
    grant.take(&body, Instant::now()).map_err(|error| failed(error.to_string()))
}
