//! The `ot` entry of the trace state: `th`, below which randomness was not sampled, and `rv`, randomness given by hand.
//!
//! <https://opentelemetry.io/docs/specs/otel/trace/tracestate-handling/>

use opentelemetry::trace::TraceState;

const ENTRY: &str = "ot";
const THRESHOLD: &str = "th";
const RANDOMNESS: &str = "rv";

/// The bound of one entry.
const MAX_LENGTH: usize = 256;

/// The explicit randomness of a trace: exactly 14 lower-case hexadecimal digits.
pub(crate) fn randomness(state: &TraceState) -> Option<u64> {
    if *state == TraceState::NONE {
        return None;
    }
    let value = members(state.get(ENTRY)?)
        .find(|(key, _)| *key == RANDOMNESS)?
        .1;
    let well_formed = value.len() == 14
        && value
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    well_formed
        .then(|| u64::from_str_radix(value, 16).ok())
        .flatten()
}

/// The same state with this threshold, or without one; everything else in it stays.
pub(crate) fn with_threshold(state: &TraceState, threshold: Option<&str>) -> TraceState {
    // Of a trace that begins here, and of most others.
    if threshold.is_none() && *state == TraceState::NONE {
        return TraceState::NONE;
    }
    let present = state.get(ENTRY);
    if present.is_none() && threshold.is_none() {
        return state.clone();
    }
    let mut entry = String::new();
    let others = members(present.unwrap_or_default()).filter(|(key, _)| *key != THRESHOLD);
    for (key, value) in threshold
        .map(|threshold| (THRESHOLD, threshold))
        .into_iter()
        .chain(others)
    {
        if !entry.is_empty() {
            entry.push(';');
        }
        entry.extend([key, ":", value]);
    }
    let changed = if entry.is_empty() {
        state.delete(ENTRY)
    } else if entry.len() > MAX_LENGTH {
        return with_threshold(state, None);
    } else {
        state.insert(ENTRY, entry)
    };
    changed.unwrap_or_else(|_| state.clone())
}

fn members(entry: &str) -> impl Iterator<Item = (&str, &str)> {
    entry.split(';').filter_map(|member| member.split_once(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(header: &str) -> TraceState {
        header.parse().unwrap()
    }

    #[test]
    fn a_threshold_is_set_beside_what_is_there() {
        for (before, after) in [
            ("", "ot=th:c"),
            ("vendor=1", "ot=th:c,vendor=1"),
            (
                "vendor=1,ot=rv:6e6d1a75832a2f;th:8;p:1",
                "ot=th:c;rv:6e6d1a75832a2f;p:1,vendor=1",
            ),
        ] {
            assert_eq!(with_threshold(&state(before), Some("c")).header(), after);
        }
    }

    #[test]
    fn a_threshold_is_removed_and_nothing_else() {
        for (before, after) in [
            ("", ""),
            ("vendor=1", "vendor=1"),
            ("ot=th:8,vendor=1", "vendor=1"),
            (
                "vendor=1,ot=th:8;rv:6e6d1a75832a2f",
                "ot=rv:6e6d1a75832a2f,vendor=1",
            ),
        ] {
            assert_eq!(with_threshold(&state(before), None).header(), after);
        }
    }

    #[test]
    fn an_entry_that_would_grow_too_long_gets_no_threshold() {
        let long = format!("ot=x:{}", "y".repeat(250));
        assert_eq!(with_threshold(&state(&long), Some("fd70a")).header(), long);
    }

    #[test]
    fn randomness_is_read_only_if_it_is_well_formed() {
        assert_eq!(
            randomness(&state("ot=rv:6e6d1a75832a2f")),
            Some(0x6e_6d1a_7583_2a2f)
        );
        for wrong in [
            "",
            "ot=rv:6e6d",
            "ot=rv:6E6D1A75832A2F",
            "ot=rv:+e6d1a75832a2f",
            "rv=6e6d1a75832a2f",
        ] {
            assert_eq!(randomness(&state(wrong)), None, "{wrong}");
        }
    }
}
