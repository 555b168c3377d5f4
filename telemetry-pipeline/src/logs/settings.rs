//! The decided configuration of logs.

use super::LogFormat;
use crate::{
    error::BootstrapError,
    otlp::{
        AttributeLimits,
        batching::Batching,
        endpoint::Endpoint,
        settings::{batching, endpoint},
        signal::Signal,
    },
    settings::{Settings, batches, exporters, limits, logs},
};

#[derive(Debug)]
pub(crate) struct LogsSettings {
    pub(crate) export: Option<Endpoint>,
    pub(crate) batching: Batching,
    pub(crate) attributes: AttributeLimits,
    pub(crate) filter: String,
    pub(crate) span_filter: String,
    pub(crate) own_level: Option<&'static str>,
    pub(crate) format: LogFormat,
    pub(crate) span_fields: bool,
    pub(crate) panics: bool,
    /// The project of Google Cloud, if the resource has none.
    pub(crate) google_project: String,
}

impl LogsSettings {
    /// `format` and `queue_bytes` are those of the code.
    pub(crate) fn read(
        disabled: bool,
        format: Option<LogFormat>,
        queue_bytes: Option<usize>,
        settings: &mut Settings,
    ) -> Result<Self, BootstrapError> {
        let export = if settings.get(&exporters::LOGS).otlp && !disabled {
            let bound = settings.get(&batches::RECORDS.export_timeout);
            Some(endpoint(Signal::Logs, bound, settings)?)
        } else {
            None
        };
        if let Some(format) = format {
            settings.set_in_code(&logs::FORMAT, format.name());
        }
        Ok(Self {
            export,
            batching: batching(&batches::RECORDS, queue_bytes, settings),
            attributes: AttributeLimits {
                count: Some(settings.get(&limits::RECORD_ATTRIBUTES)),
                value_length: settings.get(&limits::RECORD_VALUE_LENGTH),
            },
            filter: settings.get(&logs::FILTER),
            span_filter: settings.get(&logs::SPAN_FILTER),
            own_level: settings.get(&logs::OWN_LEVEL),
            format: format
                .or_else(|| settings.get(&logs::FORMAT))
                .unwrap_or_default(),
            span_fields: settings.get(&logs::SPAN_FIELDS),
            panics: settings.get(&logs::PANICS),
            google_project: settings.get(&logs::GOOGLE_PROJECT),
        })
    }
}
