//! Spans to the bytes of an `ExportTraceServiceRequest`, with the field numbers of opentelemetry/proto/trace/v1.
//!
//! opentelemetry-proto and prost do the same through structs of owned strings, at several times the price; a test compares
//! the bytes.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::{
    InstrumentationScope,
    trace::{Event, Link, SpanId, SpanKind, Status},
};
use opentelemetry_proto::{
    tonic::{
        common::v1::InstrumentationScope as ScopeMessage,
        resource::v1::Resource,
        trace::v1::{SpanFlags, span, status::StatusCode},
    },
    transform::common::tonic::ResourceAttributesWithSchema,
};
use opentelemetry_sdk::trace::SpanData;
use prost::Message as _;

use crate::otlp::protobuf::Writer;

/// More than a span with ten attributes needs.
const SPAN_BYTES: usize = 512;

/// The request for these spans, with attribute values cut to so many characters.
pub(crate) fn encode(
    spans: &[SpanData],
    resource: &ResourceAttributesWithSchema,
    value_length: Option<usize>,
) -> Vec<u8> {
    let schema_url = resource.schema_url.as_deref().unwrap_or_default();
    let resource = Resource {
        attributes: resource.attributes.0.clone(),
        ..Resource::default()
    };
    let resource = resource.encode_to_vec();
    let capacity = resource.len() + spans.len() * SPAN_BYTES;
    let mut writer = Writer::with_capacity(capacity, value_length);
    writer.message(1, |writer| {
        writer.present_bytes(1, &resource);
        for (scope, spans) in by_scope(spans) {
            writer.message(2, |writer| {
                writer.present_bytes(1, &ScopeMessage::from((scope, None)).encode_to_vec());
                for span in spans {
                    writer.message(2, |writer| write_span(writer, span));
                }
                // Without one of its own a scope has that of the resource: both follow the same conventions.
                writer.bytes(3, scope.schema_url().unwrap_or(schema_url).as_bytes());
            });
        }
        writer.bytes(3, schema_url.as_bytes());
    });
    writer.finish()
}

/// An application has a handful of scopes, so looking through them costs less than hashing.
fn by_scope(spans: &[SpanData]) -> Vec<(&InstrumentationScope, Vec<&SpanData>)> {
    let mut scopes: Vec<(&InstrumentationScope, Vec<&SpanData>)> = Vec::new();
    for span in spans {
        let scope = &span.instrumentation_scope;
        match scopes.iter_mut().find(|(known, _)| *known == scope) {
            Some((_, spans)) => spans.push(span),
            None => scopes.push((scope, vec![span])),
        }
    }
    scopes
}

fn write_span(writer: &mut Writer, span: &SpanData) {
    let context = &span.span_context;
    writer.bytes(1, &context.trace_id().to_bytes());
    writer.bytes(2, &context.span_id().to_bytes());
    writer.bytes(3, context.trace_state().header().as_bytes());
    if span.parent_span_id != SpanId::INVALID {
        writer.bytes(4, &span.parent_span_id.to_bytes());
    }
    writer.bytes(5, span.name.as_bytes());
    writer.uint(6, kind(&span.span_kind));
    writer.fixed64(7, nanos(span.start_time));
    writer.fixed64(8, nanos(span.end_time));
    writer.attributes(9, &span.attributes);
    writer.uint(10, span.dropped_attributes_count.into());
    for event in span.events.iter() {
        writer.message(11, |writer| write_event(writer, event));
    }
    writer.uint(12, span.events.dropped_count.into());
    for link in span.links.iter() {
        writer.message(13, |writer| write_link(writer, link));
    }
    writer.uint(14, span.links.dropped_count.into());
    writer.message(15, |writer| write_status(writer, &span.status));
    let flags = context.trace_flags().to_u8();
    writer.fixed32(16, with_remote(flags, span.parent_span_is_remote));
}

fn write_event(writer: &mut Writer, event: &Event) {
    writer.fixed64(1, nanos(event.timestamp));
    writer.bytes(2, event.name.as_bytes());
    writer.attributes(3, &event.attributes);
    writer.uint(4, event.dropped_attributes_count.into());
}

fn write_link(writer: &mut Writer, link: &Link) {
    let context = &link.span_context;
    writer.bytes(1, &context.trace_id().to_bytes());
    writer.bytes(2, &context.span_id().to_bytes());
    writer.bytes(3, context.trace_state().header().as_bytes());
    writer.attributes(4, &link.attributes);
    writer.uint(5, link.dropped_attributes_count.into());
    let flags = context.trace_flags().to_u8();
    writer.fixed32(6, with_remote(flags, context.is_remote()));
}

fn write_status(writer: &mut Writer, status: &Status) {
    let code = match status {
        Status::Unset => StatusCode::Unset,
        Status::Ok => StatusCode::Ok,
        Status::Error { description } => {
            writer.bytes(2, description.as_bytes());
            StatusCode::Error
        }
    };
    writer.uint(3, number(code as i32));
}

fn kind(kind: &SpanKind) -> u64 {
    number(match kind {
        SpanKind::Internal => span::SpanKind::Internal,
        SpanKind::Server => span::SpanKind::Server,
        SpanKind::Client => span::SpanKind::Client,
        SpanKind::Producer => span::SpanKind::Producer,
        SpanKind::Consumer => span::SpanKind::Consumer,
    } as i32)
}

/// The number of an enumeration's value, none of which is negative.
fn number(value: i32) -> u64 {
    u64::from(value.unsigned_abs())
}

fn with_remote(flags: u8, remote: bool) -> u32 {
    let mut mask = SpanFlags::ContextHasIsRemoteMask as i32;
    if remote {
        mask |= SpanFlags::ContextIsRemoteMask as i32;
    }
    u32::from(flags) | mask.unsigned_abs()
}

fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
