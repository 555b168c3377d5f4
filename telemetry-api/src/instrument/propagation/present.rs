//! The headers that a request does not have, without a look-up for each of them.

use http::{HeaderMap, HeaderName};

/// The names of a request's headers as a filter of 64 bits, made in one pass.
///
/// Looking up a name takes a hash of all its bytes, and most requests have none of the headers that telemetry looks for.
#[derive(Clone, Copy, Debug)]
pub struct PresentHeaders(u64);

impl PresentHeaders {
    /// The names of these headers.
    pub fn of(headers: &HeaderMap) -> Self {
        Self(
            headers
                .keys()
                .fold(0, |bits, name| bits | bit(name.as_str())),
        )
    }

    /// True if it is worth looking for this header. Never false for one that is there.
    pub fn perhaps(self, name: &HeaderName) -> bool {
        self.perhaps_named(name.as_str())
    }

    /// The same of a name as it is kept, in lower case: of one that the program knows the compiler makes one bit.
    #[inline]
    pub(super) fn perhaps_named(self, name: &str) -> bool {
        self.0 & bit(name) != 0
    }
}

/// True if a header that is there is there more than once. It seldom looks: most requests repeat no header at all.
pub fn is_repeated(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers.len() != headers.keys_len() && headers.get_all(name).iter().nth(1).is_some()
}

/// Length and first letter; by this factor they tell the names telemetry looks for from nearly all usual ones.
#[inline]
fn bit(name: &str) -> u64 {
    let name = name.as_bytes();
    let first = name.first().copied().unwrap_or_default();
    1 << ((name.len() + 10 * usize::from(first)) % 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_never_overlooked_and_what_is_not_seldom_looked_for() {
        let browser = [
            "host",
            "user-agent",
            "accept",
            "accept-language",
            "accept-encoding",
            "connection",
            "cookie",
            "referer",
            "upgrade-insecure-requests",
            "sec-fetch-dest",
            "sec-fetch-mode",
            "sec-fetch-site",
            "cache-control",
            "content-type",
            "content-length",
            "origin",
            "te",
        ];
        let headers = browser.map(|name| (HeaderName::from_static(name), "x".parse().unwrap()));
        let present = PresentHeaders::of(&HeaderMap::from_iter(headers));
        for name in browser {
            assert!(present.perhaps(&HeaderName::from_static(name)), "{name}");
        }
        for name in [
            "traceparent",
            "tracestate",
            "baggage",
            "x-correlation-id",
            "x-request-id",
        ] {
            assert!(!present.perhaps(&HeaderName::from_static(name)), "{name}");
        }
    }
}
