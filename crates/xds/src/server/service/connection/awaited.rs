use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// Something that is only asked once it has said that there may be more.
///
/// A task that waits for several things is asked for each of them whenever one is there, and some cost more to be asked than a change
/// costs otherwise.
#[derive(Debug)]
pub(super) struct Awaited<T> {
    inner: T,
    bell: Arc<Bell>,
    waker: Waker,
    /// Who is woken by it.
    task: Option<Waker>,
}

#[derive(Debug)]
struct Bell {
    rang: AtomicBool,
    task: Mutex<Option<Waker>>,
}

impl Bell {
    fn task(&self) -> std::sync::MutexGuard<'_, Option<Waker>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rang.store(true, Ordering::Release);
        let task = self.task().clone();
        if let Some(task) = task {
            task.wake();
        }
    }
}

impl<T> Awaited<T> {
    pub(super) fn new(inner: T) -> Self {
        let bell = Arc::new(Bell { rang: AtomicBool::new(true), task: Mutex::new(None) });
        let waker = Waker::from(bell.clone());
        Self { inner, bell, waker, task: None }
    }

    /// Asks it, if it may have an answer.
    pub(super) fn poll<R>(
        &mut self,
        context: &mut Context<'_>,
        ask: impl FnOnce(&mut T, &mut Context<'_>) -> Poll<R>,
    ) -> Poll<R> {
        if !self.task.as_ref().is_some_and(|task| task.will_wake(context.waker())) {
            self.task = Some(context.waker().clone());
            self.bell.task().clone_from(&self.task);
        }
        if !self.bell.rang.swap(false, Ordering::Acquire) {
            return Poll::Pending;
        }
        let answer = ask(&mut self.inner, &mut Context::from_waker(&self.waker));
        if answer.is_ready() {
            // It has not promised to say when there is more.
            self.bell.rang.store(true, Ordering::Relaxed);
        }
        answer
    }
}

#[cfg(test)]
mod tests;
