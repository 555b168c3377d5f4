//! One rendering for all scrapers that ask at once.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Shares what is rendered among callers. Whoever comes while a rendering runs waits for the next one, and that one
/// is shared by all who wait: each answer is at least as new as its question.
#[derive(Default)]
pub(crate) struct Coalesced {
    state: Mutex<State>,
    finished: Condvar,
}

#[derive(Default)]
struct State {
    running: bool,
    /// How many renderings have finished.
    count: u64,
    text: String,
    #[cfg(test)]
    waiting: usize,
}

impl Coalesced {
    pub(crate) fn get(&self, render: impl FnOnce() -> String) -> String {
        let mut state = self.lock();
        // One that runs already began before the question.
        let wanted = state.count + 1 + u64::from(state.running);
        while state.running {
            #[cfg(test)]
            {
                state.waiting += 1;
            }
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
    fn all_who_wait_for_one_rendering_share_the_next() {
        let coalesced = Coalesced::default();
        let renderings = AtomicUsize::new(0);
        let render = || renderings.fetch_add(1, Ordering::Relaxed).to_string();
        std::thread::scope(|scope| {
            let first = coalesced.get(|| {
                for _ in 0..8 {
                    scope.spawn(|| assert_eq!(coalesced.get(render), "1"));
                }
                // They came while this one runs, so it is too old for them.
                while coalesced.lock().waiting < 8 {
                    std::thread::yield_now();
                }
                render()
            });
            assert_eq!(first, "0");
        });
        assert_eq!(renderings.load(Ordering::Relaxed), 2);
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
