//! RFC 3339 with microseconds. The part down to the second is formatted once a second and thread.

use std::{
    cell::RefCell,
    fmt::Write as _,
    ptr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

thread_local! {
    static SECOND: RefCell<Second> = const { RefCell::new(Second { at: u64::MAX, before: "", text: String::new() }) };
}

/// The end of the year 9999: RFC 3339 has no later time.
const LAST: Duration = Duration::from_secs(253_402_300_799);

/// The last second of a thread.
struct Second {
    at: u64,
    before: &'static str,
    text: String,
}

/// Appends such as `2026-11-21T03:04:05.678901Z`, with the text `before` it.
pub(crate) fn write(line: &mut String, before: &'static str, time: SystemTime) {
    let since = time
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .min(LAST);
    let cached = SECOND.try_with(|cell| {
        let second = &mut *cell.borrow_mut();
        if second.at != since.as_secs() || !ptr::eq(second.before, before) {
            second.text.clear();
            let whole = UNIX_EPOCH + Duration::from_secs(since.as_secs());
            let whole = humantime::format_rfc3339_seconds(whole);
            // Writing to a String cannot fail.
            let _ = write!(second.text, "{before}{whole}");
            second.text.pop();
            second.text.push('.');
            (second.at, second.before) = (since.as_secs(), before);
        }
        line.push_str(&second.text);
    });
    // While the thread ends there is no cache.
    if cached.is_err() {
        let time = humantime::format_rfc3339_micros(UNIX_EPOCH + since);
        let _ = write!(line, "{before}{time}");
        return;
    }
    // With a digit before them that keeps their zeros.
    let mut buffer = itoa::Buffer::new();
    let micros = buffer.format(1_000_000 + since.subsec_micros());
    line.push_str(micros.strip_prefix('1').unwrap_or_default());
    line.push('Z');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_wrong_by_ages_is_no_reason_for_a_malformed_line() {
        let far = UNIX_EPOCH + Duration::from_secs(300_000_000_000);
        let before = UNIX_EPOCH - Duration::from_secs(1);
        for (time, expected) in [
            (far, "9999-12-31T23:59:59"),
            (before, "1970-01-01T00:00:00"),
        ] {
            let mut line = String::new();
            write(&mut line, "{\"time\":\"", time);
            assert_eq!(line, format!("{{\"time\":\"{expected}.000000Z"));
        }
    }

    #[test]
    fn every_microsecond_is_written_as_itself() {
        for micros in [
            0,
            1,
            999_999,
            1_000_000,
            1_763_694_245_678_901,
            1_763_694_245_000_010,
        ] {
            let time = UNIX_EPOCH + Duration::from_micros(micros);
            for before in ["{\"time\":\"", "{\"timestamp\":\"", "{\"timestamp\":\""] {
                let mut line = "[".to_owned();
                write(&mut line, before, time);
                let expected = humantime::format_rfc3339_micros(time);
                assert_eq!(line, format!("[{before}{expected}"));
            }
        }
    }
}
