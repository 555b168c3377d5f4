//! When to try again: back-off with jitter, and the time that a collector asks for.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::{Duration, SystemTime},
};

use http::{HeaderMap, header};

/// The pause before the second attempt; it doubles with each.
const FIRST: Duration = Duration::from_millis(250);

/// No further attempt follows this pause.
const LAST: Duration = Duration::from_secs(2);

/// The longest pause once shutdown has begun.
const WHILE_ENDING: Duration = Duration::from_millis(250);

/// A collector that asks for more is asked again after this.
const LONGEST_REST: Duration = Duration::from_secs(3600);

/// The pauses between the attempts of one export.
#[derive(Debug)]
pub(crate) struct Pauses {
    next: Duration,
}

impl Pauses {
    pub(crate) fn new() -> Self {
        Self { next: FIRST }
    }

    /// The next pause; `None` when enough was tried.
    pub(crate) fn next(&mut self) -> Option<Duration> {
        let pause = self.next;
        self.next *= 2;
        (pause <= LAST).then(|| varied(pause))
    }

    /// The next pause during shutdown, which has its own end.
    pub(crate) fn while_ending(&self) -> Duration {
        varied(WHILE_ENDING)
    }
}

/// Between half and one and a half of a pause, so that services that failed together do not return together.
fn varied(pause: Duration) -> Duration {
    pause.mul_f64(0.5 + random())
}

/// Between 0 and 1. The standard library's hash keys are random; nothing here needs better.
fn random() -> f64 {
    RandomState::new().build_hasher().finish() as f64 / u64::MAX as f64
}

/// `Retry-After`, in seconds or as a date.
pub(crate) fn after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let asked = match value.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = httpdate::parse_http_date(value).ok()?;
            date.duration_since(SystemTime::now()).unwrap_or_default()
        }
    };
    Some(asked.min(LONGEST_REST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_with_jitter_and_end() {
        let mut pauses = Pauses::new();
        let all: Vec<_> = std::iter::from_fn(|| pauses.next()).collect();
        assert_eq!(all.len(), 4);
        for (pause, middle) in all.iter().zip([250, 500, 1000, 2000]) {
            let middle = Duration::from_millis(middle);
            assert!(
                *pause >= middle / 2 && *pause <= middle * 3 / 2,
                "{pause:?}"
            );
        }
        let mut others = Pauses::new();
        let others: Vec<_> = std::iter::from_fn(|| others.next()).collect();
        assert_ne!(all, others);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let after = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, value.parse().unwrap());
            super::after(&headers)
        };
        assert_eq!(after("7"), Some(Duration::from_secs(7)));
        assert_eq!(after("soon"), None);
        assert_eq!(after("18446744073709551615"), Some(LONGEST_REST));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        let date = SystemTime::now() + Duration::from_secs(60);
        let wait = after(&httpdate::fmt_http_date(date)).unwrap();
        assert!(wait > Duration::from_secs(50) && wait <= Duration::from_secs(60));
    }
}
