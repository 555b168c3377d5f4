//! A pool on a database in memory, and the spans and metrics that it recorded.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use opentelemetry::{
    Context, Value,
    trace::{
        SpanContext, SpanId, SpanKind, TraceContextExt, TraceFlags, TraceId, TraceState,
        Tracer as _, TracerProvider as _,
    },
};
use opentelemetry_sdk::{
    metrics::{
        InMemoryMetricExporter, SdkMeterProvider,
        data::{AggregatedMetrics, HistogramDataPoint, MetricData},
    },
    trace::{InMemorySpanExporter, SdkTracerProvider, SpanData},
};
use sqlx::{ConnectOptions, sqlite::SqlitePoolOptions};
use telemetry_api::instrument::Providers;
use telemetry_sqlx::SqlitePool;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::{self, Layer, SubscriberExt};

pub(crate) struct Recorded {
    spans: InMemorySpanExporter,
    tracers: SdkTracerProvider,
    metrics: InMemoryMetricExporter,
    meters: SdkMeterProvider,
    pub(crate) providers: Providers,
}

impl Recorded {
    pub(crate) fn new() -> Self {
        let spans = InMemorySpanExporter::default();
        let tracers = SdkTracerProvider::builder()
            .with_simple_exporter(spans.clone())
            .build();
        let metrics = InMemoryMetricExporter::default();
        let meters = SdkMeterProvider::builder()
            .with_periodic_exporter(metrics.clone())
            .build();
        let providers = Providers::builder(tracers.clone(), Arc::new(meters.clone())).build();
        Self {
            spans,
            tracers,
            metrics,
            meters,
            providers,
        }
    }

    /// A pool of one connection with three rows in `orders`.
    pub(crate) async fn pool(&self) -> SqlitePool {
        unrecorded_pool()
            .await
            .with_providers(self.providers.clone())
    }

    /// The context of a request.
    pub(crate) fn request(&self) -> Context {
        Context::new().with_span(self.tracers.tracer("test").start("GET /orders"))
    }

    /// The context that an unsampled caller sends.
    pub(crate) fn unsampled_request() -> Context {
        let (trace, span) = (TraceId::from(1), SpanId::from(1));
        let flags = TraceFlags::NOT_SAMPLED;
        let span = SpanContext::new(trace, span, flags, true, TraceState::NONE);
        Context::new().with_remote_span_context(span)
    }

    /// The client spans, in the order of their ends.
    pub(crate) fn statements(&self) -> Vec<SpanData> {
        self.all()
            .into_iter()
            .filter(|span| span.span_kind == SpanKind::Client)
            .collect()
    }

    /// The only client span.
    #[track_caller]
    pub(crate) fn statement(&self) -> SpanData {
        let mut spans = self.statements();
        assert_eq!(spans.len(), 1, "{:?}", names(&spans));
        spans.remove(0)
    }

    pub(crate) fn all(&self) -> Vec<SpanData> {
        self.spans.get_finished_spans().unwrap()
    }

    /// The series of the duration: attributes, number of measurements, bounds.
    pub(crate) fn durations(&self) -> Vec<Series> {
        self.times("db.client.operation.duration")
    }

    /// The number of measurements of a connection: `wait_time`, `use_time`.
    pub(crate) fn count(&self, name: &str) -> u64 {
        let times = self.times(&format!("db.client.connection.{name}"));
        times.iter().map(|(_, count, _)| count).sum()
    }

    fn times(&self, name: &str) -> Vec<Series> {
        self.meters.force_flush().unwrap();
        let exported = self.metrics.get_finished_metrics().unwrap();
        let Some(last) = exported.last() else {
            return Vec::new();
        };
        let metrics = last.scope_metrics().flat_map(|scope| scope.metrics());
        let mut found = Vec::new();
        for metric in metrics.filter(|metric| metric.name() == name) {
            assert_eq!(metric.unit(), "s");
            let AggregatedMetrics::F64(MetricData::Histogram(histogram)) = metric.data() else {
                panic!("{metric:?}")
            };
            found.extend(histogram.data_points().map(series));
        }
        found.sort_by(|one, other| one.0.cmp(&other.0));
        found
    }
}

type Series = (BTreeMap<String, String>, u64, Vec<f64>);

fn series(point: &HistogramDataPoint<f64>) -> Series {
    let attributes = point
        .attributes()
        .map(|kv| (kv.key.to_string(), kv.value.to_string()))
        .collect();
    (attributes, point.count(), point.bounds().collect())
}

/// The same pool without providers.
pub(crate) async fn unrecorded_pool() -> SqlitePool {
    let options: sqlx::sqlite::SqliteConnectOptions = "sqlite::memory:".parse().unwrap();
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_millis(500))
        .connect_with(options.disable_statement_logging())
        .await
        .unwrap();
    let setup = "CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT NOT NULL UNIQUE, number INTEGER NOT NULL);
        INSERT INTO orders VALUES (1, 'lamp', 10), (2, 'desk', 20), (3, 'sofa', -9223372036854775808);";
    sqlx::raw_sql(setup).execute(&pool).await.unwrap();
    idle(&pool).await;
    SqlitePool::from(pool)
}

/// Waits until the connection is returned, which another task does.
pub(crate) async fn idle(pool: &sqlx::SqlitePool) {
    while pool.num_idle() == 0 {
        tokio::task::yield_now().await;
    }
}

/// A statement that runs longer than one poll.
pub(crate) const SLOW: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000000) SELECT count(*) FROM n";

pub(crate) fn names(spans: &[SpanData]) -> Vec<&str> {
    spans.iter().map(|span| &*span.name).collect()
}

pub(crate) fn attributes(span: &SpanData) -> BTreeMap<&str, Value> {
    let all: BTreeMap<_, _> = span
        .attributes
        .iter()
        .map(|kv| (kv.key.as_str(), kv.value.clone()))
        .collect();
    assert_eq!(
        all.len(),
        span.attributes.len(),
        "an attribute twice: {:?}",
        span.attributes
    );
    all
}

pub(crate) fn attribute(span: &SpanData, key: &str) -> Option<Value> {
    attributes(span).get(key).cloned()
}

/// The spans of the contexts in which slow calls are logged.
#[derive(Clone, Default)]
pub(crate) struct SlowLogs(Arc<Mutex<Vec<SpanContext>>>);

impl SlowLogs {
    /// Collects from this thread until the guard is dropped.
    pub(crate) fn install(&self) -> DefaultGuard {
        tracing::subscriber::set_default(tracing_subscriber::registry().with(self.clone()))
    }

    pub(crate) fn spans(&self) -> Vec<SpanContext> {
        self.0.lock().unwrap().clone()
    }
}

impl<S: tracing::Subscriber> Layer<S> for SlowLogs {
    fn on_event(&self, event: &tracing::Event<'_>, _: layer::Context<'_, S>) {
        if event.metadata().target() == "telemetry_sqlx::slow_query" {
            let span = Context::current().span().span_context().clone();
            self.0.lock().unwrap().push(span);
        }
    }
}
