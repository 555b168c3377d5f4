//! The deadline of a gRPC call.

use std::time::Duration;

use http::{HeaderMap, HeaderName};

const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// The longest time by which a server sees a call later than its caller, whose time is already running.
const LATENCY: Duration = Duration::from_millis(50);

/// The time that a call has: the caller's `grpc-timeout`, or the timeout of the server if that is shorter.
pub(crate) fn of(headers: &HeaderMap, server: Option<Duration>) -> Option<Duration> {
    let callers = headers.get(GRPC_TIMEOUT);
    let callers = callers.and_then(|text| parsed(text.as_bytes()));
    [callers, server].into_iter().flatten().min()
}

/// True if a call that was abandoned after `seconds` had no time left.
pub(crate) fn has_passed(deadline: Duration, seconds: f64) -> bool {
    let earliest = deadline.saturating_sub(LATENCY.min(deadline / 10));
    seconds >= earliest.as_secs_f64()
}

/// Parses 1 to 8 digits and a unit, as the gRPC protocol writes a timeout.
fn parsed(text: &[u8]) -> Option<Duration> {
    let (unit, digits) = text.split_last()?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u64 = str::from_utf8(digits).ok()?.parse().ok()?;
    Some(match unit {
        b'H' => Duration::from_secs(number * 3_600),
        b'M' => Duration::from_secs(number * 60),
        b'S' => Duration::from_secs(number),
        b'm' => Duration::from_millis(number),
        b'u' => Duration::from_micros(number),
        b'n' => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_have_a_unit_and_at_most_eight_digits() {
        for (text, expected) in [
            ("1H", Some(Duration::from_secs(3_600))),
            ("2M", Some(Duration::from_secs(120))),
            ("99999999S", Some(Duration::from_secs(99_999_999))),
            ("100m", Some(Duration::from_millis(100))),
            ("7u", Some(Duration::from_micros(7))),
            ("7n", Some(Duration::from_nanos(7))),
            ("999999999S", None),
            ("1", None),
            ("m", None),
            ("1s", None),
            ("-1S", None),
            ("", None),
        ] {
            assert_eq!(parsed(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn the_shorter_of_two_timeouts_counts() {
        let mut headers = HeaderMap::new();
        let second = Duration::from_secs(1);
        assert_eq!(of(&headers, None), None);
        assert_eq!(of(&headers, Some(second)), Some(second));
        headers.insert("grpc-timeout", http::HeaderValue::from_static("2S"));
        assert_eq!(of(&headers, Some(second)), Some(second));
        assert_eq!(of(&headers, None), Some(2 * second));
    }

    #[test]
    fn a_deadline_has_passed_a_little_earlier_for_the_server_and_not_much() {
        let deadline = Duration::from_millis(100);
        assert!(has_passed(deadline, 0.1) && has_passed(deadline, 0.091));
        assert!(!has_passed(deadline, 0.089));
        assert!(!has_passed(Duration::from_secs(10), 9.9));
    }
}
