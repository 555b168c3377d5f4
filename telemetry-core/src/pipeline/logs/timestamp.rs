//! RFC 3339 with microseconds. The part down to the second is formatted once a second and thread.

use std::{
    cell::RefCell,
    fmt::Write as _,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

thread_local! {
    static SECOND: RefCell<(u64, String)> = const { RefCell::new((u64::MAX, String::new())) };
}

/// Appends such as `2026-11-21T03:04:05.678901Z`.
pub(super) fn write(line: &mut String, time: SystemTime) {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let cached = SECOND.try_with(|cell| {
        let (second, text) = &mut *cell.borrow_mut();
        if *second != since.as_secs() {
            text.clear();
            let whole = UNIX_EPOCH + Duration::from_secs(since.as_secs());
            // Writing to a String cannot fail.
            let _ = write!(text, "{}", humantime::format_rfc3339_seconds(whole));
            text.pop();
            *second = since.as_secs();
        }
        line.push_str(text);
    });
    // While the thread ends there is no cache.
    if cached.is_err() {
        let _ = write!(line, "{}", humantime::format_rfc3339_micros(time));
        return;
    }
    let mut fraction = *b".000000Z";
    let mut micros = since.subsec_micros();
    for digit in fraction[1..7].iter_mut().rev() {
        *digit = b'0' + (micros % 10) as u8;
        micros /= 10;
    }
    line.push_str(std::str::from_utf8(&fraction).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let mut line = String::new();
            write(&mut line, time);
            assert_eq!(line, humantime::format_rfc3339_micros(time).to_string());
        }
    }
}
