//! Wrong ports, paths and schemes: what is said names the setting to look at.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    thread,
};

use crate::{
    collector::{Collector, status},
    grpc, record,
    tls::Authority,
    tracer, traces_to,
};

/// The reason of the last failed export.
fn reason(url: &str, vars: &[(&'static str, &str)]) -> String {
    let authority = Authority::new();
    let ca = authority.path("ca.pem");
    let mut all = vec![("OTEL_EXPORTER_OTLP_CERTIFICATE", ca.as_str())];
    all.extend(vars);
    let telemetry = traces_to(url, &all);
    record(&tracer(&telemetry), "lost");
    // At the end an attempt that reaches nobody is the last.
    assert!(telemetry.shutdown().is_err());
    let traces = telemetry.health().traces().unwrap();
    let reason = traces.last_failure.unwrap().1;
    assert_eq!(reason.lines().count(), 1, "{reason}");
    reason
}

/// Answers whatever it does not understand as servers of HTTP/1.1 do.
fn puzzled() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let answer = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
            let _ = stream.write_all(answer);
            // Closed with something unread, the connection would be reset before the answer arrives.
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    address
}

const GRPC: (&str, &str) = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");

#[test]
fn a_port_of_the_other_protocol_is_guessed() {
    let collector = grpc::Collector::start(None, |_, _| Ok(Default::default()));
    let said = reason(&collector.url(), &[]);
    assert!(
        said.contains("if this is a port of gRPC, set OTEL_EXPORTER_OTLP_PROTOCOL"),
        "{said}"
    );

    let said = reason(&format!("http://{}", puzzled()), &[GRPC]);
    assert!(
        said.contains("if this is a port of HTTP, set OTEL_EXPORTER_OTLP_PROTOCOL"),
        "{said}"
    );
}

#[test]
fn a_path_that_is_not_there_tells_which_endpoint_is_a_base() {
    for answer in ["404 Not Found", "405 Method Not Allowed"] {
        let collector = Collector::answering(move |_, _| status(answer));
        let said = reason(&collector.url(), &[]);
        assert!(
            said.contains("if the path is wrong: OTEL_EXPORTER_OTLP_ENDPOINT is a base"),
            "{said}"
        );
    }
}

#[test]
fn tls_to_a_port_without_tls_is_guessed() {
    let port = puzzled().port();
    let said = reason(&format!("https://localhost:{port}"), &[]);
    assert!(said.contains("use http:// instead of https://"), "{said}");

    // A gRPC endpoint without a scheme is secure.
    let said = reason(&format!("localhost:{port}"), &[GRPC]);
    assert!(said.contains("OTEL_EXPORTER_OTLP_INSECURE"), "{said}");
}
