//! Filters, and which lines of ours and of OpenTelemetry pass them.

use super::*;

#[test]
fn a_filter_that_is_not_valid_changes_nothing_and_says_why() {
    let filters = filters("warn", false);
    for (filter, why) in [
        ("info,shop=loud", "\"shop=loud\" ("),
        ("shop[a{b=1,c=2}]=info,x=y=z", "\"x=y=z\" ("),
        (" ", "empty"),
        (" , ", "empty"),
    ] {
        let error = filters.set_logs(filter).unwrap_err();
        let message = error.to_string();
        assert!(
            message.starts_with("the log filter ") && message.contains(why),
            "{message}"
        );
        assert!(message.ends_with("It stays \"warn\""), "{message}");
        assert!(
            filters
                .set_spans(filter)
                .unwrap_err()
                .to_string()
                .contains("span filter")
        );
    }
    assert_eq!(
        (filters.logs().as_str(), filters.spans().as_str()),
        ("warn", "info")
    );
}

#[test]
fn our_own_warnings_pass_a_filter_that_is_silent_about_them() {
    let warns = |filter| {
        let logging = Logging { filter, ..JSON };
        let lines = logged(logging, || {
            tracing::warn!(target: "telemetry", "does not reach its collector");
            tracing::info!(target: "telemetry", "reaches it again");
            tracing::warn!(target: "hyper", "something else");
        });
        lines.len()
    };
    assert_eq!(warns("shop=debug, cart[pay]=info"), 1);
    assert_eq!(warns("shop=debug,,"), 1);
    assert_eq!(warns("shop=debug,telemetry_axum=info"), 1);
    assert_eq!(warns("shop=debug,tele=off"), 0);
    assert_eq!(warns("shop=debug,error"), 0);
    assert_eq!(warns("off,shop=debug"), 0);
    assert_eq!(warns("shop=debug,telemetry=error"), 0);
    assert_eq!(warns("shop=debug,warn"), 2);
}

#[test]
fn spaces_between_directives_mean_nothing() {
    let filter = " off ,  shop=info , \u{e9}=info, ";
    let lines = logged(Logging { filter, ..JSON }, || {
        tracing::debug!(target: "shop", "no");
        tracing::info!(target: "shop::cart", "first");
        tracing::info!(target: "\u{e9}", "second");
        tracing::info!(target: "other", "no");
    });
    let messages: Vec<_> = lines
        .iter()
        .map(|line| object(line)["message"].clone())
        .collect();
    assert_eq!(messages, ["first", "second"]);
}

/// The messages that pass a filter.
fn passed(filter: &'static str, log: impl FnOnce()) -> Vec<String> {
    let lines = objects(Logging { filter, ..JSON }, log);
    let message = |line: &Value| line["message"].as_str().unwrap().to_owned();
    lines.iter().map(message).collect()
}

#[test]
fn warnings_errors_and_access_lines_of_ours_pass_a_filter_that_is_silent_about_them() {
    let log = || {
        tracing::error!(target: "telemetry_core::exception", "exception");
        tracing::error!(target: "telemetry_core::step", "step failed");
        tracing::info!(target: "telemetry_core::step", "step rejected");
        tracing::warn!(target: "telemetry_sqlx::slow_query", "slow query");
        tracing::error!(target: "telemetry_axum", "panicked");
        tracing::info!(target: "telemetry_axum::access", "access");
        tracing::debug!(target: "telemetry_axum::access", "access in debug");
        tracing::error!(target: "telemetry_of_rockets", "not ours");
        tracing::error!(target: "hyper", "not ours either");
    };
    let ours = [
        "exception",
        "step failed",
        "slow query",
        "panicked",
        "access",
    ];
    assert_eq!(passed("myapp=debug", log), ours);
    assert_eq!(passed("myapp=debug,[pay]=info", log), ours);
    assert_eq!(passed("myapp=debug,telemetry_axum=off", log), ours[..3]);
    assert_eq!(passed("myapp=debug,telemetry_core=off", log), ours[2..]);
    assert_eq!(
        passed("myapp=debug,telemetry_core::step=info", log),
        [
            "exception",
            "step failed",
            "step rejected",
            "slow query",
            "panicked",
            "access"
        ]
    );
    assert!(passed("myapp=debug,telemetry=off", log).is_empty());
    assert!(passed("myapp=debug,off", log).is_empty());
    assert_eq!(
        passed("error", log),
        [
            "exception",
            "step failed",
            "panicked",
            "not ours",
            "not ours either"
        ]
    );
}

#[test]
fn opentelemetry_is_quiet_below_a_warning_until_it_is_named() {
    let log = || {
        tracing::info!(target: "opentelemetry", "provider set");
        tracing::debug!(target: "opentelemetry_sdk", "started");
        tracing::warn!(target: "opentelemetry_sdk", "dropped");
        tracing::info!("ours");
    };
    for filter in ["info", "debug", "trace"] {
        assert_eq!(passed(filter, log), ["dropped", "ours"], "{filter}");
    }
    assert_eq!(
        passed("info,opentelemetry=info", log),
        ["provider set", "dropped", "ours"]
    );
    assert_eq!(
        passed("info,opentelemetry_sdk=debug", log),
        ["started", "dropped", "ours"]
    );
}
