//! The fields of `tracing` spans, formatted once and kept with the span.

use std::fmt;

use tracing::{
    Metadata,
    field::{Field, Visit},
};

/// The most fields of spans on a line; those of outer spans are left out first.
const MAX_FIELDS: usize = 32;

/// The most bytes of one value: it is repeated on every line.
const MAX_VALUE: usize = 1024;

/// Formats the fields of a span in the format of the lines.
pub(crate) trait FormatFields {
    /// Hands `record` a visitor that appends the fields to `text`, each with at most `max_value` bytes.
    fn format_fields(
        &self,
        text: &mut String,
        metadata: &'static Metadata<'static>,
        max_value: usize,
        record: &mut dyn FnMut(&mut dyn Visit),
    );
}

/// The fields of the spans around an event, the innermost span first.
pub(crate) trait SurroundingSpans {
    fn each(&self, visit: &mut dyn FnMut(&SpanFields));
}

/// The fields of one span, in the format of the lines.
#[derive(Debug, Default)]
pub(crate) struct SpanFields {
    text: String,
    /// Where each field ends.
    members: Vec<(&'static str, usize)>,
}

impl SpanFields {
    /// `record` shows the fields to a visitor.
    pub(crate) fn format(
        form: &dyn FormatFields,
        metadata: &'static Metadata<'static>,
        record: impl FnOnce(&mut dyn Visit),
    ) -> Self {
        let mut collect = Collect {
            form,
            metadata,
            fields: Self::default(),
        };
        record(&mut collect);
        collect.fields
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Takes over what was recorded later.
    pub(crate) fn update(&mut self, later: &Self) {
        for (name, member) in later.iter() {
            self.remove(name);
            if self.members.len() < MAX_FIELDS {
                self.text.push_str(member);
                self.members.push((name, self.text.len()));
            }
        }
    }

    fn remove(&mut self, name: &str) {
        let Some(at) = self.members.iter().position(|(known, _)| *known == name) else {
            return;
        };
        let (_, end) = self.members.remove(at);
        let start = at.checked_sub(1).map_or(0, |before| self.members[before].1);
        self.text.replace_range(start..end, "");
        for (_, later) in &mut self.members[at..] {
            *later -= end - start;
        }
    }

    fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let mut start = 0;
        self.members.iter().map(move |(name, end)| {
            let member = self.text.get(start..*end).unwrap_or_default();
            start = *end;
            (*name, member)
        })
    }
}

/// Appends the fields of the spans around an event. The innermost field of a name counts, and a field of a name that
/// `is_taken` on the line is left out.
pub(crate) fn write(
    text: &mut String,
    spans: &dyn SurroundingSpans,
    is_taken: impl Fn(&str) -> bool,
) {
    let mut written = [""; MAX_FIELDS];
    let mut count = 0;
    spans.each(&mut |span| {
        for (name, member) in span.iter() {
            if count == MAX_FIELDS {
                return;
            }
            if !is_taken(name) && !written[..count].contains(&name) {
                text.push_str(member);
                written[count] = name;
                count += 1;
            }
        }
    });
}

struct Collect<'a> {
    form: &'a dyn FormatFields,
    metadata: &'static Metadata<'static>,
    fields: SpanFields,
}

impl Collect<'_> {
    fn add(&mut self, field: &Field, mut record: impl FnMut(&mut dyn Visit)) {
        let SpanFields { text, members } = &mut self.fields;
        let name = field.name();
        if members.len() < MAX_FIELDS && members.iter().all(|(known, _)| *known != name) {
            self.form
                .format_fields(text, self.metadata, MAX_VALUE, &mut record);
            members.push((name, text.len()));
        }
    }
}

impl Visit for Collect<'_> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, |visitor| visitor.record_i64(field, value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, |visitor| visitor.record_u64(field, value));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.add(field, |visitor| visitor.record_i128(field, value));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.add(field, |visitor| visitor.record_u128(field, value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, |visitor| visitor.record_f64(field, value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, |visitor| visitor.record_bool(field, value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, |visitor| visitor.record_str(field, value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, |visitor| visitor.record_debug(field, value));
    }
}
