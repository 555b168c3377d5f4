//! The number of active requests.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use opentelemetry::{KeyValue, metrics::Meter};
use telemetry_semconv::http::{
    Authority, SERVER_ACTIVE_REQUESTS,
    attribute::{HTTP_REQUEST_METHOD, URL_SCHEME},
};

use super::request_series::server_attributes;
use crate::request::incoming_request::scheme;

/// The most methods and servers that are counted apart. Each may have two series, one for each scheme. The SDK keeps
/// 2000 series; with more, the overflow series would show the last value and not the sum.
const MAX_COUNTS: usize = 900;

/// A known method or `_OTHER`, and the server if metrics tell it apart.
type CountLabels = (&'static str, Option<Authority<'static>>);

/// The counts of active requests by method, known server and scheme. Callers cannot add others, so the map is bounded.
#[derive(Clone, Debug, Default)]
pub(crate) struct ActiveRequests(Arc<Mutex<HashMap<CountLabels, Arc<ActiveBySchemes>>>>);

/// The active requests of one method and server: over plain connections, and over TLS.
#[derive(Debug, Default)]
pub(crate) struct ActiveBySchemes([Active; 2]);

#[derive(Debug, Default)]
struct Active {
    count: AtomicI64,
    /// A series that has never counted a request is not reported.
    is_used: AtomicBool,
}

impl ActiveBySchemes {
    /// Adds one. The caller must call [`leave`](Self::leave) once when the request ends.
    pub(crate) fn enter(&self, https: bool) {
        let active = &self.0[usize::from(https)];
        active.count.fetch_add(1, Ordering::Relaxed);
        active.is_used.store(true, Ordering::Relaxed);
    }

    pub(crate) fn leave(&self, https: bool) {
        let active = &self.0[usize::from(https)];
        active.count.fetch_sub(1, Ordering::Relaxed);
    }
}

impl ActiveRequests {
    /// Registers `http.server.active_requests`. The meter reads the counts whenever it collects.
    pub(crate) fn register(&self, meter: &Meter) {
        let counts = self.clone();
        // The meter keeps the callback, so the instrument itself is not needed.
        let _ = meter
            .i64_observable_up_down_counter(SERVER_ACTIVE_REQUESTS)
            .with_description("Number of active HTTP server requests.")
            .with_unit("{request}")
            .with_callback(move |observer| {
                counts.each(|(method, known_server), scheme, count| {
                    let own = [
                        KeyValue::new(HTTP_REQUEST_METHOD, method),
                        KeyValue::new(URL_SCHEME, scheme),
                    ];
                    let server = server_attributes(known_server);
                    let attributes: Vec<_> = own.into_iter().chain(server).collect();
                    observer.observe(count, &attributes);
                });
            })
            .build();
    }

    /// The count for these labels. Past [`MAX_COUNTS`] it is the count of the method without a server.
    pub(crate) fn of(
        &self,
        method: &'static str,
        known_server: Option<Authority<'static>>,
    ) -> Arc<ActiveBySchemes> {
        let mut counts = self.lock();
        let is_full = counts.len() >= MAX_COUNTS && !counts.contains_key(&(method, known_server));
        let labels = (method, known_server.filter(|_| !is_full));
        counts.entry(labels).or_default().clone()
    }

    fn each(&self, mut report: impl FnMut(CountLabels, &'static str, i64)) {
        for (labels, ActiveBySchemes(schemes)) in self.lock().iter().map(|(of, it)| (*of, &**it)) {
            for (active, https) in schemes.iter().zip([false, true]) {
                if active.is_used.load(Ordering::Relaxed) {
                    let count = active.count.load(Ordering::Relaxed);
                    report(labels, scheme(https), count);
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CountLabels, Arc<ActiveBySchemes>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use telemetry_semconv::names::forever;

    use super::*;

    #[test]
    fn servers_past_the_limit_are_counted_with_no_server_and_none_is_lost() {
        let active = ActiveRequests::default();
        let servers =
            (0..2 * MAX_COUNTS).map(|i| Authority::parse(forever(&format!("h{i}.example"))));
        let counts: Vec<_> = servers.map(|server| active.of("GET", server)).collect();
        counts.iter().for_each(|count| count.enter(false));
        let (mut series, mut total) = (0, 0);
        active.each(|_, _, count| {
            series += 1;
            total += count;
        });
        assert_eq!((series, total), (MAX_COUNTS + 1, 2 * MAX_COUNTS as i64));
        counts.iter().for_each(|count| count.leave(false));
        active.each(|_, _, count| assert_eq!(count, 0));
    }
}
