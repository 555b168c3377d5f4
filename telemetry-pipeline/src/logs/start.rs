//! The start of logs: queue, formatter, filters.

use std::sync::{Arc, OnceLock};

use opentelemetry::logs::LoggerProvider as _;
use opentelemetry_sdk::{Resource, logs::SdkLoggerProvider};

use super::{
    FilterChoices, FilterHandle, Form, LogOutput, business_prefix, log_queue::LogQueue,
    settings::LogsSettings,
};
use crate::{common::Common, error::BootstrapError, otlp::Flush, resource::attribute_text};

/// Running logs.
pub(crate) struct LogPipeline {
    pub(crate) output: Arc<LogOutput>,
    pub(crate) filters: FilterHandle,
    pub(crate) flush: Option<Flush>,
}

pub(crate) fn start(
    settings: LogsSettings,
    common: &Common,
) -> Result<LogPipeline, BootstrapError> {
    let (mut logger, mut flush) = (None, None);
    if let (Some(worker), Some(endpoint)) = (&common.worker, settings.export) {
        let (queue, of_queue) = LogQueue::start(
            worker,
            &common.resource,
            endpoint,
            settings.batching,
            settings.attributes,
            &common.reporter,
        )?;
        let provider = SdkLoggerProvider::builder()
            .with_resource(common.resource.clone())
            .with_log_processor(queue);
        logger = Some(provider.build().logger("telemetry-core"));
        flush = Some(of_queue);
    }
    let form = Form::new(
        settings.format,
        &attribute_text(&common.resource, "service.name"),
        &google_project(&common.resource, settings.google_project),
    );
    let output = Arc::new(LogOutput {
        form,
        sink: common.sink.clone(),
        otlp: logger,
        span_fields: settings.span_fields,
        prefix: business_prefix(&attribute_text(&common.resource, "service.namespace")),
        dispatch: OnceLock::new(),
    });
    let filters = FilterHandle::new(FilterChoices {
        logs: &settings.filter,
        spans: &settings.span_filter,
        own_level: settings.own_level,
        span_fields: settings.span_fields,
        transport_logs: true,
    });
    Ok(LogPipeline {
        output,
        filters,
        flush,
    })
}

/// The project that traces are stored in.
fn google_project(resource: &Resource, setting: String) -> String {
    if attribute_text(resource, "cloud.provider") == "gcp" {
        let project = attribute_text(resource, "cloud.account.id");
        if !project.is_empty() {
            return project;
        }
    }
    setting
}
