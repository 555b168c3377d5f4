//! One rendering for all scrapers that ask at once.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Shares what is rendered among callers. Whoever comes while a rendering runs waits for the next one, and that one
/// is shared by all who wait: each answer is at least as new as its question.
#[derive(Default)]
pub(super) struct Coalesced {
    state: Mutex<State>,
    finished: Condvar,
}

#[derive(Default)]
struct State {
    running: bool,
    /// How many renderings have finished.
    count: u64,
    text: String,
}

impl Coalesced {
    pub(super) fn get(&self, render: impl FnOnce() -> String) -> String {
        let mut state = self.lock();
        // One that runs already began before the question.
        let wanted = state.count + 1 + u64::from(state.running);
        while state.running {
            state = self
                .finished
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            if state.count >= wanted {
                return state.text.clone();
            }
        }
        state.running = true;
        drop(state);
        let running = Running(self);
        let text = render();
        let mut state = self.lock();
        state.count += 1;
        state.text.clone_from(&text);
        drop(state);
        drop(running);
        text
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets the next one begin, even if this one panicked.
struct Running<'a>(&'a Coalesced);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.lock().running = false;
        self.0.finished.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn many_who_ask_at_once_are_answered_by_few_renderings() {
        let coalesced = Coalesced::default();
        let renderings = AtomicUsize::new(0);
        let arrived = std::sync::Barrier::new(16);
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    arrived.wait();
                    let text = coalesced.get(|| {
                        let number = renderings.fetch_add(1, Ordering::Relaxed);
                        std::thread::yield_now();
                        number.to_string()
                    });
                    assert!(text.parse::<usize>().is_ok());
                });
            }
        });
        assert!(renderings.load(Ordering::Relaxed) <= 16);
    }

    #[test]
    fn an_answer_is_never_older_than_its_question() {
        let coalesced = Coalesced::default();
        assert_eq!(coalesced.get(|| "first".to_owned()), "first");
        assert_eq!(coalesced.get(|| "second".to_owned()), "second");
    }

    #[test]
    fn a_rendering_that_panics_does_not_stop_the_next() {
        let coalesced = Coalesced::default();
        let broken = std::panic::AssertUnwindSafe(|| coalesced.get(|| panic!("broken")));
        assert!(std::panic::catch_unwind(broken).is_err());
        assert_eq!(coalesced.get(|| "whole".to_owned()), "whole");
    }
}
