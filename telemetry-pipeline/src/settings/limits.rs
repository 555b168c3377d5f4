//! Limits of attributes, events and links.

use telemetry_api::instrument::settings::{AnySetting, Setting};

use super::syntax::{count, limit};

pub(crate) static ATTRIBUTES: Setting<usize> = counts(
    "OTEL_ATTRIBUTE_COUNT_LIMIT",
    "of a span, event, link or log record whose own limit is unset; attributes beyond it are dropped and counted",
);

pub(crate) static VALUE_LENGTH: Setting<Option<usize>> = characters(
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "of a string attribute of a span or log record whose own limit is unset; the rest is cut off. Unset: no limit",
);

pub(crate) static SPAN_ATTRIBUTES: Setting<usize> =
    counts("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "of a span").under(&ATTRIBUTES);

pub(crate) static SPAN_VALUE_LENGTH: Setting<Option<usize>> = characters(
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "of a string attribute of a span, its events and links",
)
.under(&VALUE_LENGTH);

pub(crate) static SPAN_EVENTS: Setting<usize> =
    counts("OTEL_SPAN_EVENT_COUNT_LIMIT", "of a span").unit("events");

pub(crate) static SPAN_LINKS: Setting<usize> =
    counts("OTEL_SPAN_LINK_COUNT_LIMIT", "of a span").unit("links");

pub(crate) static EVENT_ATTRIBUTES: Setting<usize> =
    counts("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "of a span's event").under(&ATTRIBUTES);

pub(crate) static LINK_ATTRIBUTES: Setting<usize> =
    counts("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "of a span's link").under(&ATTRIBUTES);

pub(crate) static RECORD_ATTRIBUTES: Setting<usize> = counts(
    "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
    "of an exported log record",
)
.under(&ATTRIBUTES);

pub(crate) static RECORD_VALUE_LENGTH: Setting<Option<usize>> = characters(
    "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "of a string attribute of an exported log record",
)
.under(&VALUE_LENGTH);

pub(crate) static LIST: &[&dyn AnySetting] = &[
    &ATTRIBUTES,
    &VALUE_LENGTH,
    &SPAN_ATTRIBUTES,
    &SPAN_VALUE_LENGTH,
    &SPAN_EVENTS,
    &SPAN_LINKS,
    &EVENT_ATTRIBUTES,
    &LINK_ATTRIBUTES,
    &RECORD_ATTRIBUTES,
    &RECORD_VALUE_LENGTH,
];

const fn counts(name: &'static str, about: &'static str) -> Setting<usize> {
    Setting::new(name, "128", count, about).unit("attributes")
}

const fn characters(name: &'static str, about: &'static str) -> Setting<Option<usize>> {
    Setting::new(name, "", limit, about).unit("characters")
}
