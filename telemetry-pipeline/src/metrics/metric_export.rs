//! Metrics by push: the loop that reads and sends them.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use opentelemetry::{Context, trace::TraceId};
use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    metrics::v1::{Exemplar as ProtoExemplar, exemplar::Value, metric::Data},
};
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ResourceMetrics};
use tokio::{
    select,
    sync::mpsc as commands,
    time::{MissedTickBehavior, interval},
};

use crate::error::BootstrapError;
use crate::metrics::metric_reader::SharedReader;
use crate::otlp::{
    Losses, Monitor, Reporter, Signal, Worker,
    answer::ExportError,
    deadline::Deadline,
    endpoint::Endpoint,
    flush::{Command, Flush},
    sender::Sender,
    transport::Transport,
};
use telemetry_api::instrument::exemplar::{Exemplar, ExemplarStore, StreamExemplars};

/// The push loop.
pub(crate) struct MetricsExport {
    reader: SharedReader,
    exemplars: Arc<ExemplarStore>,
    interval: Duration,
    deadline: Deadline,
    sender: Sender,
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
        let losses = Arc::new(Losses::new(Signal::Metrics.items()));
        let monitor = Arc::new(Monitor::new(
            Signal::Metrics,
            &endpoint,
            losses.clone(),
            None,
        ));
        let (flush, commands, deadline) = Flush::new(losses.clone(), Some(monitor.clone()));
        let export = Self {
            reader,
            exemplars,
            interval,
            deadline,
            sender: Sender {
                transport: Transport::new(endpoint, Signal::Metrics, worker)?,
                reporter: reporter.clone(),
                losses,
                monitor,
            },
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
                _ = ticks.tick() => {
                    self.export().await;
                    continue;
                }
            };
            match command {
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
        let (reader, exemplars) = (self.reader.clone(), self.exemplars.clone());
        // Reading calls back into the application. On a thread of its own it cannot hold up the other signals.
        let read = tokio::task::spawn_blocking(move || {
            let _suppressed = Context::enter_telemetry_suppressed_scope();
            read(&reader, &exemplars)
        });
        let request = select! {
            request = read => request,
            () = self.deadline.expired() => {
                // How many points there are is not known.
                self.sender.start(1);
                self.sender.out_of_time(1);
                let why = "an observable metric did not end in time";
                return self.sender.losses.explain(why.to_owned());
            }
        };
        let arrived = match request {
            Ok(Ok(None)) => return,
            Ok(Ok(Some((request, points)))) => {
                self.sender.export(request, points, &self.deadline).await
            }
            Ok(Err(reason)) => self.unread(&reason),
            Err(error) => self.unread(&error.to_string()),
        };
        if arrived && self.reader.is_cumulative() {
            // Those that are sent later make up for those that were not.
            self.sender.losses.forgive();
        }
    }

    /// Counts metrics that could not be read as lost. Returns whether they arrived, which they did not.
    fn unread(&self, reason: &str) -> bool {
        let failed = ExportError::panicked(format!("reading the metrics failed: {reason}"));
        self.sender.account(1, self.sender.start(1), Err(failed))
    }
}

/// The request with all metrics, and how many points it has; `None` if there are none.
///
/// # Errors
///
/// When the metrics cannot be read.
fn read(
    reader: &SharedReader,
    exemplars: &ExemplarStore,
) -> Result<Option<(ExportMetricsServiceRequest, u64)>, String> {
    let metrics = reader.read("periodic_metric_reader")?;
    let mut request = ExportMetricsServiceRequest::from(&metrics);
    join_exemplars(&metrics, &mut request, exemplars);
    let points = points(&request);
    Ok((points > 0).then_some((request, points)))
}

fn points(request: &ExportMetricsServiceRequest) -> u64 {
    let scopes = request
        .resource_metrics
        .iter()
        .flat_map(|resource| &resource.scope_metrics);
    let metrics = scopes.flat_map(|scope| &scope.metrics);
    let points = metrics.map(|metric| match &metric.data {
        Some(Data::Gauge(data)) => data.data_points.len(),
        Some(Data::Sum(data)) => data.data_points.len(),
        Some(Data::Histogram(data)) => data.data_points.len(),
        Some(Data::ExponentialHistogram(data)) => data.data_points.len(),
        Some(Data::Summary(data)) => data.data_points.len(),
        None => 0,
    });
    points.sum::<usize>() as u64
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
            let exemplars = store.of_stream(metric.name());
            let Some(proto) = &mut proto.data else {
                continue;
            };
            match metric.data() {
                AggregatedMetrics::F64(data) => {
                    join_points(data, proto, &exemplars, Value::AsDouble)
                }
                // The value of an exemplar has its instrument's type.
                AggregatedMetrics::U64(data) => join_points(data, proto, &exemplars, as_int),
                AggregatedMetrics::I64(data) => join_points(data, proto, &exemplars, as_int),
            }
        }
    }
}

fn as_int(value: f64) -> Value {
    Value::AsInt(value as i64)
}

fn join_points<T>(
    data: &MetricData<T>,
    proto: &mut Data,
    exemplars: &StreamExemplars<'_>,
    value: fn(f64) -> Value,
) {
    let joined = |exemplars: Vec<Exemplar>| -> Vec<_> {
        let exemplars = exemplars.into_iter();
        exemplars.map(|one| to_proto(one, value)).collect()
    };
    match (data, proto) {
        (MetricData::Sum(sum), Data::Sum(proto)) => {
            for (point, proto) in sum.data_points().zip(&mut proto.data_points) {
                proto.exemplars = joined(exemplars.of_series(point.attributes()));
            }
        }
        (MetricData::Histogram(histogram), Data::Histogram(proto)) => {
            for (point, proto) in histogram.data_points().zip(&mut proto.data_points) {
                proto.exemplars = joined(exemplars.of_series(point.attributes()));
            }
        }
        (MetricData::ExponentialHistogram(histogram), Data::ExponentialHistogram(proto)) => {
            for (point, proto) in histogram.data_points().zip(&mut proto.data_points) {
                proto.exemplars = joined(exemplars.of_series(point.attributes()));
            }
        }
        _ => {}
    }
}

fn to_proto(exemplar: Exemplar, value: fn(f64) -> Value) -> ProtoExemplar {
    // Without a span the ids are absent, which on the wire is empty.
    let in_span = exemplar.trace_id != TraceId::INVALID;
    let id = |bytes: &[u8]| if in_span { bytes.to_vec() } else { Vec::new() };
    ProtoExemplar {
        filtered_attributes: Vec::new(),
        time_unix_nano: nanos(exemplar.time),
        span_id: id(&exemplar.span_id.to_bytes()),
        trace_id: id(&exemplar.trace_id.to_bytes()),
        value: Some(value(exemplar.value)),
    }
}

fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
