//! How many requests are being served.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use telemetry_core::semconv_http::Authority;

use crate::metrics::scheme;

/// How many requests are being served. Methods are the known ones and `_OTHER`, servers the listed ones, so callers cannot
/// make it grow beyond those.
#[derive(Clone, Debug, Default)]
pub(crate) struct ActiveRequests(Arc<Mutex<HashMap<Counted, Arc<ActiveCount>>>>);

/// Each may have two series, one for a scheme. Past 2000, the SDK would show for all further ones the last value it is
/// told.
const MAX_COUNTED: usize = 900;

/// What is counted apart: a known method or `_OTHER`, and the server if metrics tell it apart.
pub(crate) type Counted = (&'static str, Option<Authority<'static>>);

/// Requests of one kind: those over plain connections, and those over TLS.
#[derive(Debug, Default)]
pub(crate) struct ActiveCount([Count; 2]);

#[derive(Debug, Default)]
struct Count {
    active: AtomicI64,
    /// Series that never counted anything are not reported.
    used: AtomicBool,
}

impl ActiveCount {
    /// One more. Whoever calls it calls [`leave`](Self::leave) once, on whatever way out.
    pub(crate) fn enter(&self, https: bool) {
        let count = &self.0[usize::from(https)];
        count.active.fetch_add(1, Ordering::Relaxed);
        // Written once, so that cores do not take the line from each other for it.
        if !count.used.load(Ordering::Relaxed) {
            count.used.store(true, Ordering::Relaxed);
        }
    }

    pub(crate) fn leave(&self, https: bool) {
        self.0[usize::from(https)]
            .active
            .fetch_sub(1, Ordering::Relaxed);
    }
}

impl ActiveRequests {
    /// Where such requests are counted: past the limit, with those of no known server.
    pub(crate) fn of(&self, (method, known_server): Counted) -> Arc<ActiveCount> {
        let mut counts = self.lock();
        let is_full = counts.len() >= MAX_COUNTED && !counts.contains_key(&(method, known_server));
        let counted = (method, known_server.filter(|_| !is_full));
        counts.entry(counted).or_default().clone()
    }

    pub(crate) fn each(&self, mut report: impl FnMut(Counted, &'static str, i64)) {
        for (counted, ActiveCount(counts)) in self.lock().iter().map(|(of, count)| (*of, &**count))
        {
            for (count, https) in counts.iter().zip([false, true]) {
                if count.used.load(Ordering::Relaxed) {
                    report(counted, scheme(https), count.active.load(Ordering::Relaxed));
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Counted, Arc<ActiveCount>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use telemetry_core::names::forever;

    use super::*;

    #[test]
    fn servers_past_the_limit_are_counted_with_no_server_and_none_is_lost() {
        let active = ActiveRequests::default();
        let servers =
            (0..2 * MAX_COUNTED).map(|i| Authority::parse(forever(&format!("h{i}.example"))));
        let counts: Vec<_> = servers.map(|server| active.of(("GET", server))).collect();
        counts.iter().for_each(|count| count.enter(false));
        let (mut series, mut total) = (0, 0);
        active.each(|_, _, count| {
            series += 1;
            total += count;
        });
        assert_eq!((series, total), (MAX_COUNTED + 1, 2 * MAX_COUNTED as i64));
        counts.iter().for_each(|count| count.leave(false));
        active.each(|_, _, count| assert_eq!(count, 0));
    }
}
