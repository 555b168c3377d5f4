//! The cost of a span to the thread that records it and to the thread that exports it, for callgrind:
//!
//! ```sh
//! CARGO_PROFILE_RELEASE_DEBUG=line-tables-only cargo build --release -p telemetry-core --example export_cost
//! valgrind --tool=callgrind --separate-threads=yes target/release/examples/export_cost
//! ```
//!
//! The difference between two counts of spans (the first argument) is the cost without start and end.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use telemetry_api::opentelemetry::{
    InstrumentationScope, KeyValue,
    trace::{SpanKind, TraceContextExt},
};
use telemetry_pipeline::{Config, Protocol};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let spans: usize = std::env::args()
        .nth(1)
        .map_or(Ok(10_000), |text| text.parse())?;
    let collector = TcpListener::bind("127.0.0.1:0")?;
    let address = collector.local_addr()?;
    thread::spawn(move || {
        for stream in collector.incoming().flatten() {
            thread::spawn(move || answer(stream));
        }
    });
    let telemetry = Config::new("cost")
        .with_environment([
            ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_LOGS_EXPORTER", "none"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "1000000"),
        ])
        .with_otlp_endpoint(Protocol::HttpProtobuf, format!("http://{address}"))
        .build()?;
    let tracer = telemetry
        .providers()
        .tracer(InstrumentationScope::builder("cost").build());
    for id in 0..spans {
        let attributes = || {
            vec![
                KeyValue::new("http.request.method", "GET"),
                KeyValue::new("url.scheme", "https"),
                KeyValue::new("url.path", "/orders/42/items"),
                KeyValue::new("server.address", "shop.example"),
                KeyValue::new("server.port", 443),
                KeyValue::new("http.route", "/orders/{order}/items"),
                KeyValue::new("http.response.status_code", 200),
                KeyValue::new("shop.order.id", i64::try_from(id).unwrap_or(0)),
            ]
        };
        let cx = tracer.start(
            &Default::default(),
            "GET /orders/{order}/items",
            SpanKind::Server,
            attributes,
        );
        cx.span().end();
    }
    telemetry.shutdown()?;
    Ok(())
}

/// Reads requests and accepts each with an empty answer.
fn answer(stream: TcpStream) -> io::Result<()> {
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap_or(0);
            } else if line.is_empty() {
                break;
            }
        }
        io::copy(&mut reader.by_ref().take(length), &mut io::sink())?;
        writer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
    }
}
