use super::*;

#[test]
fn google_cloud_finds_severity_time_trace_and_place() {
    let logging = Logging {
        format: LogFormat::Gcp,
        project: "shop-1",
        ..JSON
    };
    let lines = objects(logging, || {
        let _request = CorrelationId::parse("abc-123")
            .unwrap()
            .attach_to(&traced())
            .attach();
        tracing::warn!(n = 1, time = 2, severity = "mine", "slow");
        tracing::trace!("fine");
    });
    let line = &lines[0];
    let number = line!() - 4;
    assert!(humantime::parse_rfc3339(line["time"].as_str().unwrap()).is_ok());
    let place = &line["logging.googleapis.com/sourceLocation"];
    assert!(
        place["file"]
            .as_str()
            .unwrap()
            .ends_with("logs/tests/cloud_formats.rs")
    );
    assert_eq!(place["line"], number.to_string());
    let mut rest = line.as_object().unwrap().clone();
    rest.remove("time");
    rest.remove("logging.googleapis.com/sourceLocation");
    let trace = format!("projects/shop-1/traces/{:032x}", 0xabc);
    assert_eq!(
        Value::from(rest),
        json!({
            "severity": "WARNING",
            "message": "slow",
            "target": "telemetry_pipeline::logs::tests::cloud_formats",
            "logging.googleapis.com/labels": { "service.name": "shop" },
            "logging.googleapis.com/trace": trace,
            "logging.googleapis.com/spanId": "0000000000000def",
            "logging.googleapis.com/trace_sampled": true,
            "correlation_id": "abc-123",
            "n": 1,
            "field.time": 2,
            "field.severity": "mine",
        })
    );
    assert_eq!(lines[1]["severity"], "DEBUG");
}

#[test]
fn without_a_project_google_cloud_gets_the_bare_trace_id() {
    let logging = Logging {
        format: LogFormat::Gcp,
        ..JSON
    };
    let lines = objects(logging, || {
        let _request = traced().attach();
        tracing::info!("hello");
    });
    assert_eq!(lines[0]["trace_id"], format!("{:032x}", 0xabc));
    assert!(lines[0].get("logging.googleapis.com/trace").is_none());
}

#[test]
fn aws_gets_the_trace_id_as_x_ray_writes_it_too() {
    let trace = "5759e988bd862e3fe1be46a994272793";
    let logging = Logging {
        format: LogFormat::Aws,
        ..JSON
    };
    let lines = objects(logging, || {
        let span = SpanContext::new(
            TraceId::from_hex(trace).unwrap(),
            SpanId::from(0xdef),
            TraceFlags::SAMPLED,
            false,
            TraceState::default(),
        );
        let _request = Context::new().with_remote_span_context(span).attach();
        tracing::info!("hello");
    });
    let line = &lines[0];
    assert_eq!(line["xray_trace_id"], "1-5759e988-bd862e3fe1be46a994272793");
    assert_eq!(
        (&line["trace_id"], &line["level"]),
        (&trace.into(), &"INFO".into())
    );
    assert!(humantime::parse_rfc3339(line["timestamp"].as_str().unwrap()).is_ok());
}
