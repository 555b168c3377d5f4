//! Metrics by push: the reader that pull and push share, and the loop that sends what it reads.

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use opentelemetry::trace::TraceId;
use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    metrics::v1::{Exemplar as ProtoExemplar, exemplar::Value, metric::Data},
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    metrics::{
        InstrumentKind, ManualReader, Pipeline, Temporality,
        data::{AggregatedMetrics, MetricData, ResourceMetrics},
        reader::MetricReader,
    },
};
use tokio::{
    select,
    sync::mpsc as commands,
    time::{MissedTickBehavior, interval},
};

use super::{
    report::Reporter,
    transport::{ExportError, Transport},
    worker::{Command, Flush, Worker},
};
use crate::{
    exemplar::{Exemplar, ExemplarStore},
    pipeline::{endpoint::Endpoint, error::BootstrapError},
};

/// One cumulative reader for push and pull, so that a measurement is aggregated once. Only a push that is not
/// cumulative has a reader of its own.
#[derive(Clone, Debug)]
pub(crate) struct SharedReader(Arc<ManualReader>);

impl SharedReader {
    pub(crate) fn new() -> Self {
        Self::with_temporality(Temporality::Cumulative)
    }

    pub(crate) fn with_temporality(temporality: Temporality) -> Self {
        let reader = ManualReader::builder().with_temporality(temporality);
        Self(Arc::new(reader.build()))
    }

    pub(crate) fn read(&self) -> Option<ResourceMetrics> {
        let mut metrics = ResourceMetrics::default();
        self.0.collect(&mut metrics).ok().map(|()| metrics)
    }
}

impl MetricReader for SharedReader {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.temporality(kind)
    }
}

/// The push loop.
pub(crate) struct MetricsExport {
    reader: SharedReader,
    exemplars: Arc<ExemplarStore>,
    transport: Transport,
    interval: Duration,
    reporter: Arc<Reporter>,
    losses: Arc<Losses>,
}

#[derive(Default)]
struct Losses {
    failed: AtomicU64,
    reason: Mutex<Option<String>>,
}

impl MetricsExport {
    pub(crate) fn start(
        worker: &Worker,
        reader: SharedReader,
        exemplars: Arc<ExemplarStore>,
        endpoint: Endpoint,
        interval: Duration,
        reporter: &Arc<Reporter>,
    ) -> Result<Flush, BootstrapError> {
        let transport = Transport::new(endpoint, worker)?;
        let losses = Arc::new(Losses::default());
        let (flush, commands) = Flush::new("metrics", {
            let losses = losses.clone();
            move || {
                let reason = losses
                    .reason
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone();
                (0, losses.failed.load(Ordering::Relaxed), reason)
            }
        });
        let export = Self {
            reader,
            exemplars,
            transport,
            interval,
            reporter: reporter.clone(),
            losses,
        };
        worker.spawn(export.run(commands));
        Ok(flush)
    }

    async fn run(self, mut commands: commands::UnboundedReceiver<Command>) {
        let mut ticks = interval(self.interval.max(Duration::from_millis(10)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick is immediate, and there is nothing to send yet.
        ticks.tick().await;
        loop {
            let command = select! {
                command = commands.recv() => command,
                _ = ticks.tick() => Some(Command::Continue),
            };
            match command {
                Some(Command::Continue) => self.export().await,
                Some(Command::Flush(done)) => {
                    self.export().await;
                    let _ = done.send(());
                }
                Some(Command::Shutdown(done)) => {
                    self.export().await;
                    let _ = done.send(());
                    return;
                }
                None => return,
            }
        }
    }

    async fn export(&self) {
        let Some(metrics) = self.reader.read() else {
            return;
        };
        let mut request = ExportMetricsServiceRequest::from(&metrics);
        join_exemplars(&metrics, &mut request, &self.exemplars);
        drop(metrics);
        let points = request
            .resource_metrics
            .iter()
            .flat_map(|r| &r.scope_metrics)
            .flat_map(|s| &s.metrics)
            .count();
        if points == 0 {
            return;
        }
        let result = self.transport.send(request).await;
        self.account(points as u64, result);
    }

    /// Cumulative metrics that are sent later make up for those that were not: only the last export counts.
    fn account(&self, metrics: u64, result: Result<u64, ExportError>) {
        let (failed, reason) = match result {
            Ok(0) => {
                self.reporter.succeeded(self.transport.origin());
                (0, None)
            }
            Ok(rejected) => (
                rejected,
                Some(format!("the collector rejected {rejected} data points")),
            ),
            Err(error) => (metrics, Some(error.to_string())),
        };
        if let Some(reason) = &reason {
            self.reporter.failed(self.transport.origin(), reason);
        }
        self.losses.failed.store(failed, Ordering::Relaxed);
        *self
            .losses
            .reason
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = reason;
    }
}

/// Puts the exemplars, which the SDK does not keep, into the request that was made from the same data.
fn join_exemplars(
    metrics: &ResourceMetrics,
    request: &mut ExportMetricsServiceRequest,
    store: &ExemplarStore,
) {
    let scopes = request
        .resource_metrics
        .iter_mut()
        .flat_map(|resource| &mut resource.scope_metrics);
    for (scope, proto) in metrics.scope_metrics().zip(scopes) {
        for (metric, proto) in scope.metrics().zip(&mut proto.metrics) {
            let AggregatedMetrics::F64(data) = metric.data() else {
                continue;
            };
            match (data, &mut proto.data) {
                (MetricData::Histogram(histogram), Some(Data::Histogram(proto))) => {
                    for (point, proto) in histogram.data_points().zip(&mut proto.data_points) {
                        let exemplars = store.find(metric.name(), point.attributes());
                        proto.exemplars = exemplars.into_iter().flatten().map(to_proto).collect();
                    }
                }
                (
                    MetricData::ExponentialHistogram(histogram),
                    Some(Data::ExponentialHistogram(proto)),
                ) => {
                    for (point, proto) in histogram.data_points().zip(&mut proto.data_points) {
                        let exemplars = store.find(metric.name(), point.attributes());
                        proto.exemplars = exemplars.into_iter().flatten().map(to_proto).collect();
                    }
                }
                _ => {}
            }
        }
    }
}

fn to_proto(exemplar: Exemplar) -> ProtoExemplar {
    // Without a span the ids are absent, which on the wire is empty.
    let in_span = exemplar.trace_id != TraceId::INVALID;
    let id = |bytes: &[u8]| if in_span { bytes.to_vec() } else { Vec::new() };
    ProtoExemplar {
        filtered_attributes: Vec::new(),
        time_unix_nano: nanos(exemplar.time),
        span_id: id(&exemplar.span_id.to_bytes()),
        trace_id: id(&exemplar.trace_id.to_bytes()),
        value: Some(Value::AsDouble(exemplar.value)),
    }
}

fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
