//! The message of a gRPC status, as telemetry may show it.

use http::HeaderMap;
use percent_encoding::percent_decode;
use telemetry_semconv::redact::{Credentials, error_text};

/// The longest message that is shown, in bytes.
const MAX: usize = 256;

/// The text of `grpc-message`, without credentials by the rules of error texts, and cut. `None` if there is none.
pub(crate) fn of(headers: &HeaderMap) -> Option<String> {
    shown(headers.get("grpc-message")?.as_bytes())
}

/// The same for the value of the header.
pub(crate) fn shown(message: &[u8]) -> Option<String> {
    let text = percent_decode(message).decode_utf8_lossy();
    let mut text = error_text(&text, &Credentials::default()).into_owned();
    if text.len() > MAX {
        let end = (0..=MAX).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or_default());
    }
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_decoded_redacted_and_cut() {
        let text = |message: &str| shown(message.as_bytes());
        assert_eq!(text("out%20of%20stock").as_deref(), Some("out of stock"));
        assert_eq!(
            text("no answer of https://a.example/?sig=secret now").as_deref(),
            Some("no answer of https://a.example/?sig=REDACTED now")
        );
        assert_eq!(text(&"%C3%A4".repeat(500)).map(|it| it.len()), Some(256));
        assert_eq!(text(""), None);
    }
}
