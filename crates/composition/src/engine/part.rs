//! What one call comes to: of its copies, the first complete answer, or what is left when all have failed.

use super::answer::Answer;
use super::failure::CallError;

/// One call, while its copies are on their way and after.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// Which copies are on their way.
    running: Vec<bool>,
    answer: Option<Answer>,
    error: Option<CallError>,
    /// The copy that was handed in last.
    settled: usize,
    /// What it came to, until that is merged.
    pub(super) outcome: Option<Outcome>,
}

/// What a call came to.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) answer: Option<Answer>,
    pub(super) error: Option<CallError>,
}

impl Part {
    /// The copies are on their way.
    pub(super) fn sent(&mut self, copies: usize) {
        self.running = vec![true; copies];
    }

    /// Whether that copy is waited for.
    pub(super) fn waits_for(&self, copy: usize) -> bool {
        self.running.get(copy) == Some(&true)
    }

    /// The copy that was handed in last.
    pub(super) fn settled_copy(&self) -> u16 {
        self.settled as u16
    }

    /// Whether any copy is waited for.
    pub(super) fn is_running(&self) -> bool {
        self.running.iter().any(|running| *running)
    }

    /// What a copy came to. Returns the copies that are not needed any more, once the call has come to something.
    pub(super) fn settle(&mut self, copy: usize, result: Result<Answer, CallError>) -> Option<Vec<usize>> {
        if let Some(running) = self.running.get_mut(copy) {
            *running = false;
        }
        self.settled = copy;
        match result {
            Ok(answer) if answer.complete => {
                self.outcome = Some(Outcome { answer: Some(answer), error: None });
                let others = self.running.iter_mut().enumerate();
                return Some(others.filter_map(|(at, running)| std::mem::take(running).then_some(at)).collect());
            }
            Ok(answer) => self.answer = Some(answer),
            Err(error) => self.error = Some(error),
        }
        if self.is_running() {
            return None;
        }
        self.outcome = Some(Outcome { answer: self.answer.take(), error: self.error.take() });
        Some(Vec::new())
    }
}
