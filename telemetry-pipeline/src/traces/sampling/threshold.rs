//! The share of traces to keep, as a threshold on 56 random bits of the trace, so that all services agree.
//!
//! <https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/>

use opentelemetry::trace::{TraceId, TraceState};

use super::trace_state;

/// How many random bits a trace has: the last seven bytes of its id, says W3C Trace Context level 2.
const BITS: u32 = 56;

/// One beyond the greatest random value.
pub(crate) const RANGE: u64 = 1 << BITS;

/// Significant hexadecimal digits, as the specification recommends: what other SDKs round to, and short in a header.
const PRECISION: u32 = 4;

const DIGITS: u32 = BITS / 4;

/// Traces whose randomness is below it are not sampled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Threshold {
    value: u64,
    /// The trace state that a trace which starts here carries to the next services.
    root_state: TraceState,
}

impl Threshold {
    /// Keeps this share, 0 to 1; beyond these it is the nearest of the two, and what is not a number is 1, the default
    /// of OTEL_TRACES_SAMPLER_ARG.
    pub(crate) fn of(ratio: f64) -> Self {
        let value = value_of(ratio);
        Self {
            value,
            root_state: trace_state::with_threshold(&TraceState::NONE, Some(&digits(value))),
        }
    }

    /// True if a trace of this id is sampled, and with which trace state. An explicit randomness in the caller's
    /// trace state takes the place of the id's.
    pub(crate) fn sample(&self, trace_id: TraceId, state: &TraceState) -> Option<TraceState> {
        let randomness =
            trace_state::randomness(state).unwrap_or_else(|| trace_randomness(trace_id));
        if randomness < self.value {
            return None;
        }
        Some(if *state == TraceState::NONE {
            self.root_state.clone()
        } else {
            trace_state::with_threshold(state, Some(&digits(self.value)))
        })
    }

    /// Below this randomness no trace is sampled.
    pub(crate) fn value(&self) -> u64 {
        self.value
    }

    /// True if at least half of the traces are sampled.
    pub(crate) fn keeps_most(&self) -> bool {
        self.value <= RANGE / 2
    }
}

/// The randomness of a trace id.
pub(crate) fn trace_randomness(trace_id: TraceId) -> u64 {
    let [.., a, b, c, d, e, f, g] = trace_id.to_bytes();
    u64::from_be_bytes([0, a, b, c, d, e, f, g])
}

fn value_of(ratio: f64) -> u64 {
    if ratio <= 0.0 {
        return RANGE;
    }
    if ratio >= 1.0 || ratio.is_nan() {
        return 0;
    }
    // Both steps are exact: a power of two, and less than 53 significant bits.
    let kept = (ratio * RANGE as f64).round() as u64;
    let exact = RANGE - kept;
    // Small ratios begin with digits f, which say nothing: as many more are written.
    let exponent = (ratio.to_bits() >> 52) as u32;
    let leading = 1022_u32.saturating_sub(exponent) / 4;
    let shift = 4 * DIGITS.saturating_sub(PRECISION + leading);
    let half = (1_u64 << shift) >> 1;
    ((exact + half) >> shift) << shift
}

/// Hexadecimal without the zeros at the end.
fn digits(value: u64) -> String {
    let digits = format!("{value:014x}");
    match digits.trim_end_matches('0') {
        "" => "0".to_owned(),
        significant => significant.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sampled(ratio: f64, trace_id: TraceId) -> bool {
        Threshold::of(ratio)
            .sample(trace_id, &TraceState::NONE)
            .is_some()
    }

    #[test]
    fn thresholds_are_those_of_the_specifications_table() {
        for (one_in, expected) in [
            (2.0, "8"),
            (3.0, "aaab"),
            (4.0, "c"),
            (5.0, "cccd"),
            (8.0, "e"),
            (10.0, "e666"),
            (16.0, "f"),
            (100.0, "fd70a"),
            (1000.0, "ffbe77"),
            (10000.0, "fff9724"),
        ] {
            assert_eq!(digits(value_of(1.0 / one_in)), expected, "1 in {one_in}");
        }
    }

    #[test]
    fn a_ratio_of_one_samples_everything_and_of_zero_nothing() {
        let (lowest, highest) = (TraceId::from(1 << 56), TraceId::from(u128::MAX));
        for always in [1.0, 2.0, f64::INFINITY, f64::NAN] {
            assert!(
                sampled(always, lowest) && sampled(always, highest),
                "{always}"
            );
        }
        for never in [0.0, -1.0, f64::NEG_INFINITY] {
            assert!(
                !sampled(never, lowest) && !sampled(never, highest),
                "{never}"
            );
        }
        assert!(sampled(f64::powi(2.0, -56), highest));
    }

    #[test]
    fn the_share_that_is_sampled_is_the_ratio() {
        let ids =
            (0..100_000_u128).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        let sampled = ids.filter(|id| sampled(0.1, TraceId::from(*id))).count();
        assert!((9_500..10_500).contains(&sampled), "{sampled}");
    }

    proptest! {
        #[test]
        fn only_the_low_56_bits_of_the_trace_id_decide(ratio in 0.0..=1.0, low: u128, high: u128) {
            let random = (1_u128 << 56) - 1;
            let one = TraceId::from(low);
            let other = TraceId::from((low & random) | (high & !random));
            prop_assert_eq!(sampled(ratio, one), sampled(ratio, other));
        }

        #[test]
        fn a_higher_ratio_samples_all_traces_of_a_lower_one(a in 0.0..=1.0, b in 0.0..=1.0, id: u128) {
            let (low, high) = if a < b { (a, b) } else { (b, a) };
            prop_assert!(value_of(low) >= value_of(high));
            prop_assert!(!sampled(low, TraceId::from(id)) || sampled(high, TraceId::from(id)));
        }

        #[test]
        fn ratios_that_differ_little_keep_their_order(exponent in -56..0_i32, fraction in 1.0..2.0, step in 1.0..1.001) {
            let low: f64 = fraction * f64::powi(2.0, exponent);
            prop_assert!(value_of(low) >= value_of(low * step));
        }
    }
}
