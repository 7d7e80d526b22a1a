//! One request to one backend, unless what it answered before still holds.

use std::sync::Arc;
use std::time::SystemTime;

use backstay_composition::CallError;
use backstay_http_cache::{Answer, Cache, Found, Question};
use backstay_upstream::Backend;
use http::{HeaderMap, StatusCode};

use super::client::{Reply, Source};
use super::transport::{self, Context, Outgoing, url};
use crate::config::CallTarget;

/// Answers a request with what is kept, or sends it, and has kept what comes.
pub(super) async fn send(
    context: &Context,
    backend: &Arc<Backend>,
    target: &CallTarget,
    mut outgoing: Outgoing,
    cache: &Arc<Cache>,
) -> Result<Reply, CallError> {
    let mut asked = url(backend, target.authority.as_ref(), &outgoing.target);
    if outgoing.authority != target.authority {
        // One address, and another site.
        let host = outgoing.authority.as_ref().and_then(|host| host.to_str().ok()).unwrap_or_default();
        asked = format!("{asked} {host}");
    }
    let (method, headers) = (outgoing.method.clone(), outgoing.headers.clone());
    let question = Question { method: &method, url: &asked, headers: &headers };
    let asked_at = SystemTime::now();
    let stale = match cache.look_up(&question, asked_at) {
        Found::Fresh(stored) => return Ok(kept(stored.answer(asked_at))),
        Found::OnlyIfCached => {
            let (status, headers) = (StatusCode::GATEWAY_TIMEOUT, HeaderMap::new());
            return Ok(Reply { status, headers, source: Source::Kept(Default::default()) });
        }
        Found::Stale(stored) => {
            stored.ask_whether_changed(&mut outgoing.headers);
            Some(stored)
        }
        Found::Missing => None,
    };
    let sent = transport::send(context, backend, target, outgoing).await;
    let now = SystemTime::now();
    if let Some(stored) = stale {
        let failed = sent.as_ref().map_or(true, |answered| answered.status.is_server_error());
        if failed && cache.may_answer_for_error(&question, &stored, now) {
            if let Ok(answered) = sent {
                Source::Network(answered).discard();
            }
            return Ok(kept(stored.answer(now)));
        }
        match sent {
            Ok(answered) if answered.status == StatusCode::NOT_MODIFIED => {
                let answer = cache.on_not_modified(&question, &stored, &answered.headers, (asked_at, now));
                Source::Network(answered).discard();
                return Ok(kept(answer));
            }
            sent => return recorded(sent?, cache, &question, (asked_at, now)),
        }
    }
    recorded(sent?, cache, &question, (asked_at, now))
}

fn recorded(
    mut answered: transport::Answered,
    cache: &Arc<Cache>,
    question: &Question<'_>,
    times: (SystemTime, SystemTime),
) -> Result<Reply, CallError> {
    answered.recorder = cache.on_answer(question, answered.status, &answered.headers, times).map(Box::new);
    Ok(Reply::of(answered))
}

fn kept(answer: Answer) -> Reply {
    Reply { status: answer.status, headers: answer.headers, source: Source::Kept(answer.body) }
}
