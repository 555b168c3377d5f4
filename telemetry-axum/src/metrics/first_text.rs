//! The text that the first request of a group has sent in a header.

use std::sync::OnceLock;

use telemetry_semconv::names::forever;

/// Longer texts are not kept. Callers choose the text, and a kept text is never freed.
const MAX_BYTES: usize = 256;

/// Keeps the first text, and a value made from it. Most requests of a group send the same `Host` and `User-Agent`; for
/// those, the text is neither parsed nor copied.
#[derive(Debug)]
pub(crate) struct FirstText<T>(OnceLock<(&'static str, T)>);

impl<T> Default for FirstText<T> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<T: Copy> FirstText<T> {
    /// The value that was made from the first text, if `text` is equal to it. Keeps `text` if it is the first.
    pub(crate) fn get(&self, text: &str, make: impl FnOnce(&'static str) -> T) -> Option<T> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let (first, made) = self.0.get_or_init(|| {
            let first = forever(text);
            (first, make(first))
        });
        (*first == text).then_some(*made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_text_is_kept_and_only_if_it_is_short() {
        let lengths = FirstText::default();
        let long = "a".repeat(MAX_BYTES + 1);
        assert_eq!(lengths.get(&long, str::len), None);
        assert_eq!(lengths.get("first", str::len), Some(5));
        assert_eq!(lengths.get("second", str::len), None);
        assert_eq!(
            lengths.get("first", |_| unreachable!("it is kept")),
            Some(5)
        );
    }
}
