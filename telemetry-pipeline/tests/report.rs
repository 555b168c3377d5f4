//! Needs a process of its own, because it installs telemetry.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::{Arc, Mutex, mpsc},
};

use telemetry_pipeline::{Config, LogFormat, Report};

/// A collector that accepts everything and hands on all that it is sent.
fn collector() -> (String, mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut request, mut chunk) = (stream.unwrap(), Vec::new(), [0; 4096]);
            while let Ok(n @ 1..) = stream.read(&mut chunk) {
                request.extend_from_slice(&chunk[..n]);
                let head = String::from_utf8_lossy(&request).to_lowercase();
                let Some((head, _)) = head.split_once("\r\n\r\n") else {
                    continue;
                };
                let length = head.split("content-length: ").nth(1).unwrap();
                let length: usize = length.lines().next().unwrap().parse().unwrap();
                if request.len() >= head.len() + 4 + length {
                    let _ = sender.send(std::mem::take(&mut request));
                    stream
                        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                        .unwrap();
                }
            }
        }
    });
    (url, receiver)
}

fn assert_logged_once(lines: &[String], report: &Report) {
    let mut reports = lines
        .iter()
        .filter(|line| line.contains("OTEL_TRACES_SAMPLER"));
    let (Some(logged), None) = (reports.next(), reports.next()) else {
        panic!("{lines:?}");
    };
    assert!(logged.contains("\"level\":\"DEBUG\""), "{lines:?}");
    assert!(logged.contains("x-ok=REDACTED"), "{lines:?}");
    for entry in report {
        assert!(logged.contains(entry.name));
    }
}

#[test]
fn install_logs_the_configuration_once_at_debug_and_no_output_has_a_secret() {
    let (url, requests) = collector();
    let url = url.replace("http://", "http://user:s3cret@");
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = lines.clone();
    let telemetry = Config::new("shop")
        .with_environment([
            ("OTEL_TRACES_EXPORTER", "none"),
            ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &*url),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-ok=s3cret"),
            (
                "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
                "authorization=Bearer s3cret,s3cret",
            ),
            (
                "OTEL_EXPORTER_OTLP_CLIENT_KEY",
                "-----BEGIN PRIVATE KEY-----s3cret",
            ),
            ("TELEMETRY_HASH_KEY", "s3cret"),
            ("RUST_LOG", "telemetry=debug"),
        ])
        .with_log_format(LogFormat::Json)
        .with_log_sink(move |line| sink.lock().unwrap().push(line.to_owned()))
        .bootstrap()
        .unwrap();
    let report = telemetry.report();
    assert_logged_once(&lines.lock().unwrap(), &report);
    assert_eq!(report.get("TELEMETRY_HASH_KEY").unwrap().value, "REDACTED");
    telemetry.shutdown().unwrap();

    let bodies: Vec<_> = requests
        .try_iter()
        .flat_map(|request| {
            let body = request
                .windows(4)
                .position(|end| end == b"\r\n\r\n")
                .unwrap();
            request[body..].to_vec()
        })
        .collect();
    let exported = String::from_utf8_lossy(&bodies);
    assert!(
        exported.contains("TELEMETRY_HASH_KEY"),
        "the report is exported"
    );
    for text in [
        report.to_string(),
        format!("{report:?}"),
        telemetry.warnings().join("\n"),
        lines.lock().unwrap().join(""),
        exported.into_owned(),
        format!("{telemetry:?}"),
    ] {
        assert!(!text.contains("s3cret"), "{text}");
    }
}
