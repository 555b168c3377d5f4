//! A recorded span, with what the API lets its users do to it until it ends.

use std::{borrow::Cow, time::SystemTime};

use opentelemetry::{
    KeyValue,
    trace::{Event, Link, Span, SpanContext, Status},
};
use opentelemetry_sdk::trace::{SpanData, SpanLimits};

use super::{
    processor::Processors,
    span_clock::SpanClock,
    unique::{keep_last, set, size, within},
};

/// A span of ours. Its record is allocated once and goes to the exporter as it is.
#[derive(Debug)]
pub(crate) struct RecordedSpan {
    pub(crate) context: SpanContext,
    /// Until it ends.
    pub(crate) record: Option<Box<SpanData>>,
    pub(crate) limits: SpanLimits,
    pub(crate) processors: Processors,
    pub(crate) clock: SpanClock,
}

impl Span for RecordedSpan {
    fn add_event_with_timestamp<T>(&mut self, name: T, time: SystemTime, attributes: Vec<KeyValue>)
    where
        T: Into<Cow<'static, str>>,
    {
        let Some(record) = &mut self.record else {
            return;
        };
        let time = self.clock.corrected(time);
        let events = &mut record.events;
        if events.events.len() < size(self.limits.max_events_per_span) {
            let (attributes, dropped) = within(attributes, self.limits.max_attributes_per_event);
            events
                .events
                .push(Event::new(name, time, attributes, dropped));
        } else {
            events.dropped_count = events.dropped_count.saturating_add(1);
        }
    }

    fn span_context(&self) -> &SpanContext {
        &self.context
    }

    fn is_recording(&self) -> bool {
        self.record.is_some()
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        let Some(record) = &mut self.record else {
            return;
        };
        if !set(
            &mut record.attributes,
            attribute,
            self.limits.max_attributes_per_span,
        ) {
            record.dropped_attributes_count = record.dropped_attributes_count.saturating_add(1);
        }
    }

    /// Ok outranks an error, and an error outranks none, as the specification says.
    fn set_status(&mut self, status: Status) {
        if let Some(record) = &mut self.record
            && status > record.status
        {
            record.status = status;
        }
    }

    fn update_name<T>(&mut self, name: T)
    where
        T: Into<Cow<'static, str>>,
    {
        if let Some(record) = &mut self.record {
            record.name = name.into();
        }
    }

    fn add_link(&mut self, context: SpanContext, attributes: Vec<KeyValue>) {
        let Some(record) = &mut self.record else {
            return;
        };
        let links = &mut record.links;
        if links.links.len() < size(self.limits.max_links_per_span) {
            let (attributes, dropped) = within(attributes, self.limits.max_attributes_per_link);
            links.links.push(Link::new(context, attributes, dropped));
        } else {
            links.dropped_count = links.dropped_count.saturating_add(1);
        }
    }

    fn end_with_timestamp(&mut self, time: SystemTime) {
        if let Some(mut record) = self.record.take() {
            record.end_time = self.clock.corrected(time);
            keep_last(&mut record.attributes);
            self.processors.ended(record);
        }
    }
}

/// A span that is dropped without an end has ended.
impl Drop for RecordedSpan {
    fn drop(&mut self) {
        if self.record.is_some() {
            self.end_with_timestamp(SystemTime::now());
        }
    }
}
