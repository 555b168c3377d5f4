//! Collectors on a socket of this machine.

#![cfg(unix)]

use std::{
    os::unix::net::UnixListener,
    sync::{Arc, Mutex},
    thread,
};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::TraceServiceServer;
use tonic::transport::Server;

use crate::{
    collector::{Behaviour, Received, connection, ok, span_names},
    grpc, record, tracer, traces_to,
};

#[test]
fn http_over_a_socket() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("otel.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let received: Arc<Mutex<Vec<Received>>> = Arc::default();
    let keep = received.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer: Behaviour = Arc::new(|_, _| ok());
            let _ = connection(stream, &keep, &answer);
        }
    });
    for url in [
        format!("unix://{}", path.display()),
        format!("unix:{}", path.display()),
    ] {
        let telemetry = traces_to(&url, &[]);
        record(&tracer(&telemetry), "local");
        assert_eq!(telemetry.shutdown(), Ok(()), "{url}");
    }
    let received = received.lock().unwrap();
    let paths: Vec<_> = received.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(paths, ["/v1/traces"; 2]);
    assert_eq!(span_names(&received[0].traces()), ["local"]);
    assert_eq!(received[0].headers["host"], "localhost");
}

#[test]
fn grpc_over_a_socket() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("otel.sock");
    let collector = grpc::Collector::start(None, |_, _| Ok(Default::default()));
    let (service, socket) = (collector.clone(), path.clone());
    let (ready, listening) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = tokio::net::UnixListener::bind(socket).unwrap();
            ready.send(()).unwrap();
            let incoming = futures_util::stream::unfold(listener, |listener| async {
                let stream = listener.accept().await.map(|(stream, _)| stream);
                Some((stream, listener))
            });
            let server = Server::builder().add_service(TraceServiceServer::new(service));
            server.serve_with_incoming(incoming).await.unwrap();
        });
    });
    listening.recv().unwrap();
    let vars = [("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")];
    let telemetry = traces_to(&format!("unix://{}", path.display()), &vars);
    record(&tracer(&telemetry), "local");
    assert_eq!(telemetry.shutdown(), Ok(()));
    assert_eq!(collector.spans(), ["local"]);
}

#[test]
fn a_socket_that_is_not_there_is_named() {
    let telemetry = traces_to("unix:///nowhere/otel.sock", &[]);
    record(&tracer(&telemetry), "lost");
    let error = telemetry.shutdown().unwrap_err().to_string();
    assert!(error.contains("No such file"), "{error}");
    let traces = telemetry.health().traces().unwrap();
    assert!(traces.last_failure.is_some());
}
