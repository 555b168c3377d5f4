//! The requests that are tried again, with their times, and the reports about the others.

use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::{
    Lines,
    collector::{Answer, Collector, ok, status},
    config, grpc, record, tracer, traces_to,
};

const GRPC: (&str, &str) = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");

#[test]
fn a_retryable_answer_is_tried_again_with_a_growing_pause() {
    for code in [
        "429 Too Many Requests",
        "502 Bad Gateway",
        "503 Service Unavailable",
        "504 Gateway Timeout",
    ] {
        let collector = Collector::answering(move |_, before| match before {
            0 => status(code),
            _ => ok(),
        });
        let telemetry = traces_to(&collector.url(), &[]);
        record(&tracer(&telemetry), "again");
        assert_eq!(telemetry.shutdown(), Ok(()), "{code}");
        let received = collector.received();
        assert_eq!(received.len(), 2, "{code}");
        let pause = received[1].at - received[0].at;
        assert!(pause >= Duration::from_millis(125), "{pause:?}");
    }
}

#[test]
fn any_other_answer_is_final_and_says_why() {
    let said = tonic_types::Status {
        code: 3,
        message: "no\nsuch tenant".to_owned(),
        details: Vec::new(),
    };
    let collector = Collector::answering(move |_, _| Answer {
        headers: "content-type: application/x-protobuf\r\n".to_owned(),
        body: said.encode_to_vec(),
        ..status("400 Bad Request")
    });
    let telemetry = traces_to(&collector.url(), &[]);
    record(&tracer(&telemetry), "refused");
    let error = telemetry.shutdown().unwrap_err();
    assert_eq!(collector.received().len(), 1);
    assert_eq!(error.losses[0].export_failed, 1);
    assert_eq!(
        error.to_string(),
        "telemetry was not delivered completely: 1 spans not accepted (the collector answered 400 Bad Request: no such \
         tenant)"
    );
}

#[test]
fn a_redirect_is_not_followed_as_it_would_carry_the_headers_elsewhere() {
    let elsewhere = Collector::start();
    let target = elsewhere.url();
    let collector = Collector::answering(move |_, _| Answer {
        headers: format!("location: {target}/v1/traces\r\n"),
        ..status("307 Temporary Redirect")
    });
    let telemetry = traces_to(
        &collector.url(),
        &[("OTEL_EXPORTER_OTLP_HEADERS", "x-key=secret")],
    );
    record(&tracer(&telemetry), "redirected");
    assert!(telemetry.shutdown().is_err());
    assert!(elsewhere.received().is_empty());
}

#[test]
fn retry_after_is_waited_for() {
    let collector = Collector::answering(|_, before| match before {
        0 => Answer {
            headers: "retry-after: 1\r\n".to_owned(),
            ..status("429 Too Many Requests")
        },
        _ => ok(),
    });
    let telemetry = traces_to(&collector.url(), &[]);
    record(&tracer(&telemetry), "later");
    assert_eq!(telemetry.shutdown(), Ok(()));
    let received = collector.received();
    assert!(received[1].at - received[0].at >= Duration::from_secs(1));
}

#[test]
fn retry_after_is_capped_by_the_timeout_and_the_answer_is_what_is_reported() {
    let collector = Collector::answering(|_, _| Answer {
        headers: "retry-after: 3600\r\n".to_owned(),
        ..status("503 Service Unavailable")
    });
    let telemetry = traces_to(&collector.url(), &[("OTEL_EXPORTER_OTLP_TIMEOUT", "300")]);
    record(&tracer(&telemetry), "never");
    let started = Instant::now();
    let error = telemetry.force_flush().unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(3));
    assert_eq!(collector.received().len(), 1, "and it was left alone");
    assert!(
        error.to_string().contains("503 Service Unavailable"),
        "{error}"
    );
}

#[test]
fn over_grpc_retry_info_is_waited_for_and_makes_exhaustion_retryable() {
    let collector = grpc::Collector::start(None, |_, before| match before {
        0 => {
            let wait = ErrorDetails::with_retry_info(Some(Duration::from_millis(700)));
            Err(Status::with_error_details(
                Code::ResourceExhausted,
                "slow down",
                wait,
            ))
        }
        _ => Ok(Default::default()),
    });
    let telemetry = traces_to(&collector.url(), &[GRPC]);
    record(&tracer(&telemetry), "later");
    assert_eq!(telemetry.shutdown(), Ok(()));
    let received = collector.received();
    assert_eq!(received.len(), 2);
    assert!(received[1].at - received[0].at >= Duration::from_millis(700));
}

#[test]
fn over_grpc_exhaustion_without_a_time_and_a_bad_request_are_final() {
    for code in [
        Code::ResourceExhausted,
        Code::InvalidArgument,
        Code::Unauthenticated,
    ] {
        let collector =
            grpc::Collector::start(None, move |_, _| Err(Status::new(code, "no\nmore")));
        let telemetry = traces_to(&collector.url(), &[GRPC]);
        record(&tracer(&telemetry), "refused");
        let error = telemetry.shutdown().unwrap_err().to_string();
        assert_eq!(collector.received().len(), 1, "{code:?}");
        assert!(
            error.contains(&format!("answered {code:?}: no more")),
            "{error}"
        );
    }
}

fn partial(rejected: i64, message: &str) -> ExportTraceServiceResponse {
    ExportTraceServiceResponse {
        partial_success: Some(ExportTracePartialSuccess {
            rejected_spans: rejected,
            error_message: message.to_owned(),
        }),
    }
}

