//! Figures by route are what really happened.

use opentelemetry_proto::tonic::metrics::v1::HistogramDataPoint;

use super::*;

const SECOND: u64 = 1_000_000_000;

fn run(
    instance: &str,
    start: u64,
    end: u64,
    point: HistogramDataPoint,
) -> ExportMetricsServiceRequest {
    let mut request = metrics();
    let resource = request.resource_metrics[0].resource.as_mut().unwrap();
    resource
        .attributes
        .push(text("service.instance.id", instance));
    let metric = &mut request.resource_metrics[0].scope_metrics[0].metrics[0];
    let Some(Data::Histogram(histogram)) = &mut metric.data else {
        unreachable!("the request has one histogram");
    };
    histogram.data_points[0] = HistogramDataPoint {
        attributes: histogram.data_points[0].attributes.clone(),
        start_time_unix_nano: start,
        time_unix_nano: end,
        ..point
    };
    request
}

fn requests(count: u64) -> HistogramDataPoint {
    HistogramDataPoint {
        count,
        bucket_counts: vec![count, 0],
        explicit_bounds: vec![0.005],
        ..HistogramDataPoint::default()
    }
}

#[tokio::test]
async fn two_runs_an_hour_apart_have_the_rate_of_each() {
    let viewer = viewer().await;
    let store = viewer.store();
    store.add_metrics(run("a", SECOND, 61 * SECOND, requests(600)));
    store.add_metrics(run("b", 3601 * SECOND, 3661 * SECOND, requests(600)));
    let rows = store.red();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].requests, 1200);
    assert_eq!(rows[0].rate, Some(10.0));
}

#[tokio::test]
async fn percentiles_come_from_spans_where_all_are_there() {
    let viewer = viewer().await;
    let store = viewer.store();
    store.add_metrics(run("a", SECOND, 61 * SECOND, requests(10)));
    let request = |id: u8| Span {
        trace_id: vec![id; 16],
        end_time_unix_nano: 1_700_000_000_000_620_000 + u64::from(id),
        attributes: vec![
            text("http.request.method", "POST"),
            text("http.route", "/checkout"),
        ],
        ..span(id, 0, "POST /checkout")
    };
    store.add_traces(traces((1..=9).map(request).collect()));
    let row = store.red().remove(0);
    assert_eq!(row.percentiles.as_str(), "buckets");
    assert_eq!(row.p50, Some(0.0025));

    store.add_traces(traces(vec![request(10)]));
    let row = store.red().remove(0);
    assert_eq!(row.percentiles.as_str(), "spans");
    assert_eq!(row.p50, Some(0.00062));
    assert_eq!(row.requests, 10);
}
