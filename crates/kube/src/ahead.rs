//! Changes that go ahead on what this process has heard of.

use backstay_store::{Key, Snapshot, Store};

use crate::lifecycle;
use crate::status::Failure;

/// What an attempt came to.
pub(crate) enum Attempt<T> {
    /// It is done, which it is only if nobody had changed what it looked at.
    Done(T),
    /// It is to be answered so, of what there was, and nothing was done.
    Seen(T),
    /// Another was faster.
    Beaten,
    /// The store did not do it, or the client did not want it of anything but what was not there any more.
    Failed(Failure),
}

/// What an attempt looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Looks<'a> {
    /// The object.
    pub(crate) key: &'a Key,
    /// The namespace that it is made in, which has to be open.
    pub(crate) namespace: Option<&'a str>,
}

impl Looks<'_> {
    /// Whether two views have no difference that could be seen.
    fn are_same(self, one: &Snapshot, other: &Snapshot) -> bool {
        let modified = |snapshot: &Snapshot, key: &Key| snapshot.get(key).map(|entry| entry.modified);
        let same = |key: &Key| modified(one, key) == modified(other, key);
        same(self.key) && self.namespace.is_none_or(|name| lifecycle::keys(name).iter().all(same))
    }
}

/// Makes an attempt on the view that this process has, and more on the newest until one counts: `attempts` in all. `None` if others
/// were faster each time.
///
/// What this process has heard of is enough to go ahead: the commit finds out whether it was the newest. Anything but a commit is concluded
/// from the newest alone.
pub(crate) async fn ahead<T, F>(
    store: &dyn Store,
    looks: Looks<'_>,
    attempts: usize,
    mut attempt: impl FnMut(Snapshot) -> F,
) -> Result<Option<T>, Failure>
where
    F: Future<Output = Result<Attempt<T>, Failure>>,
{
    let (mut snapshot, mut newest) = (store.snapshot(), false);
    for _ in 0..attempts {
        let outcome = attempt(snapshot.clone()).await;
        match outcome {
            Ok(Attempt::Done(done)) => return Ok(Some(done)),
            Ok(Attempt::Failed(failure)) => return Err(failure),
            Ok(Attempt::Seen(seen)) if newest => return Ok(Some(seen)),
            Err(failure) if newest => return Err(failure),
            Ok(Attempt::Beaten | Attempt::Seen(_)) | Err(_) => {}
        }
        let now = store.read().await?;
        let same = looks.are_same(&snapshot, &now);
        match outcome {
            Ok(Attempt::Seen(seen)) if same => return Ok(Some(seen)),
            Err(failure) if same => return Err(failure),
            _ => (snapshot, newest) = (now, true),
        }
    }
    Ok(None)
}
