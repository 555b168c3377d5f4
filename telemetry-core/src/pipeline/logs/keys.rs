//! What of a JSON line is the same for all events of one callsite, written once.

use std::sync::Arc;

use tracing::{Metadata, callsite::Identifier, field::Field};

use crate::series::{Series, SeriesCache};

/// More callsites than most programs have; events of further ones are written anew each time.
const MAX_CALLSITES: usize = 4096;

/// The keys of all callsites that have logged.
#[derive(Debug)]
pub(super) struct Callsites(SeriesCache<Identifier, Option<Arc<Keys>>>);

/// The keys of one callsite.
#[derive(Debug)]
pub(super) struct Keys(Box<[Option<Box<str>>]>);

impl Callsites {
    pub(super) fn new() -> Self {
        Self(SeriesCache::new(MAX_CALLSITES))
    }

    /// The keys of an event's callsite. `write` makes one: `,"key":`.
    pub(super) fn keys(
        &self,
        metadata: &'static Metadata<'static>,
        write: impl Fn(&str) -> String,
    ) -> Option<Arc<Keys>> {
        self.0.get(&metadata.callsite(), |callsite| match callsite {
            Series::Of(_) => Some(Arc::new(Keys::of(metadata, write))),
            Series::Overflow => None,
        })
    }
}

impl Keys {
    fn of(metadata: &'static Metadata<'static>, write: impl Fn(&str) -> String) -> Self {
        let fields = metadata.fields();
        let repeated = |field: &Field| {
            let mut earlier = fields.iter().take(field.index());
            earlier.any(|earlier| earlier.name() == field.name())
        };
        let keys = fields
            .iter()
            .map(|field| (!repeated(&field)).then(|| write(field.name()).into()));
        Self(keys.collect())
    }

    /// A field's key; `Some(None)` if it is that of an earlier field, too: of two with one name the first is written.
    pub(super) fn get(&self, field: &Field) -> Option<Option<&str>> {
        self.0.get(field.index()).map(Option::as_deref)
    }
}
