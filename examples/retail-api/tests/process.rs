//! retail-api as a process: what it says when something is wrong, and how it ends.

// Clippy knows test functions, not their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::TcpListener;

use telemetry_tests::process::{Ended, Process};

const PROGRAM: &str = env!("CARGO_BIN_EXE_retail-api");
const QUIET: [(&str, &str); 3] = [
    ("OTEL_TRACES_EXPORTER", "none"),
    ("OTEL_METRICS_EXPORTER", "none"),
    ("OTEL_LOGS_EXPORTER", "none"),
];

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    Process::start(PROGRAM, arguments, environment)
        .unwrap()
        .end()
        .unwrap()
}

/// It could not go on: one line that names what to change, and exit code 1.
fn assert_one_line(ended: &Ended, naming: &[&str]) {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    for name in naming {
        assert!(ended.stderr.contains(name), "{name} in {}", ended.stderr);
    }
}

#[test]
fn a_port_in_use_names_the_flag_to_change() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("retail.db");
    let ended = run(
        &[
            "--listen",
            &address,
            "--database",
            database.to_str().unwrap(),
        ],
        &QUIET,
    );
    assert_one_line(&ended, &[&address, "--listen", "RETAIL_API_LISTEN"]);
}

#[test]
fn an_unwritable_database_names_the_flag_to_change() {
    let ended = run(
        &[
            "--listen",
            "127.0.0.1:0",
            "--database",
            "/no/such/place/retail.db",
        ],
        &QUIET,
    );
    assert_one_line(
        &ended,
        &["/no/such/place/retail.db", "--database", "RETAIL_DATABASE"],
    );
}

#[test]
fn an_endpoint_that_is_none_names_the_variable() {
    let ended = run(
        &["--listen", "127.0.0.1:0"],
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "not a url")],
    );
    assert_one_line(&ended, &["OTEL_EXPORTER_OTLP_ENDPOINT"]);
}

#[test]
fn without_a_collector_it_serves_says_so_once_and_ends_well() {
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let endpoint = format!("http://{nobody}");
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("retail.db");
    let arguments = [
        "--listen",
        "127.0.0.1:0",
        "--database",
        database.to_str().unwrap(),
    ];
    let environment = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "100"),
        ("OTEL_BSP_SCHEDULE_DELAY", "10"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "10"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "20"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "several"),
    ];
    let mut process = Process::start(PROGRAM, arguments, &environment).unwrap();
    let address = process.address().unwrap();
    let url = format!("http://{address}/inventory/check?sku=SKU-1&qty=1");
    let get = || {
        reqwest::blocking::get(&url)
            .unwrap()
            .error_for_status()
            .unwrap()
    };
    get();
    assert!(
        process
            .line("telemetry does not reach its collector")
            .unwrap()
            .contains(&endpoint)
    );
    for _ in 0..20 {
        get();
    }
    process.terminate().unwrap();
    let ended = process.end().unwrap();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let said = |text: &str| {
        ended
            .stdout
            .iter()
            .filter(|line| line.contains(text))
            .count()
    };
    assert_eq!(
        said("telemetry does not reach its collector"),
        1,
        "{:#?}",
        ended.stdout
    );
    assert_eq!(said("OTEL_BSP_MAX_QUEUE_SIZE"), 1, "{:#?}", ended.stdout);
    assert!(
        ended.stderr.contains("spans not accepted"),
        "{}",
        ended.stderr
    );
}

#[test]
fn disabled_telemetry_leaves_the_service_its_logs_its_ids_and_an_empty_metrics_page() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("retail.db");
    let arguments = [
        "--listen",
        "127.0.0.1:0",
        "--database",
        database.to_str().unwrap(),
    ];
    let mut process = Process::start(PROGRAM, arguments, &[("OTEL_SDK_DISABLED", "true")]).unwrap();
    let base = format!("http://{}", process.address().unwrap());
    let response =
        reqwest::blocking::get(format!("{base}/inventory/check?sku=SKU-1&qty=1")).unwrap();
    assert_eq!(response.status(), 200);
    let id = response.headers()["x-correlation-id"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(process.line("inventory checked").unwrap().contains(&id));
    let metrics = reqwest::blocking::get(format!("{base}/metrics")).unwrap();
    assert_eq!(
        (metrics.status().as_u16(), metrics.text().unwrap().as_str()),
        (200, "")
    );
    process.terminate().unwrap();
    let ended = process.end().unwrap();
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (Some(0), ""),
        "{ended:?}"
    );
}
