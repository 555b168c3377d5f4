use opentelemetry::Context;

use telemetry_api::business_metrics::*;
use telemetry_pipeline::testing::TestTelemetry;

static ORDERS: Counter = counter("retail.orders")
    .unit("{order}")
    .description("Orders.");
static VALUE: Histogram = histogram("retail.order.value")
    .unit("{cent}")
    .bounds(&[1000.0, 5000.0]);
static STOCK: Gauge = gauge("retail.stock").unit("{item}");
static CARTS: UpDownCounter = up_down_counter("retail.carts").unit("{cart}");

#[test]
fn each_pipeline_has_its_own_series_of_a_static() {
    ORDERS.add(7, ());
    for _ in 0..2 {
        let telemetry = TestTelemetry::new();
        let _default = telemetry.providers().set_default();
        ORDERS.add(1, ("retail.outcome", "ok"));
        ORDERS.add(2, [("retail.outcome", &"ok".to_owned())]);
        ORDERS.add(1, (("retail.outcome", "ok"), ("retail.express", true)));
        ORDERS.add(1, (("retail.lines", 3_u32), ("retail.express", true)));
        VALUE.record(3998, ());
        STOCK.set(25, ("retail.sku", "SKU-2"));
        STOCK.set(23.5, ("retail.sku", "SKU-2"));
        CARTS.add(3, ());
        CARTS.add(-1, ());
        assert_eq!(
            telemetry.metrics(),
            r#"retail_carts 2
retail_order_value_bucket{le="+Inf"} 1
retail_order_value_bucket{le="1000.0"} 0
retail_order_value_bucket{le="5000.0"} 1
retail_order_value_count 1
retail_order_value_sum 3998
retail_orders_total{retail_express="true",retail_lines="3"} 1
retail_orders_total{retail_express="true",retail_outcome="ok"} 1
retail_orders_total{retail_outcome="ok"} 3
retail_stock{retail_sku="SKU-2"} 23.5"#
        );
    }
}

#[test]
fn an_instrument_has_a_bounded_number_of_series() {
    static FEW: Counter = counter("retail.few").max_series(2);
    let telemetry = TestTelemetry::new();
    let _default = telemetry.providers().set_default();
    for i in 0..100_i64 {
        FEW.add(1, ("retail.customer", i));
    }
    assert_eq!(
        telemetry.metrics(),
        r#"retail_few_total{otel_metric_overflow="true"} 98
retail_few_total{retail_customer="0"} 1
retail_few_total{retail_customer="1"} 1"#
    );
}

#[test]
fn a_measurement_in_a_sampled_span_is_an_exemplar() {
    use opentelemetry::{
        InstrumentationScope,
        trace::{SpanKind, TraceContextExt as _},
    };

    let telemetry = TestTelemetry::new();
    let _default = telemetry.providers().set_default();
    let tracer = telemetry
        .providers()
        .tracer(InstrumentationScope::builder("t").build());
    let cx = tracer.start(&Context::new(), "GET /", SpanKind::Server, Vec::new);
    let trace = cx.span().span_context().trace_id().to_string();
    let attached = cx.attach();
    VALUE.record(3998, ());
    drop(attached);
    let text = telemetry
        .providers()
        .scrape(telemetry_api::instrument::scrape::ScrapeFormat::OpenMetrics)
        .unwrap();
    let bucket = text
        .lines()
        .find(|line| line.starts_with("retail_order_value_bucket") && line.contains(r#"le="5000"#))
        .unwrap();
    assert!(bucket.contains(&trace), "{bucket}");
}
