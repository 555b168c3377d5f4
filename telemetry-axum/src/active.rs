//! How many requests are being served.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use telemetry_core::semconv_http::Authority;

use crate::metrics::scheme;

/// How many requests are being served, by method, known server and scheme. Methods are the known ones and `_OTHER`, so no
/// caller can make it grow.
#[derive(Clone, Debug, Default)]
pub(crate) struct ActiveRequests(Arc<Mutex<Vec<(Method, Arc<ActiveOfMethod>)>>>);

/// A known method or `_OTHER`, and the server if metrics tell it apart.
pub(crate) type Method = (&'static str, Option<Authority<'static>>);

/// The requests of a method: those over plain connections, and those over TLS.
#[derive(Debug, Default)]
pub(crate) struct ActiveOfMethod([Count; 2]);

#[derive(Debug, Default)]
struct Count {
    active: AtomicI64,
    /// Series that never counted anything are not reported.
    used: AtomicBool,
}

impl ActiveOfMethod {
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
    /// Where the requests of a method are counted.
    pub(crate) fn of(&self, method: Method) -> Arc<ActiveOfMethod> {
        let mut methods = self.lock();
        if let Some((_, counts)) = methods.iter().find(|(known, _)| *known == method) {
            return counts.clone();
        }
        let counts = Arc::<ActiveOfMethod>::default();
        methods.push((method, counts.clone()));
        counts
    }

    pub(crate) fn each(&self, mut report: impl FnMut(Method, &'static str, i64)) {
        for (method, ActiveOfMethod(counts)) in self.lock().iter().map(|(m, c)| (*m, &**c)) {
            for (count, https) in counts.iter().zip([false, true]) {
                if count.used.load(Ordering::Relaxed) {
                    report(method, scheme(https), count.active.load(Ordering::Relaxed));
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Method, Arc<ActiveOfMethod>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
