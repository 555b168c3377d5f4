//! A function of the application's that lines go to, and that panics or logs.

use std::{
    process::exit,
    sync::{Mutex, mpsc},
    thread,
    time::Duration,
};

use crate::{config, is_program, program};

#[test]
fn writes_to_a_sink_that_panics_and_logs() {
    if !is_program("own_sink::writes_to_a_sink_that_panics_and_logs") {
        return;
    }
    let (sender, lines) = mpsc::channel();
    // As around a file.
    let sender = Mutex::new(sender);
    let telemetry = config(&[])
        .with_log_sink(move |line| {
            let sender = sender.lock().unwrap_or_else(|error| error.into_inner());
            tracing::info!("about to write");
            assert!(!line.contains("too much"), "no room");
            sender.send(line.to_owned()).unwrap();
        })
        .bootstrap()
        .unwrap();
    let (end, ended) = mpsc::channel();
    let thread = thread::spawn(move || {
        let panicked = std::panic::catch_unwind(|| tracing::info!("too much")).is_err();
        tracing::info!("after");
        end.send(panicked).unwrap();
    });
    if ended.recv_timeout(Duration::from_secs(10)) != Ok(true) {
        exit(3);
    }
    thread.join().unwrap();
    drop(telemetry);
    let lines: Vec<_> = lines.try_iter().collect();
    let [after] = lines.as_slice() else { exit(4) };
    assert!(after.contains("after"), "{after}");
}

#[test]
fn what_a_sink_says_or_panics_with_does_not_go_into_it_again() {
    let output = program("own_sink::writes_to_a_sink_that_panics_and_logs")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{:?} {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
}
