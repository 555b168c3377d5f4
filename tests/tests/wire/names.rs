//! Names for what differs from run to run: ids by first appearance, addresses by their owner.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};

use crate::{render::hex, scenario::Output, traces};

/// The names of one run.
pub(crate) struct Names {
    words: BTreeMap<String, String>,
    directory: String,
}

impl Names {
    /// Numbers the traces and spans as they stand in the trees.
    pub(crate) fn of(output: &Output) -> Self {
        let mut words = BTreeMap::new();
        for (n, trace) in traces::all(output).iter().enumerate() {
            let n = n + 1;
            words.insert(hex(trace.id()), format!("<trace {n}>"));
            for (m, span) in trace.spans_in_order().enumerate() {
                words.insert(hex(&span.span_id), format!("<span {n}.{}>", m + 1));
                let ports = span.attributes.iter().filter_map(port);
                words.extend(ports.map(|port| (port.to_string(), "<port>".to_owned())));
            }
        }
        // After the ports of clients: a service's port has a name.
        let collector = ("collector", output.collector);
        let services = output.services.iter().map(|it| (it.name, it.address));
        for (name, address) in services.chain([collector]) {
            words.insert(address.port().to_string(), format!("<port of {name}>"));
        }
        Self {
            words,
            directory: output.directory.clone(),
        }
    }

    /// The text with the names in place of ids and ports.
    pub(crate) fn apply(&self, text: &str) -> String {
        let text = text.replace(&self.directory, "<directory>");
        let mut named = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(first) = rest.chars().next() {
            let is_word = first.is_ascii_alphanumeric();
            let end = rest
                .find(|c: char| c.is_ascii_alphanumeric() != is_word)
                .unwrap_or(rest.len());
            let (part, after) = rest.split_at(end);
            named.push_str(self.words.get(part).map_or(part, String::as_str));
            rest = after;
        }
        named
    }
}

fn port(attribute: &KeyValue) -> Option<i64> {
    if !attribute.key.ends_with(".port") {
        return None;
    }
    match attribute.value.as_ref()?.value {
        Some(Value::IntValue(port)) => Some(port),
        _ => None,
    }
}
