//! What a program does that was built without a feature and is configured to need it. `.ci/run` runs this without them;
//! with all features it has nothing to say.

#![allow(clippy::unwrap_used)]

#[cfg(any(not(feature = "grpc"), not(feature = "tls"), not(feature = "zstd")))]
use telemetry_core::Config;

#[cfg(not(feature = "grpc"))]
#[test]
fn without_grpc_bootstrap_says_what_to_add_or_to_set() {
    let config = Config::new("shop").with_environment([("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]);
    assert_eq!(
        config.build().unwrap_err().to_string(),
        "exporting to http://localhost:4317 needs the feature `grpc` of telemetry-core: add it in Cargo.toml, or set \
         OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf"
    );
}

#[cfg(not(feature = "tls"))]
#[test]
fn without_tls_bootstrap_says_what_to_add_or_to_set() {
    let endpoint = "https://user:secret@collector:4318/";
    let config = Config::new("shop").with_environment([("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)]);
    assert_eq!(
        config.build().unwrap_err().to_string(),
        "exporting to https://collector:4318 needs the feature `tls` of telemetry-core: add it in Cargo.toml, or \
         export to an http:// endpoint"
    );
}

#[cfg(not(feature = "zstd"))]
#[test]
fn without_zstd_gzip_is_used_and_said() {
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
        thread,
    };

    use telemetry_core::opentelemetry::{InstrumentationScope, trace::SpanKind};

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let collector = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.unwrap().parse().unwrap()];
        stream.read_exact(&mut body).unwrap();
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).unwrap();
        head
    });
    let config = Config::new("shop").with_environment([
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_LOGS_EXPORTER", "none"),
    ]);
    let telemetry = config.with_log_sink(|_| {}).build().unwrap();
    assert_eq!(
        telemetry.warnings(),
        [
            "OTEL_EXPORTER_OTLP_COMPRESSION=\"zstd\" is not valid; using gzip; for zstd add the feature `zstd` to \
             telemetry-core"
        ]
    );
    let shown = telemetry
        .report()
        .get("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION");
    assert_eq!(shown.unwrap().value, "gzip");

    let tracer = telemetry
        .providers()
        .tracer(InstrumentationScope::builder("test").build());
    let span = tracer.start(
        &Default::default(),
        "squeezed",
        SpanKind::Internal,
        Vec::new,
    );
    drop(span);
    assert_eq!(telemetry.shutdown(), Ok(()));
    assert!(collector.join().unwrap().contains("content-encoding: gzip"));
}
