//! Exemplars of exported metrics, which views may have renamed, merged or given other buckets than instruments have.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, PoisonError},
};

use opentelemetry::{Key, KeyValue};

use super::{Exemplar, ExemplarSlots, ExemplarStore, sorted};

/// The streams that views make of instruments.
#[derive(Debug, Default)]
pub(super) struct Views {
    /// Instruments that at least one view applies to.
    viewed: HashSet<Box<str>>,
    /// The instruments behind a stream.
    streams: HashMap<Box<str>, Vec<Behind>>,
}

/// An instrument behind a stream, and which of its attributes that has; `None` for all.
type Behind = (Box<str>, Option<KeptKeys>);

/// The keys of the attributes that a view keeps.
pub type KeptKeys = Arc<HashSet<Key>>;

impl ExemplarStore {
    /// A view makes a stream of this name of an instrument, or none.
    pub fn viewed(&self, instrument: &str, stream: Option<&str>, keys: Option<&KeptKeys>) {
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        views.viewed.insert(instrument.into());
        let Some(stream) = stream else { return };
        let behind = views.streams.entry(stream.into()).or_default();
        let new: Behind = (instrument.into(), keys.cloned());
        if !behind.contains(&new) {
            behind.push(new);
        }
    }

    /// The exemplars of a metric as it is exported, also if views have changed its instrument.
    ///
    /// None if several instruments share the name: an exemplar of the other one would mislead.
    pub fn of_stream(&self, stream: &str) -> StreamExemplars<'_> {
        let views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        let behind = views.streams.get(stream).map_or(&[][..], Vec::as_slice);
        let mut by_instrument = HashSet::<&str>::new();
        by_instrument.extend(behind.iter().map(|(instrument, _)| &**instrument));
        if !views.viewed.contains(stream) && self.lock().contains_key(stream) {
            by_instrument.insert(stream);
        }
        let mut instruments = by_instrument.into_iter();
        let (Some(instrument), None) = (instruments.next(), instruments.next()) else {
            return StreamExemplars::None;
        };
        if behind.iter().all(|(_, keys)| keys.is_none()) {
            return StreamExemplars::Of(self, instrument.into());
        }
        let mut series = HashMap::<_, Vec<_>>::new();
        if let Some(all) = self.lock().get(instrument) {
            for (attributes, slots) in all {
                for (_, keys) in behind {
                    let kept =
                        |kv: &&KeyValue| keys.as_ref().is_none_or(|keys| keys.contains(&kv.key));
                    let attributes: Vec<_> = attributes.iter().filter(kept).cloned().collect();
                    series.entry(attributes).or_default().push(slots.clone());
                }
            }
        }
        StreamExemplars::Merged(series)
    }
}

/// The exemplars of one exported metric, by its series.
#[derive(Debug)]
pub enum StreamExemplars<'a> {
    /// There are none, or it is not clear whose they are.
    None,
    /// The instrument as it is.
    Of(&'a ExemplarStore, Box<str>),
    /// Series that a view has merged by leaving out attributes.
    Merged(HashMap<Vec<KeyValue>, Vec<Arc<ExemplarSlots>>>),
}

impl StreamExemplars<'_> {
    /// All exemplars of a series.
    pub fn of_series<'a>(&self, attributes: impl Iterator<Item = &'a KeyValue>) -> Vec<Exemplar> {
        match self {
            Self::None => Vec::new(),
            Self::Of(store, instrument) => {
                let found = store.find(instrument, attributes);
                found.into_iter().flatten().collect()
            }
            Self::Merged(series) => {
                let slots = series.get(&sorted(attributes.cloned()));
                let slots = slots.into_iter().flatten();
                slots.flat_map(|slots| slots.read()).flatten().collect()
            }
        }
    }

    /// The latest exemplar of a series that has no buckets.
    pub fn latest<'a>(&self, attributes: impl Iterator<Item = &'a KeyValue>) -> Option<Exemplar> {
        let exemplars = self.of_series(attributes).into_iter();
        exemplars.max_by_key(|exemplar| exemplar.time)
    }

    /// The latest exemplar of each bucket of a series; a view may have given it other buckets than it was kept by.
    pub fn by_bucket<'a>(
        &self,
        attributes: impl Iterator<Item = &'a KeyValue>,
        bounds: &[f64],
    ) -> Vec<Option<Exemplar>> {
        let exemplars = self.of_series(attributes);
        if exemplars.is_empty() {
            return Vec::new();
        }
        let mut buckets = vec![None::<Exemplar>; bounds.len() + 1];
        for exemplar in exemplars {
            let bucket = bounds.partition_point(|bound| *bound < exemplar.value);
            if let Some(slot) = buckets.get_mut(bucket)
                && slot.is_none_or(|known| known.time <= exemplar.time)
            {
                *slot = Some(exemplar);
            }
        }
        buckets
    }
}
