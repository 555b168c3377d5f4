//! The ways in which a process can end, and how many of ten recorded spans arrive. Each runs in a process of its own.

#![cfg(unix)]

use std::{
    os::unix::process::CommandExt as _,
    process::{self, Command},
    time::Duration,
};

use crate::{collector::Collector, config, record, tracer};

/// Records ten spans and dies as the environment says.
#[test]
fn dies() {
    let Ok(death) = std::env::var("TELEMETRY_DEATH") else {
        return;
    };
    let url = std::env::var("TEST_URL").unwrap();
    let telemetry = config(&url, &[]).build().unwrap();
    let tracer = tracer(&telemetry);
    for _ in 0..10 {
        record(&tracer, "last");
    }
    if std::env::var_os("TEST_FLUSH").is_some() {
        telemetry.force_flush().unwrap();
    }
    match death.as_str() {
        "return" => {}
        "panic" => panic!("on purpose"),
        "exit" => process::exit(0),
        "abort" => process::abort(),
        "exec" => panic!("{}", Command::new("true").exec()),
        "kill" => {
            let own = process::id().to_string();
            Command::new("kill").args(["-9", &own]).status().unwrap();
            std::thread::sleep(Duration::from_secs(10));
        }
        other => panic!("{other}"),
    }
}

#[test]
fn only_a_handle_that_is_dropped_or_a_flush_delivers_the_last_spans() {
    for (death, unflushed) in [
        ("return", 10),
        ("panic", 10),
        ("exit", 0),
        ("abort", 0),
        ("exec", 0),
        ("kill", 0),
    ] {
        for flush in [false, true] {
            let collector = Collector::start();
            let mut command = Command::new(std::env::current_exe().unwrap());
            command
                .args(["--exact", "deaths::dies", "--nocapture"])
                .env("TELEMETRY_DEATH", death)
                .env("TEST_URL", collector.url());
            if flush {
                command.env("TEST_FLUSH", "1");
            }
            command.output().unwrap();
            let arrives = if flush { 10 } else { unflushed };
            assert_eq!(collector.spans().len(), arrives, "{death}, flush: {flush}");
        }
    }
}
