//! The output of a checkout, compared with a recorded one.
//!
//! Both services of the retail example run as processes and export to a collector in this test. All that arrives, the
//! page `/metrics`, the log lines and the headers that retail-web sends to retail-api become text. The text is compared
//! with the files in `tests/recorded/`: once as the services are, once with every option of the adapters that is off by
//! default, whose files are in `tests/recorded/all-options/`.
//!
//! A difference that is intended is recorded with
//!
//! ```text
//! TELEMETRY_RECORD=1 cargo test -p telemetry-tests --test wire
//! ```
//!
//! Read the difference of the recorded files in version control before it is committed.
//!
//! Values that change from run to run become their type or a name: times, durations, floating-point numbers, ids,
//! ports, facts of the machine. The names, units and label sets of process, runtime and self metrics are compared,
//! their values are not.

// Clippy knows test functions, not their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod collector;
mod compare;
mod exposition;
mod logs;
mod metrics;
mod names;
mod options;
mod render;
mod scenario;
mod service;
mod traces;

use compare::Recording;
use names::Names;
use options::Options;

/// The role of this process: a service of the example, started by the test below.
const ROLE: &str = "TELEMETRY_TEST_ROLE";

/// The services are processes of this very test binary, so that they are always built from the code under test.
#[test]
fn serves_if_it_is_told_to() {
    if let Ok(role) = std::env::var(ROLE) {
        service::run(&role);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkout_puts_out_the_same_as_recorded() {
    compare(Options::Default, "").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkout_with_every_option_puts_out_the_same_as_recorded() {
    compare(Options::All, "all-options").await;
}

async fn compare(options: Options, directory: &str) {
    let output = scenario::run(options).await;
    let names = Names::of(&output);
    let mut recording = Recording::new(directory);
    recording.add("requests.txt", &names.apply(&output.requests()));
    recording.add("traces.txt", &names.apply(&traces::render(&output)));
    recording.add("metrics.txt", &names.apply(&metrics::render(&output)));
    recording.add("logs.txt", &names.apply(&logs::render(&output)));
    recording.add("stdout.txt", &names.apply(&output.lines()));
    recording.add("prometheus.txt", &names.apply(&output.prometheus()));
    recording.add("openmetrics.txt", &names.apply(&output.openmetrics()));
    recording.finish();
}
