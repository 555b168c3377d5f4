//! Texts from outside that try to look like something else.

use super::*;

const FORMATS: [LogFormat; 4] = [
    LogFormat::Json,
    LogFormat::Readable,
    LogFormat::Gcp,
    LogFormat::Aws,
];

#[test]
fn no_character_moves_the_cursor_or_turns_the_text() {
    let controls = (0..=0x9f)
        .filter_map(char::from_u32)
        .filter(|c| c.is_control());
    let others = [
        '\u{61c}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}', '\u{202a}', '\u{202e}',
        '\u{2066}', '\u{2069}',
    ];
    let unsafe_ones: Vec<char> = controls.chain(others).collect();
    assert_eq!(unsafe_ones.len(), 65 + 9);
    for format in FORMATS {
        let logging = Logging {
            format,
            span_fields: true,
            ..JSON
        };
        for c in &unsafe_ones {
            let text = format!("a{c}b");
            let lines = logged(logging, || {
                let _request = CorrelationId::parse("abc-123")
                    .unwrap()
                    .attach_to(&traced())
                    .attach();
                let _principal = Principal::new("ada").with_roles([&text]);
                let _span = tracing::info_span!("work", in_span = text).entered();
                tracing::info!(text, display = %text, debug = ?text, "{text}");
            });
            let line = lines[0].strip_suffix('\n').unwrap();
            assert!(!line.contains(*c), "{format:?} {c:?} {line:?}");
            if format != LogFormat::Readable {
                let line: Value = serde_json::from_str(line).unwrap();
                assert_eq!(line["message"], *text);
                assert_eq!(
                    (&line["text"], &line["in_span"]),
                    (&json!(text), &json!(text))
                );
            }
        }
    }
}

#[test]
fn text_beyond_ascii_stays_readable() {
    let text = "Grüße, 東京 – €5…";
    for format in FORMATS {
        let lines = lines(format, || tracing::info!(text, "{text}"));
        assert_eq!(lines[0].matches(text).count(), 2, "{lines:?}");
    }
}

#[test]
fn no_text_poses_as_an_id_or_a_field_of_a_readable_line() {
    let forged = "paid trace_id=00000000000000000000000000000bad user.id=root";
    let lines = lines(LogFormat::Readable, || {
        let _request = traced().attach();
        tracing::info!(sku = forged, display = %forged, "{forged}");
        tracing::info!("plain words, \"quoted\" or not");
        tracing::info!(empty = "", quote = "a\"b", slash = "a\\b", ok = %"ok", number = 7, "values");
        tracing::info!(debug = ?Some("a b"), text = ?"a b", almost = %"\"a\" b=\"c\"", "values");
    });
    let ids = "[trace_id=00000000000000000000000000000abc span_id=0000000000000def \
               correlation_id=00000000000000000000000000000abc]";
    let rest = |line: &str| {
        let (_, rest) = line.split_once("forged_text: ").unwrap();
        rest.strip_prefix(ids).unwrap().trim().to_owned()
    };
    assert_eq!(
        rest(&lines[0]),
        format!("{forged:?} sku={forged:?} display={forged:?}")
    );
    assert_eq!(rest(&lines[1]), "plain words, \"quoted\" or not");
    assert_eq!(
        rest(&lines[2]),
        r#"values empty="" quote="a\"b" slash=a\b ok=ok number=7"#
    );
    assert_eq!(
        rest(&lines[3]),
        r#"values debug="Some(\"a b\")" text="a b" almost="\"a\" b=\"c\"""#
    );
}
