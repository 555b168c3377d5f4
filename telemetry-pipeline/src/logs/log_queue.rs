//! The one log processor: it moves a record into the queue.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use opentelemetry::InstrumentationScope;
use opentelemetry_proto::{
    tonic::collector::logs::v1::ExportLogsServiceRequest,
    transform::{
        common::tonic::ResourceAttributesWithSchema, logs::tonic::group_logs_by_resource_and_scope,
    },
};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    logs::{LogBatch, LogProcessor, SdkLogRecord},
};

use super::log_size;
use crate::otlp::{
    batch::{self, Encode},
    flush::Flush,
    limits::AttributeLimits,
    queue::Queue,
    report::Reporter,
    signal::Signal,
    worker::Worker,
};
use crate::{
    error::BootstrapError,
    otlp::{Batching, endpoint::Endpoint},
};

type Record = (SdkLogRecord, InstrumentationScope);

#[derive(Debug)]
pub(crate) struct LogQueue {
    queue: Queue<Record>,
}

impl LogQueue {
    pub(crate) fn start(
        worker: &Worker,
        resource: &Resource,
        endpoint: Endpoint,
        batching: Batching,
        limits: AttributeLimits,
        reporter: &Arc<Reporter>,
    ) -> Result<(Self, Flush), BootstrapError> {
        let encode = EncodeLogs {
            resource: resource.into(),
            limits,
        };
        let (queue, flush) = batch::start(worker, encode, endpoint, batching, reporter.clone())?;
        Ok((Self { queue }, flush))
    }
}

impl LogProcessor for LogQueue {
    fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
        let size = log_size::log_record(record);
        let record = Box::new((record.clone(), scope.clone()));
        let now = record
            .0
            .observed_timestamp()
            .unwrap_or_else(SystemTime::now);
        self.queue.push(record, size, now);
    }

    // As for spans: the handle flushes all signals together.
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

struct EncodeLogs {
    resource: ResourceAttributesWithSchema,
    limits: AttributeLimits,
}

impl Encode for EncodeLogs {
    type Item = Record;
    type Request = ExportLogsServiceRequest;

    const SIGNAL: Signal = Signal::Logs;

    fn encode(&self, records: Vec<Record>) -> Self::Request {
        let borrowed: Vec<_> = records
            .iter()
            .map(|(record, scope)| (record, scope))
            .collect();
        let batch = LogBatch::new(&borrowed);
        let mut request = ExportLogsServiceRequest {
            resource_logs: group_logs_by_resource_and_scope(&batch, &self.resource),
        };
        self.limits.apply_to_logs(&mut request);
        request
    }
}
