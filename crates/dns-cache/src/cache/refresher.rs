//! The refresher, the task behind a cache: begins the lookups that the table wants begun, and tells it what came of them and what
//! time it is.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::Instant;

use super::shared::Shared;
use crate::family::resolve_family;
use crate::resolve::{Answer, Resolve};
use crate::table::Effect;

/// Closes the table when the refresher ends, however it ends: with the cache, or with the runtime it runs on.
pub(super) struct Running(pub(super) Arc<Shared>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.table().close();
    }
}

struct Lookup {
    key: Arc<str>,
    number: u64,
}

pub(super) async fn run(running: Running, resolver: Arc<dyn Resolve>) {
    let shared = &running.0;
    let mut tasks: JoinSet<Answer> = JoinSet::new();
    let mut lookups: HashMap<Id, Lookup> = HashMap::new();
    let mut aborts: HashMap<u64, AbortHandle> = HashMap::new();
    loop {
        let (effects, next) = {
            let mut table = shared.table();
            table.advance(Instant::now().into_std());
            (table.take_effects(), table.next_timer())
        };
        for effect in effects {
            match effect {
                Effect::Begin { key, name, number } => {
                    let (resolver, family) = (Arc::clone(&resolver), shared.family());
                    let task = tasks.spawn(async move { resolve_family(&*resolver, &name, family).await });
                    lookups.insert(task.id(), Lookup { key, number });
                    aborts.insert(number, task);
                }
                Effect::Abandon { number } => {
                    if let Some(task) = aborts.remove(&number) {
                        task.abort();
                    }
                }
            }
        }
        let timer = async {
            match next {
                Some(time) => tokio::time::sleep_until(time.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = shared.closed.notified() => return,
            () = shared.changed.notified() => {}
            Some(ended) = tasks.join_next_with_id() => {
                let (id, answer) = match ended {
                    Ok(ended) => ended,
                    Err(error) if error.is_panic() => (error.id(), Answer::Failed("resolver_error".into())),
                    Err(error) => {
                        lookups.remove(&error.id());
                        continue;
                    }
                };
                if let Some(Lookup { key, number }) = lookups.remove(&id) {
                    aborts.remove(&number);
                    shared.table().complete(Instant::now().into_std(), &key, number, answer);
                }
            }
            () = timer => {}
        }
    }
}
