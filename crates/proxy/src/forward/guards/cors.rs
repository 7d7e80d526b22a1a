//! Cross-origin resource sharing.

use std::sync::Arc;

use http::{Method, header};

use super::Inquiry;
use super::additions::{Additions, Sharing};
use super::answer::Answer;
use crate::config::Guards;
use crate::counts::Guard;
use crate::local_reply::{Flag, LocalReply};

/// Answers preflights, and has all other answers say who may read them.
pub(super) fn check(guards: &Arc<Guards>, inquiry: Inquiry<'_>, additions: &mut Additions) -> Option<Answer> {
    let cors = guards.checked.cors.as_ref()?;
    let (method, headers) = (&inquiry.parts.method, &inquiry.parts.headers);
    let asked = || headers.get(header::ACCESS_CONTROL_REQUEST_METHOD).is_some_and(|asked| !asked.is_empty());
    if *method != Method::OPTIONS || !asked() {
        additions.share(guards, Sharing::Origin(cors.origin(method.as_str(), headers)));
        return None;
    }
    let preflight = cors.preflight(headers);
    if cors.pass_preflights {
        additions.share(guards, Sharing::Preflight(Box::new(preflight)));
        return None;
    }
    let reply = LocalReply::fixed(cors.preflight_status, "", Flag::None, "cors_preflight");
    Some(Answer::new(Guard::Cors, reply).with(preflight))
}
