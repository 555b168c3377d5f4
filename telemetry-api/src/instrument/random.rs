//! Random bits for ids that need no SDK: unsampled spans, and requests without a trace.

use std::{
    cell::Cell,
    hash::{BuildHasher, RandomState},
};

use opentelemetry::trace::{SpanId, TraceId};

thread_local! {
    /// The state of xoroshiro128++ (Blackman and Vigna); all zero until the thread's first use.
    static STATE: Cell<[u64; 2]> = const { Cell::new([0; 2]) };
}

/// A valid trace id.
pub fn trace_id() -> TraceId {
    let bits = u128::from(bits()) << 64 | u128::from(bits());
    TraceId::from(bits.max(1))
}

/// A valid span id.
pub fn span_id() -> SpanId {
    SpanId::from(bits().max(1))
}

/// Unique, not secret: seeded from the operating system, and as predictable as the SDK's ids.
fn bits() -> u64 {
    let [a, mut b] = match STATE.get() {
        [0, 0] => seed(),
        seeded => seeded,
    };
    let bits = a.wrapping_add(b).rotate_left(17).wrapping_add(a);
    b ^= a;
    STATE.set([a.rotate_left(49) ^ b ^ (b << 21), b.rotate_left(28)]);
    bits
}

#[cold]
fn seed() -> [u64; 2] {
    let random = || RandomState::new().hash_one(0);
    [random(), random() | 1]
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
            let bits = bits();
            ever |= bits;
            always &= bits;
        }
        assert_eq!((ever, always), (u64::MAX, 0));
    }
}
