//! Calls that nobody waits for.

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use backstay_composition::{Call, CallId};

use super::call::{self, CallPayload};
use super::client::Source;
use super::error;
use super::progress::Progress;
use super::transport::Context;
use crate::config::{Action, Rule};
use crate::counts::CallOutcome;
use crate::forward::mirror::Running;

/// Makes a call on its own: neither its failure nor its slowness reaches the request. There are as many at a time as there may be
/// copies of requests; beyond, none is made.
pub(super) fn make(context: &Context, rule: &Arc<Rule>, call: Call, payload: CallPayload) {
    let thread = Rc::clone(&context.thread);
    let Some(running) = Running::count(&thread) else {
        return thread.shared.metrics.mirrors_dropped.max_mirrors.increment(1);
    };
    let rule = Arc::clone(rule);
    let context =
        Context { thread: Rc::clone(&thread), peer: context.peer, due: Instant::now() + call.deadline, trace: None };
    tokio::task::spawn_local(async move {
        let (deadline, position, id): (_, _, CallId) = (call.deadline, call.position, call.id);
        let work = async {
            let Action::Compose(composition) = &rule.action else { return None };
            let site = composition.calls.get(position)?;
            let progress = Progress::new(id, position, rule.calls.get(position));
            let passage = rule.passage(position);
            let found = match call::make(&context, site, call, payload, passage, &progress).await {
                Ok(found) => found,
                Err(error) => {
                    progress.end(error::outcome(&error));
                    return None;
                }
            };
            if let Source::Network(mut answered) = found.source {
                while let Some(frame) = poll_fn(|cx| answered.incoming.poll_frame(cx)).await {
                    frame.ok()?;
                }
                answered.incoming.done();
            }
            progress.end(CallOutcome::Ok);
            Some(())
        };
        let dropped = &thread.shared.metrics.mirrors_dropped;
        match tokio::time::timeout(deadline, work).await {
            Ok(Some(())) => {}
            Ok(None) => dropped.failed.increment(1),
            Err(_) => dropped.timeout.increment(1),
        }
        drop(running);
    });
}
