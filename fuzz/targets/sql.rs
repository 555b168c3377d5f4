//! SQL: sanitising is final, never longer than the text, agrees with the summary alone, and keeps no literal.

#![no_main]

use libfuzzer_sys::fuzz_target;
use telemetry_semconv::db::{Dialect, analyze, summarize};

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let dialects = [
        Dialect::Sqlite,
        Dialect::PostgreSql,
        Dialect::MySql,
        Dialect::Other,
    ];
    let dialect = dialects[usize::from(*first) % dialects.len()];
    let sql = String::from_utf8_lossy(rest);
    let once = analyze(&sql, dialect);
    assert!(once.text.len() <= sql.len());
    assert!(once.summary.as_str().chars().count() <= 255);
    assert_eq!(summarize(&sql, dialect), once.summary);
    let twice = analyze(&once.text, dialect);
    assert_eq!((twice.text, twice.summary), (once.text, once.summary));

    // A literal in front of anything whatever.
    if !sql.contains("hunter2") {
        let planted = format!("SELECT 'hunter2', 4242.42 {sql}");
        let found = analyze(&planted, dialect);
        assert!(
            !found.text.contains("hunter2"),
            "{planted:?} -> {:?}",
            found.text
        );
        assert!(!found.summary.as_str().contains("hunter2"), "{planted:?}");
    }
});
