//! A note for the server that a layer has seen the request that is being served.

use std::cell::Cell;

thread_local! {
    static SEEN: Cell<bool> = const { Cell::new(false) };
}

/// Notes that a layer has seen the request that this thread serves now.
pub(crate) fn note() {
    let _ = SEEN.try_with(|seen| seen.set(true));
}

/// Serves a request, and returns true beside the result if a layer has seen it meanwhile.
pub(crate) fn watch<T>(serve: impl FnOnce() -> T) -> (T, bool) {
    let outer = SEEN
        .try_with(|seen| seen.replace(false))
        .unwrap_or_default();
    let served = serve();
    let seen = SEEN
        .try_with(|seen| seen.replace(outer))
        .unwrap_or_default();
    (served, seen)
}
