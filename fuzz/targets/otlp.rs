//! The viewer's receiver: OTLP in JSON and protobuf is taken or refused, stays within the limits, and can be shown.

#![no_main]

use libfuzzer_sys::fuzz_target;
use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
    trace::v1::ExportTraceServiceRequest,
};
use prost::Message;
use telemetry_viewer::{Limits, LogFilter, Store, TraceFilter, TreeStyle, render_logs, render_red};

const LIMITS: Limits = Limits {
    max_spans: 8,
    max_logs: 4,
    max_series: 4,
    max_bytes: 64 * 1024,
};

fuzz_target!(|data: &[u8]| {
    let Some((first, body)) = data.split_first() else {
        return;
    };
    let store = Store::new(LIMITS);
    macro_rules! receive {
        ($request:ty, $add:ident) => {{
            let request = if first & 1 == 0 {
                serde_json::from_slice::<$request>(body).ok()
            } else {
                <$request>::decode(body).ok()
            };
            // Sent again, as an exporter does that heard no answer.
            if let Some(request) = request {
                store.$add(request.clone());
                store.$add(request);
            }
        }};
    }
    match (first >> 1) % 3 {
        0 => receive!(ExportTraceServiceRequest, add_traces),
        1 => receive!(ExportMetricsServiceRequest, add_metrics),
        _ => receive!(ExportLogsServiceRequest, add_logs),
    }
    let traces = store.traces(&TraceFilter::default());
    assert!(traces.iter().map(|trace| trace.spans.len()).sum::<usize>() <= LIMITS.max_spans);
    for trace in &traces {
        let tree = trace.render(&TreeStyle::plain().with_all_attributes());
        assert!(
            tree.lines().count() >= trace.spans.len(),
            "every span has a line:\n{tree}"
        );
    }
    let logs = store.logs(&LogFilter::default());
    assert!(logs.len() <= LIMITS.max_logs);
    render_logs(&logs);
    assert!(store.metrics().len() <= LIMITS.max_series);
    render_red(&store.red());
});
