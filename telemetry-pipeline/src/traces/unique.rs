//! Attributes with unique keys: the last value of a key counts, as the specification of attribute collections says.

use opentelemetry::{Key, KeyValue};

/// Leaves the last value of each key, at the place of its first.
pub(crate) fn keep_last(attributes: &mut Vec<KeyValue>) {
    // One look at each key finds most collections unique: two keys that differ seldom share a mark.
    let mut marks = 0_u128;
    let mut at = 0;
    while let Some(attribute) = attributes.get(at) {
        let mark = mark(&attribute.key);
        if marks & mark != 0
            && let Some(first) = position(&attributes[..at], &attribute.key)
        {
            let last = attributes.remove(at);
            attributes[first] = last;
            continue;
        }
        marks |= mark;
        at += 1;
    }
}

/// Leaves the last value of each key and at most so many keys. Returns how many keys were beyond the limit.
pub(crate) fn keep_last_within(attributes: &mut Vec<KeyValue>, limit: u32) -> u32 {
    keep_last(attributes);
    let limit = size(limit);
    let dropped = attributes.len().saturating_sub(limit);
    attributes.truncate(limit);
    u32::try_from(dropped).unwrap_or(u32::MAX)
}

/// Sets an attribute. Returns false if its key is beyond the limit.
///
/// Below the limit, a second value of a key is removed when the span ends: spans rarely have one, and are short.
pub(crate) fn set(attributes: &mut Vec<KeyValue>, attribute: KeyValue, limit: u32) -> bool {
    if attributes.len() < size(limit) {
        attributes.push(attribute);
        return true;
    }
    keep_last(attributes);
    if attributes.len() < size(limit) {
        attributes.push(attribute);
        return true;
    }
    match position(attributes, &attribute.key) {
        Some(at) => {
            attributes[at] = attribute;
            true
        }
        None => false,
    }
}

fn position(attributes: &[KeyValue], key: &Key) -> Option<usize> {
    attributes.iter().position(|one| one.key == *key)
}

/// One of 128 bits, by the length of a key and its last letters.
fn mark(key: &Key) -> u128 {
    let bytes = key.as_str().as_bytes();
    let letter = |from_end: usize| {
        let at = bytes.len().checked_sub(from_end);
        usize::from(at.and_then(|at| bytes.get(at)).copied().unwrap_or(0))
    };
    1 << ((bytes.len() * 7 + letter(1) * 3 + letter(4) * 5) % 128)
}

pub(crate) fn size(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// The attributes of a part of a span, such as an event, and how many were beyond the limit.
pub(crate) fn within(mut attributes: Vec<KeyValue>, limit: u32) -> (Vec<KeyValue>, u32) {
    let dropped = keep_last_within(&mut attributes, limit);
    (attributes, dropped)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_key_has_its_last_value_in_the_order_of_first_values(
            pairs in prop::collection::vec(("[a-c]{1,3}|http\\.(request|response)\\.[a-f]{1,2}", 0_i64..100), 0..40),
        ) {
            let mut attributes: Vec<_> = pairs
                .iter()
                .map(|(key, value)| KeyValue::new(key.clone(), *value))
                .collect();
            keep_last(&mut attributes);
            let last: HashMap<_, _> = pairs.iter().cloned().collect();
            let mut keys: Vec<_> = pairs.iter().map(|(key, _)| key.clone()).collect();
            let mut seen = std::collections::HashSet::new();
            keys.retain(|key| seen.insert(key.clone()));
            let expected: Vec<_> = keys
                .into_iter()
                .map(|key| { let value = last[&key]; KeyValue::new(key, value) })
                .collect();
            prop_assert_eq!(attributes, expected);
        }

        #[test]
        fn the_limit_counts_keys_whatever_the_order_of_calls(
            keys in prop::collection::vec("[a-f]", 0..30),
            limit in 0_u32..8,
        ) {
            let mut attributes = Vec::new();
            let mut dropped = 0;
            for key in &keys {
                dropped += u32::from(!set(&mut attributes, KeyValue::new(key.clone(), 1), limit));
            }
            keep_last(&mut attributes);
            let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
            prop_assert_eq!(attributes.len(), distinct.len().min(limit as usize));
            prop_assert_eq!(dropped > 0, distinct.len() > limit as usize);
        }
    }
}
