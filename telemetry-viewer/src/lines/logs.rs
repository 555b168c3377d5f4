use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::common::{attributes, grouped, nanos, value};
use crate::model::LogRecord;

pub(super) fn request(records: &[Arc<LogRecord>]) -> Json {
    let groups = grouped(
        records,
        |a, b| a.resource == b.resource,
        |a, b| a.scope == b.scope,
    );
    let resources = groups.into_iter().map(|(of_one, scopes)| {
        let scopes: Vec<Json> = scopes
            .into_iter()
            .map(|records| {
                let scope = records.first().map_or("", |record| &record.scope);
                let records: Vec<Json> = records.iter().map(|it| record(it)).collect();
                json!({ "scope": { "name": scope }, "logRecords": records })
            })
            .collect();
        let resource = of_one.first().map(|record| attributes(&record.resource));
        json!({ "resource": { "attributes": resource }, "scopeLogs": scopes })
    });
    json!({ "resourceLogs": resources.collect::<Vec<Json>>() })
}

fn record(record: &LogRecord) -> Json {
    json!({
        "timeUnixNano": nanos(record.time_unix_nanos),
        "severityNumber": record.severity_number,
        "severityText": record.severity,
        "eventName": record.event_name,
        "body": record.body.as_ref().map(value),
        "attributes": attributes(&record.attributes),
        "traceId": record.trace_id.map_or_else(String::new, |id| id.to_string()),
        "spanId": record.span_id.map_or_else(String::new, |id| id.to_string()),
    })
}
