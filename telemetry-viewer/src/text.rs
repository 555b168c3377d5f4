//! Text that is safe to print: escaped, with durations and times a person can read.

use std::fmt::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::model::LogRecord;

/// Writes log records one a line: time in UTC, severity, service, event name, body, attributes and
/// the trace id. Control characters are escaped, so that no record can pose as another.
pub fn render_logs(records: &[LogRecord]) -> String {
    render_logs_within(None, records)
}

/// [`render_logs`], with records continued on a further line after that many characters.
pub fn render_logs_within(width: Option<usize>, records: &[LogRecord]) -> String {
    let mut out = String::new();
    for record in records {
        let time = time(record.time_unix_nanos);
        // On a narrow terminal there is no room to stay below the message.
        let indent = match width {
            Some(..60) => 4,
            _ => time.len() + 1,
        };
        let mut line = Line::new(width, String::new(), " ".repeat(indent));
        line.word("", &time);
        line.word("", &format!("{:<5}", escape(&record.severity)));
        for word in [&record.service, &record.event_name] {
            if !word.is_empty() {
                line.word("", &format!("[{}]", escape(word)));
            }
        }
        if let Some(body) = &record.body {
            line.word("", &escape(&body.to_string()));
        }
        for (key, value) in &record.attributes {
            let value = quoted(&value.to_string());
            line.word("", &format!("{}={value}", escape(key)));
        }
        if let Some(trace_id) = record.trace_id {
            line.word("", &format!("trace_id={trace_id}"));
        }
        out.push_str(&line.finish());
    }
    out
}

/// A line under construction, word by word. Where it would pass the width it goes on below itself.
pub(crate) struct Line {
    out: String,
    width: usize,
    /// Columns of the current line, without colours.
    used: usize,
    /// Whether the current line still has no word.
    fresh: bool,
    rest: String,
}

impl Line {
    /// A line that begins with `first`; those it goes on in begin with `rest`.
    pub(crate) fn new(width: Option<usize>, first: String, rest: String) -> Self {
        Self {
            width: width.unwrap_or(usize::MAX),
            used: first.width(),
            out: first,
            fresh: true,
            rest,
        }
    }

    /// Adds a word in an ANSI colour, or in none. A word is never divided.
    pub(crate) fn word(&mut self, colour: &str, text: &str) {
        let length = text.width();
        if !self.fresh && self.used + 1 + length > self.width {
            self.out.push('\n');
            self.out.push_str(&self.rest);
            self.used = self.rest.width();
            self.fresh = true;
        }
        if !self.fresh {
            self.out.push(' ');
            self.used += 1;
        }
        let _ = match colour {
            "" => write!(self.out, "{text}"),
            colour => write!(self.out, "\x1b[{colour}m{text}\x1b[0m"),
        };
        self.used += length;
        self.fresh = false;
    }

    pub(crate) fn finish(mut self) -> String {
        self.out.push('\n');
        self.out
    }
}

/// The text with everything escaped that a terminal or a reader could take for something else:
/// control characters, line separators and characters that reverse the direction of writing.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || is_layout(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// The escaped text, in quotes if it is empty or a blank in it could be taken for its end.
pub(crate) fn quoted(text: &str) -> String {
    let text = escape(text);
    if text.is_empty() || text.contains([' ', '"']) {
        format!("\"{}\"", text.replace('"', "\\\""))
    } else {
        text
    }
}