#[test]
fn rejected_items_are_counted_and_the_message_is_logged_once() {
    let lines = Lines::default();
    let collector = Collector::answering(|_, _| Answer {
        body: partial(1, "span too\nold").encode_to_vec(),
        ..ok()
    });
    let telemetry = config(&collector.url(), &[])
        .with_log_sink(lines.sink())
        .build()
        .unwrap();
    let tracer = tracer(&telemetry);
    for _ in 0..3 {
        record(&tracer, "one");
        record(&tracer, "other");
        let error = telemetry.force_flush().unwrap_err();
        assert_eq!((error.losses[0].rejected, error.losses[0].items()), (1, 1));
    }
    let error = telemetry.shutdown().unwrap_err().to_string();
    assert!(
        error.contains("3 spans rejected (the collector said: span too old)"),
        "{error}"
    );
    assert_eq!(lines.containing("span too old").len(), 1);
    assert_eq!(lines.containing("does not reach").len(), 0);
}

#[test]
fn over_grpc_and_json_too_rejected_items_are_counted() {
    let grpc = grpc::Collector::start(None, |_, _| Ok(partial(2, "quota")));
    let json = Collector::answering(|_, _| Answer {
        body: br#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"quota"}}"#.to_vec(),
        ..ok()
    });
    for (url, protocol) in [(grpc.url(), "grpc"), (json.url(), "http/json")] {
        let telemetry = traces_to(&url, &[("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)]);
        let tracer = tracer(&telemetry);
        for _ in 0..3 {
            record(&tracer, "one");
        }
        let error = telemetry.shutdown().unwrap_err();
        assert_eq!(
            (error.losses[0].rejected, error.losses[0].items()),
            (2, 2),
            "{protocol}"
        );
    }
}

#[test]
fn a_warning_without_rejection_is_logged_and_loses_nothing() {
    let lines = Lines::default();
    let collector = Collector::answering(|_, _| Answer {
        body: partial(0, "deprecated attribute").encode_to_vec(),
        ..ok()
    });
    let telemetry = config(&collector.url(), &[])
        .with_log_sink(lines.sink())
        .build()
        .unwrap();
    record(&tracer(&telemetry), "one");
    assert_eq!(telemetry.shutdown(), Ok(()));
    assert_eq!(lines.containing("deprecated attribute").len(), 1);
}

#[test]
fn an_answer_without_end_is_read_to_a_bound_and_judged_by_its_beginning() {
    let long = ExportTraceServiceResponse {
        partial_success: Some(ExportTracePartialSuccess {
            rejected_spans: 0,
            error_message: "long".repeat(16 * 1024 * 1024),
        }),
    };
    let collector = Collector::answering(move |_, _| Answer {
        headers: "content-type: application/x-protobuf\r\n".to_owned(),
        body: long.encode_to_vec(),
        ..ok()
    });
    let telemetry = traces_to(&collector.url(), &[]);
    record(&tracer(&telemetry), "one");
    assert_eq!(telemetry.shutdown(), Ok(()));
    assert_eq!(collector.received().len(), 1);
}

#[test]
fn success_without_an_answer_of_otlp_is_a_failure_that_says_where_to_look() {
    for (content_type, body) in [
        (
            "content-type: text/html\r\n",
            "<html><body>Welcome</body></html>",
        ),
        ("content-type: text/plain\r\n", "OK"),
        ("", "<html>Welcome</html>"),
        ("content-type: application/x-protobuf\r\n", "not protobuf"),
        ("content-type: application/json\r\n", "[]"),
    ] {
        for protocol in ["http/protobuf", "http/json"] {
            let collector = Collector::answering(move |_, _| Answer {
                headers: content_type.to_owned(),
                body: body.as_bytes().to_vec(),
                ..ok()
            });
            let vars = [("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)];
            let telemetry = traces_to(&collector.url(), &vars);
            record(&tracer(&telemetry), "lost");
            let error = telemetry.shutdown().unwrap_err();
            assert_eq!(error.losses[0].export_failed, 1, "{content_type}{body}");
            let health = telemetry.health().traces().unwrap();
            assert_eq!((health.exported, health.last_success), (0, None));
            let reason = health.last_failure.unwrap().1;
            assert!(
                reason.contains("the answer 200 OK is not one of OTLP")
                    && reason.contains("check OTEL_EXPORTER_OTLP_ENDPOINT"),
                "{reason}"
            );
            assert_eq!(collector.received().len(), 1, "it is not tried again");
        }
    }
}

#[test]
fn an_empty_answer_and_json_to_protobuf_are_successes() {
    for (content_type, body) in [
        ("content-type: text/html\r\n", ""),
        ("", ""),
        ("content-type: application/json; charset=utf-8\r\n", "{}"),
    ] {
        let collector = Collector::answering(move |_, _| Answer {
            headers: content_type.to_owned(),
            body: body.as_bytes().to_vec(),
            ..ok()
        });
        let telemetry = traces_to(&collector.url(), &[]);
        record(&tracer(&telemetry), "arrives");
        assert_eq!(telemetry.shutdown(), Ok(()), "{content_type}{body}");
    }
}

#[test]
fn an_answer_of_thousands_of_headers_is_read_and_the_batch_is_sent_once() {
    for (headers, arrives) in [(5000, true), (20_000, false)] {
        let collector = Collector::answering(move |_, _| Answer {
            headers: (0..headers).map(|n| format!("x-{n}: 1\r\n")).collect(),
            ..ok()
        });
        let telemetry = traces_to(&collector.url(), &[]);
        record(&tracer(&telemetry), "once");
        assert_eq!(telemetry.shutdown().is_ok(), arrives, "{headers} headers");
        assert_eq!(collector.received().len(), 1, "{headers} headers");
    }
}
