//! Errors as log records, each once.

use std::{
    collections::VecDeque,
    hash::{BuildHasher, RandomState},
    sync::{LazyLock, Mutex, PoisonError},
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use opentelemetry::trace::{SpanContext, TraceId};

/// How many errors are remembered for each sixteenth of all traces; beyond, the oldest may be recorded again.
const REMEMBERED: usize = 64;

/// An equal error of the same trace is the same one for so long: longer than an error takes on its way up, with
/// clean-up in between, and short enough that the next of many in a long job is seen.
const ON_ITS_WAY: Duration = Duration::from_secs(10);

/// By the last digit of the trace id: when everything fails, the cores do not wait for one lock.
static RECORDED: LazyLock<[Mutex<Recorded>; 16]> = LazyLock::new(Default::default);

/// The threads whose last panic has a log record, oldest first, until somebody asks. Panics are rare, so a lock costs
/// nothing, and most of them end their thread unasked.
static LOGGED_PANICS: Mutex<VecDeque<ThreadId>> = Mutex::new(VecDeque::new());

/// The most threads in [`LOGGED_PANICS`].
const MAX_PANICS: usize = 256;

/// Notes that the panic which begins to unwind on this thread has a log record. A pipeline calls it from its panic hook.
pub fn panic_logged() {
    let thread = thread::current().id();
    let mut logged = LOGGED_PANICS.lock().unwrap_or_else(PoisonError::into_inner);
    if logged.contains(&thread) {
        return;
    }
    if logged.len() == MAX_PANICS {
        logged.pop_front();
    }
    logged.push_back(thread);
}

/// True if the last panic of this thread has a log record. The answer is given once for each panic.
pub(crate) fn take_logged_panic() -> bool {
    let thread = thread::current().id();
    let mut logged = LOGGED_PANICS.lock().unwrap_or_else(PoisonError::into_inner);
    let found = logged.iter().position(|known| *known == thread);
    found.and_then(|at| logged.remove(at)).is_some()
}

/// True if nobody has recorded this error on its way up: of the texts of the error and its causes, outermost first, none is
/// known in this trace. Outside of a trace every error is new.
pub fn is_new(span: &SpanContext, texts: &[&str]) -> bool {
    if span.trace_id() == TraceId::INVALID {
        return true;
    }
    let [.., last] = span.trace_id().to_bytes();
    let Some(recorded) = RECORDED.get(usize::from(last & 15)) else {
        return true;
    };
    let mut recorded = recorded.lock().unwrap_or_else(PoisonError::into_inner);
    recorded.is_new(span.trace_id(), texts, Instant::now())
}

/// The errors recorded last, oldest first, as hashes of trace and text.
#[derive(Debug, Default)]
struct Recorded {
    errors: VecDeque<(u64, Instant)>,
    hasher: RandomState,
}

impl Recorded {
    fn is_new(&mut self, trace: TraceId, texts: &[&str], now: Instant) -> bool {
        self.errors
            .retain(|(_, at)| now.duration_since(*at) < ON_ITS_WAY);
        let hash = |text: &&str| self.hasher.hash_one((trace, *text));
        let known = |hash: u64| self.errors.iter().any(|(known, _)| *known == hash);
        let new = !texts.iter().any(|text| known(hash(text)));
        // The outer text, too: further up, only it may be left.
        if let Some(own) = texts.first().map(hash).filter(|own| !known(*own)) {
            if self.errors.len() >= REMEMBERED {
                self.errors.pop_front();
            }
            self.errors.push_back((own, now));
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_new_once_in_its_trace_and_while_it_is_on_its_way() {
        let mut recorded = Recorded::default();
        let (start, trace) = (Instant::now(), TraceId::from(1));
        assert!(recorded.is_new(trace, &["refused"], start));
        assert!(!recorded.is_new(trace, &["refused"], start));
        assert!(recorded.is_new(trace, &["timeout"], start));
        assert!(recorded.is_new(TraceId::from(2), &["refused"], start));
        assert!(recorded.is_new(trace, &["refused"], start + ON_ITS_WAY));
    }

    #[test]
    fn an_error_around_a_known_one_is_not_new_and_known_from_then_on() {
        let mut recorded = Recorded::default();
        let (now, trace) = (Instant::now(), TraceId::from(1));
        assert!(recorded.is_new(trace, &["refused"], now));
        assert!(!recorded.is_new(trace, &["no stock", "refused"], now));
        assert!(!recorded.is_new(trace, &["no stock"], now));
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut recorded = Recorded::default();
        let now = Instant::now();
        for i in 0..10_000 {
            assert!(recorded.is_new(TraceId::from(i + 1), &["refused"], now));
        }
        assert_eq!(recorded.errors.len(), REMEMBERED);
        assert!(!recorded.is_new(TraceId::from(10_000), &["refused"], now));
    }
}
