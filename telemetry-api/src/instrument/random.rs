//! Random ids without an SDK: of unsampled spans, and of requests without a trace.

use opentelemetry::trace::{SpanId, TraceId};
use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};

use super::this_thread;

/// A valid trace id.
pub fn trace_id() -> TraceId {
    TraceId::from(with_generator(|ids| ids.random::<u128>()).max(1))
}

/// A valid span id.
pub fn span_id() -> SpanId {
    SpanId::from(with_generator(|ids| ids.random::<u64>()).max(1))
}

/// The generator of the SDK's ids: seeded by the operating system, and not secret.
#[inline]
fn with_generator<T>(draw: impl FnOnce(&mut SmallRng) -> T) -> T {
    this_thread::with(|this| {
        let mut ids = this.ids.borrow_mut();
        draw(ids.get_or_insert_with(SmallRng::from_os_rng))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_ids_are_alike_on_whatever_thread() {
        let ids = || (0..10_000).map(|_| (trace_id(), span_id())).collect();
        let threads: Vec<Vec<_>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(ids)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        let (traces, spans): (HashSet<_>, HashSet<_>) = threads.into_iter().flatten().unzip();
        assert_eq!((traces.len(), spans.len()), (40_000, 40_000));
    }

    #[test]
    fn every_bit_of_an_id_is_random() {
        let (mut ever, mut always) = (0, u64::MAX);
        for _ in 0..200 {
            let bits = u64::from_be_bytes(span_id().to_bytes());
            ever |= bits;
            always &= bits;
        }
        assert_eq!((ever, always), (u64::MAX, 0));
    }
}
