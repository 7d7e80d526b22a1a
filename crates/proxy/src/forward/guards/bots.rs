//! Programs that are not wanted.

use std::sync::Arc;

use backstay_model::route::guards::Bots;
use http::{StatusCode, header};

use super::Inquiry;
use super::answer::Answer;
use crate::counts::Guard;
use crate::local_reply::{Flag, LocalReply};

const REFUSED: LocalReply = LocalReply::fixed(StatusCode::FORBIDDEN, "", Flag::None, "bot_refused");

/// Refuses programs that one of `bots` does not want. Of several lines of `User-Agent` the first counts.
pub(super) fn check(bots: &[Arc<Bots>], inquiry: Inquiry<'_>) -> Option<Answer> {
    if bots.is_empty() {
        return None;
    }
    let agent = inquiry.parts.headers.get(header::USER_AGENT);
    let agent = agent.map_or(&[][..], |value| value.as_bytes());
    bots.iter().any(|bots| bots.refuse(agent)).then(|| Answer::new(Guard::Bots, REFUSED))
}
