//! Log records and log lines as text, for each service in the order in which they were written.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::logs::v1::{LogRecord, SeverityNumber};

use crate::{
    render::{self, attributes, hex},
    scenario::Output,
    traces::service,
};

pub(crate) fn render(output: &Output) -> String {
    let mut services = BTreeMap::<String, (String, Vec<(u64, String)>)>::new();
    let requests = output.received.logs.iter();
    for logs in requests.flat_map(|request| &request.resource_logs) {
        let resource = render::resource(logs.resource.as_ref(), &logs.schema_url);
        let service = services.entry(service(logs.resource.as_ref()));
        let (_, records) = service.or_insert_with(|| (resource, Vec::new()));
        for of_scope in &logs.scope_logs {
            let scope = render::scope(of_scope.scope.as_ref(), &of_scope.schema_url);
            let of_scope = of_scope.log_records.iter();
            records.extend(of_scope.map(|it| (it.time_unix_nano, record(it, &scope))));
        }
    }
    let mut text = String::new();
    for (service, (resource, mut records)) in services {
        // Stable: records of one moment stay in the order in which they came.
        records.sort_by_key(|(time, _)| *time);
        let records: String = records.into_iter().map(|(_, text)| text).collect();
        text.push_str(&format!("# {service}\n\n{resource}\n{records}"));
    }
    text
}

fn record(record: &LogRecord, scope: &str) -> String {
    let severity = SeverityNumber::try_from(record.severity_number);
    let severity = severity.map_or("unknown severity", |it| it.as_str_name());
    let id = |id: &[u8]| {
        if id.is_empty() {
            "none".to_owned()
        } else {
            hex(id)
        }
    };
    let time = |time: u64| if time == 0 { "none" } else { "set" };
    format!(
        "{}\n  {severity}, {:?}, event name {:?}\n  scope {scope}\n  trace {}, span {}, flags {:#x}\n  \
         time {}, observed time {}, {} dropped\n{}\n",
        render::any(record.body.as_ref()),
        record.severity_text,
        record.event_name,
        id(&record.trace_id),
        id(&record.span_id),
        record.flags,
        time(record.time_unix_nano),
        time(record.observed_time_unix_nano),
        record.dropped_attributes_count,
        attributes(&record.attributes, "  - ")
    )
}

/// A line of standard output without its time and its floating-point numbers.
pub(crate) fn line(line: &str) -> String {
    let begin = r#""timestamp":""#;
    let line = match line.split_once(begin) {
        None => line.to_owned(),
        Some((before, after)) => {
            let (_, after) = after.split_once('"').unwrap_or_default();
            format!("{before}{begin}<time>\"{after}")
        }
    };
    let mut text = String::with_capacity(line.len());
    // Every second part stands between quotes: no string of these services has an escaped one.
    for (n, part) in line.split('"').enumerate() {
        if n > 0 {
            text.push('"');
        }
        let number = part
            .strip_prefix(':')
            .map(|it| it.trim_end_matches([',', '}']));
        match number {
            Some(number) if n % 2 == 0 && number.contains('.') && number.parse::<f64>().is_ok() => {
                text.push_str(&part.replace(number, "<double>"));
            }
            _ => text.push_str(part),
        }
    }
    text
}
