//! URLs, authorities and correlation ids: credentials are gone after one redaction, and what is accepted is bounded.

#![no_main]

use libfuzzer_sys::fuzz_target;
use telemetry_core::CorrelationId;
use telemetry_semconv::http::{Authority, has_secret, redact_query, redact_query_with, redact_url};

const SECRET: &str = "hunter2";

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);

    let query = redact_query(&text);
    assert_eq!(redact_query(&query), query);
    assert_eq!(query.split('&').count(), text.split('&').count());
    let also = ["token"];
    assert!(has_secret(&text, &also) || redact_query_with(&text, &also) == text);
    let url = redact_url(&text);
    assert_eq!(redact_url(&url), url, "{text}");

    if !text.contains(SECRET) {
        // At any place of a query, and as the password in front of any host.
        let (before, after) = text.split_at(text.floor_char_boundary(text.len() / 2));
        let planted = format!("{before}&sig={SECRET}&{after}");
        assert!(!redact_query(&planted).contains(SECRET), "{planted}");
        let planted = format!("https://user:{SECRET}@{text}");
        assert!(!redact_url(&planted).contains(SECRET), "{planted}");
    }

    if let Some(authority) = Authority::parse(&text) {
        assert!((1..=255).contains(&authority.host.len()) && !authority.host.contains('@'));
        assert!(authority.host.bytes().all(|b| b.is_ascii_graphic()));
        let port = authority
            .port
            .map(|port| format!(":{port}"))
            .unwrap_or_default();
        let written = match authority.host.contains(':') {
            true => format!("[{}]{port}", authority.host),
            false => format!("{}{port}", authority.host),
        };
        assert_eq!(Authority::parse(&written), Some(authority), "{written}");
    }

    if let Some(id) = CorrelationId::parse(&text) {
        assert_eq!(id.as_str(), text);
        assert!((1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()));
        assert!(!text.contains(['"', '\\', ',', ';', '<', '>', '&', '%']));
    }
});
