//! What a thread does when others that use the same backend wait.

use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

use backstay_balancer::{Breakers, Share};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::member::Member;
use super::upstreams::Pools;
use crate::connector::Connector;

/// How long a connection must have carried no request, while others wait, to be given up for them. Between two requests of a
/// client it is unused as well: threads that took each other's for so little would open connections all the time.
const UNUSED: Duration = Duration::from_millis(50);

/// Wakes what [`attend`] does.
#[derive(Debug, Default)]
pub(super) struct Bell(Notify);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.notify_one();
    }
}

/// This thread's share of what `breakers` bound.
pub(super) fn join(breakers: &Arc<Breakers>) -> (Rc<Member>, Arc<Bell>) {
    let bell = Arc::<Bell>::default();
    (Member::new(Share::join(breakers, Waker::from(Arc::clone(&bell)))), bell)
}

/// Whenever the bell rings, looks what there is for requests that wait, and, as long as requests wait anywhere, gives up what is
/// unused. Ends with `pools`, whose end rings too.
pub(super) async fn attend<C: Connector>(pools: Weak<Pools<C>>, bell: Arc<Bell>) {
    let mut due = None;
    loop {
        match due {
            None => bell.0.notified().await,
            Some(at) => tokio::select! {
                biased;
                () = sleep_until(at) => {
                    let Some(pools) = pools.upgrade() else { return };
                    pools.give_up();
                    due = None;
                }
                () = bell.0.notified() => {}
            },
        }
        let Some(pools) = pools.upgrade() else { return };
        pools.settle();
        if due.is_none() {
            due = pools.see().then(|| Instant::now() + UNUSED);
            pools.member.watched.set(due.is_some());
        }
    }
}
