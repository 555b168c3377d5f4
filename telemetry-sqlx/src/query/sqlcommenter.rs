//! SQL commenter: appends the trace context to a statement as a comment, for the logs and views of the database.

use std::fmt::Write;

use opentelemetry::{Context, trace::TraceContextExt};

/// Returns the text with a comment that names the current span. Returns `None` if the span is not sampled, because no
/// backend has the trace, and if the text has such a comment already.
pub(super) fn with_trace_comment(sql: &str) -> Option<String> {
    Context::map_current(|cx| {
        let span = cx.span();
        let span = span.span_context();
        if !span.is_valid() || !span.is_sampled() || sql.contains("traceparent=") {
            return None;
        }
        // A comment after a semicolon would be a second, empty statement.
        let end = sql.trim_end_matches(|c: char| c == ';' || c.is_whitespace());
        let rest = sql.get(end.len()..)?;
        let mut text = String::with_capacity(sql.len() + 96);
        text.push_str(end);
        // If the text ends in a `--` comment, this comment becomes part of that one. The statement still runs.
        let flags = span.trace_flags();
        let (trace, id) = (span.trace_id(), span.span_id());
        let _ = write!(text, " /*traceparent='00-{trace}-{id}-{flags:02x}'");
        let state = span.trace_state().header();
        if !state.is_empty() {
            text.push_str(",tracestate='");
            percent_encode(&mut text, &state);
            text.push('\'');
        }
        text.push_str("*/");
        text.push_str(rest);
        Some(text)
    })
}

/// Encodes the value as in URLs, so that it can contain neither a quote nor the end of a comment.
fn percent_encode(text: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

    use super::*;

    fn under(flags: TraceFlags, state: &str, sql: &str) -> Option<String> {
        let state = TraceState::from_str(state).unwrap_or_default();
        let span = SpanContext::new(TraceId::from(1), SpanId::from(2), flags, true, state);
        let _current = Context::new().with_remote_span_context(span).attach();
        with_trace_comment(sql)
    }

    #[test]
    fn the_comment_stands_at_the_end_and_before_a_semicolon() {
        let comment = "/*traceparent='00-00000000000000000000000000000001-0000000000000002-01'*/";
        for (sql, expected) in [
            ("SELECT 1", format!("SELECT 1 {comment}")),
            ("SELECT 1;\n", format!("SELECT 1 {comment};\n")),
        ] {
            assert_eq!(under(TraceFlags::SAMPLED, "", sql), Some(expected));
        }
    }

    #[test]
    fn a_trace_state_cannot_end_the_comment() {
        let text = under(TraceFlags::SAMPLED, "shop=a*/'b", "SELECT 1").unwrap_or_default();
        assert!(
            text.ends_with("-01',tracestate='shop%3Da%2A%2F%27b'*/"),
            "{text}"
        );
    }

    #[test]
    fn nothing_is_added_for_an_unsampled_span_or_beside_an_own_comment() {
        assert_eq!(under(TraceFlags::default(), "", "SELECT 1"), None);
        assert_eq!(with_trace_comment("SELECT 1"), None);
        let own = "SELECT 1 /*traceparent='00-1-1-01'*/";
        assert_eq!(under(TraceFlags::SAMPLED, "", own), None);
    }
}
