use super::*;
use crate::analysis::fixture::{SpanExt, span, trace};
use crate::model::SpanKind;

#[test]
fn a_request_is_written_as_a_command_that_no_text_can_leave() {
    let request = trace([span(1, 0, "POST /checkout", 0, 20)
        .kind(SpanKind::Server)
        .with("http.request.method", "POST")
        .with("url.scheme", "http")
        .with("server.address", "127.0.0.1")
        .with("server.port", "8080")
        .with("url.path", "/checkout/it's")
        .with("url.query", "token=REDACTED")
        .with("correlation_id", "order-7")]);
    assert_eq!(
        curl(&request),
        "curl -i -X 'POST' 'http://127.0.0.1:8080/checkout/it'\\''s?token=REDACTED' \\\n  \
         -H 'x-correlation-id: order-7'\n\
         # add the body with --json: spans do not record it\n\
         # values of credentials were redacted: put yours in their place\n"
    );
}

#[test]
fn a_test_stays_one_raw_string_whatever_the_names() {
    let text = test(&trace([span(1, 0, "say \"## \"#", 0, 1).failed("")]));
    assert_eq!(
        text,
        "telemetry.assert_tree(\n    &[],\n    r###\"\n    INTERNAL say \"## \"# ERROR\n    \"###,\n);\n"
    );
}

#[test]
fn markdown_cannot_be_left_by_backticks_or_fences() {
    let text = markdown(
        &trace([span(1, 0, "`x` | ~~~~~~\n~~~~~~", 0, 1).failed("a|b")]),
        "http://127.0.0.1:4318",
    );
    assert!(text.starts_with("### `'x' | ~~~~~~\\n~~~~~~`\n"), "{text}");
    assert_eq!(
        text.lines().filter(|line| line.trim() == "~~~~~~").count(),
        1
    );
    assert!(text.contains("a\\|b"), "{text}");
}