/// The first characters of a text, with an ellipsis if there are more.
pub(crate) fn shortened(text: &str, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A number with commas between thousands: `10,000`.
pub(crate) fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// So many of something: `1 span`, `26 spans`.
pub(crate) fn plural(number: usize, one: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{} {one}{end}", count(number))
}

/// The text cut to so many columns of a terminal, with an ellipsis if something is missing.
pub(crate) fn fit(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 1;
    for character in text.chars() {
        used += character.width().unwrap_or(0);
        if used > columns {
            break;
        }
        out.push(character);
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

/// A duration with three significant digits or so: `850ns`, `12.3µs`, `4.56ms`, `1.20s`, `15.0min`.
pub(crate) fn duration(nanos: u64) -> String {
    let (unit, value) = match nanos {
        0..1_000 => return format!("{nanos}ns"),
        1_000..1_000_000 => ("µs", nanos as f64 / 1e3),
        1_000_000..1_000_000_000 => ("ms", nanos as f64 / 1e6),
        1_000_000_000..600_000_000_000 => ("s", nanos as f64 / 1e9),
        600_000_000_000..7_200_000_000_000 => ("min", nanos as f64 / 60e9),
        7_200_000_000_000..172_800_000_000_000 => ("h", nanos as f64 / 3600e9),
        _ => ("d", nanos as f64 / 86_400e9),
    };
    let digits = if value < 10.0 {
        2
    } else {
        usize::from(value < 100.0)
    };
    format!("{value:.digits$}{unit}")
}

/// A moment in UTC to the millisecond: `2026-01-31T08:15:30.250Z`.
pub(crate) fn time(unix_nanos: u64) -> String {
    let (seconds, millis) = (unix_nanos / 1_000_000_000, unix_nanos / 1_000_000 % 1000);
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// The Gregorian date of a day counted from 1970-01-01, after Howard Hinnant's `civil_from_days`:
/// years start in March, so that the leap day is the last of its year.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + year + next_year, month, day_of_month)
}

/// Separators and marks that change how the rest of a line is laid out.
fn is_layout(character: char) -> bool {
    matches!(
        character,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{TraceId, Value};

    #[test]
    fn nothing_that_moves_the_cursor_survives_escaping() {
        assert_eq!(
            escape("a\nb\r\tc\u{1b}[31m\u{9b}2J\u{202e}d\u{7f}"),
            "a\\nb\\r\\tc\\u{1b}[31m\\u{9b}2J\\u{202e}d\\u{7f}"
        );
        assert_eq!(escape("Größe ✓ 漢字"), "Größe ✓ 漢字");
    }

    #[test]
    fn a_value_with_a_blank_is_quoted() {
        assert_eq!(quoted("SELECT 1"), "\"SELECT 1\"");
        assert_eq!(quoted("plain"), "plain");
        assert_eq!(quoted("say \"x\""), "\"say \\\"x\\\"\"");
    }

    #[test]
    fn durations_and_times_read_well_at_the_edges() {
        assert_eq!(duration(0), "0ns");
        assert_eq!(duration(12_345), "12.3µs");
        assert_eq!(duration(4_560_000), "4.56ms");
        assert_eq!(duration(150_000_000), "150ms");
        assert_eq!(duration(1_200_000_000), "1.20s");
        assert_eq!(duration(900_000_000_000), "15.0min");
        assert_eq!(duration(9_000_000_000_000), "2.50h");
        assert_eq!(duration(u64::MAX), "213504d");
        assert_eq!(time(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(time(1_709_210_096_789_000_000), "2024-02-29T12:34:56.789Z");
        assert_eq!(time(u64::MAX), "2554-07-21T23:34:33.709Z");
        assert_eq!(shortened("äöü", 2), "äö…");
    }

    #[test]
    fn counts_are_grouped_and_texts_fit_their_columns() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(10_000), "10,000");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(plural(1, "span"), "1 span");
        assert_eq!(plural(0, "span"), "0 spans");
        assert_eq!(fit("GET /orders", 20), "GET /orders");
        assert_eq!(fit("GET /orders", 5), "GET …");
        assert_eq!(fit("漢字漢字", 5), "漢字…");
        assert_eq!(fit("ab", 0), "");
    }

    #[test]
    fn a_log_line_shows_severity_body_attributes_and_trace() {
        let record = LogRecord {
            service: "web".into(),
            scope: String::new(),
            time_unix_nanos: 1_000_000,
            severity_number: 9,
            severity: "INFO".into(),
            event_name: String::new(),
            body: Some(Value::from("order\nplaced")),
            attributes: vec![("sku".into(), Value::from("SKU 1"))],
            trace_id: TraceId::from_bytes(&[1; 16]),
            span_id: None,
            resource: std::sync::Arc::default(),
        };
        assert_eq!(
            render_logs(&[record]),
            "1970-01-01T00:00:00.001Z INFO  [web] order\\nplaced sku=\"SKU 1\" \
             trace_id=01010101010101010101010101010101\n"
        );
    }
}
