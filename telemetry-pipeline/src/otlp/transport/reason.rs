//! The reason that a failed answer gives, cut to one line.

use super::{answer_json, answer_protobuf};
use crate::otlp::answer::one_line;

/// The reason in a body of this content type; empty if it has none that a person can read.
pub(crate) fn of(body: &[u8], content_type: &str) -> String {
    let structured = match content_type {
        "application/x-protobuf" | "application/protobuf" => answer_protobuf::message(body),
        _ if content_type.ends_with("json") => answer_json::message(body),
        _ => None,
    };
    one_line(&structured.unwrap_or_else(|| text(body)))
}

/// The body as text, without the tags of HTML. Empty if most of it is no text.
fn text(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let unreadable = |c: &char| c.is_control() && !c.is_whitespace() || *c == '\u{fffd}';
    if text.chars().filter(unreadable).count() * 4 > text.chars().count() {
        return String::new();
    }
    let text = if text.trim_start().starts_with('<') {
        without_tags(&text)
    } else {
        text.into_owned()
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn without_tags(html: &str) -> String {
    let mut text = String::new();
    for part in html.split('<') {
        let (tag, content) = part.split_once('>').unwrap_or(("", part));
        let name = tag.split_whitespace().next().unwrap_or_default();
        // Their content is for programs.
        if !matches!(name, "style" | "script") {
            text.push(' ');
            text.push_str(content);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_of_any_form_is_one_line() {
        for (content_type, body, expected) in [
            ("text/plain", "quota\nexceeded", "quota exceeded"),
            ("", "no such tenant", "no such tenant"),
            (
                "application/octet-stream",
                "no such tenant",
                "no such tenant",
            ),
            ("application/json", r#"{"message":"bad key"}"#, "bad key"),
            ("application/json", r#"{"error":"bad key"}"#, "bad key"),
            (
                "application/json",
                r#"{"error":{"message":"bad key"}}"#,
                "bad key",
            ),
            (
                "application/problem+json",
                r#"{"detail":"bad key"}"#,
                "bad key",
            ),
            ("application/json", "not JSON", "not JSON"),
            ("application/x-protobuf", "\x12\x07bad key", "bad key"),
            (
                "application/x-protobuf",
                "upstream failed",
                "upstream failed",
            ),
            (
                "text/html",
                "<html><head><style>p { color: red }</style></head><body><h1>502</h1>\n<p>Bad Gateway</p></body></html>",
                "502 Bad Gateway",
            ),
            ("", "", ""),
            ("", "\x00\x01\x02\x03", ""),
        ] {
            assert_eq!(
                of(body.as_bytes(), content_type),
                expected,
                "{content_type} {body}"
            );
        }
    }

    #[test]
    fn a_long_reason_is_cut() {
        assert_eq!(of("x".repeat(5000).as_bytes(), "text/plain").len(), 200);
    }
}
