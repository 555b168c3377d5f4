//! Counters that never go down, whatever the application adds or observes.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use opentelemetry::{
    KeyValue,
    metrics::{AsyncInstrument, BoundCounter, BoundSyncInstrument, Counter, SyncInstrument},
};

/// The most series of an instrument whose values are remembered: the limit of the SDK.
const MAX_SERIES: usize = 2000;

/// Told once of a measurement that a counter refuses.
type OnRefusal = Box<dyn Fn() + Send + Sync>;

/// A counter of floats that refuses negative numbers.
pub(crate) struct NonNegative {
    counter: Counter<f64>,
    refusals: Arc<Refusals>,
}

impl NonNegative {
    /// `on_refusal` is called once.
    pub(crate) fn new(
        counter: Counter<f64>,
        on_refusal: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self {
            counter,
            refusals: Arc::new(Refusals::new(on_refusal)),
        }
    }
}

impl SyncInstrument<f64> for NonNegative {
    fn measure(&self, value: f64, attributes: &[KeyValue]) {
        if self.refusals.takes(value) {
            self.counter.add(value, attributes);
        }
    }

    fn bind(&self, attributes: &[KeyValue]) -> Box<dyn BoundSyncInstrument<f64> + Send + Sync> {
        Box::new(BoundNonNegative {
            counter: self.counter.bind(attributes),
            refusals: self.refusals.clone(),
        })
    }
}

struct BoundNonNegative {
    counter: BoundCounter<f64>,
    refusals: Arc<Refusals>,
}

impl BoundSyncInstrument<f64> for BoundNonNegative {
    fn measure(&self, value: f64) {
        if self.refusals.takes(value) {
            self.counter.add(value);
        }
    }
}

struct Refusals {
    said: AtomicBool,
    on_refusal: OnRefusal,
}

impl Refusals {
    fn new(on_refusal: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            said: AtomicBool::new(false),
            on_refusal: Box::new(on_refusal),
        }
    }

    fn takes(&self, value: f64) -> bool {
        let takes = value >= 0.0 || value.is_nan();
        if !takes {
            self.say();
        }
        takes
    }

    fn say(&self) {
        if !self.said.swap(true, Ordering::Relaxed) {
            (self.on_refusal)();
        }
    }
}

/// A value that an observable counter observes.
pub(crate) trait Total: Copy + PartialOrd + Default + Send + Sync + 'static {}

impl Total for u64 {}
impl Total for f64 {}

/// The values that one callback of an observable counter has observed, by series.
///
/// A source of the values may go, with its series or with a part of the sum. The highest value stays then: a total that
/// falls would look like a new process, and the SDK computes a negative delta of it.
pub(crate) struct Rising<T> {
    highest: Mutex<HashMap<Vec<KeyValue>, T>>,
    refusals: Refusals,
}

impl<T: Total> Rising<T> {
    /// `on_refusal` is called once, for a negative value or one that falls.
    pub(crate) fn new(on_refusal: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            highest: Mutex::default(),
            refusals: Refusals::new(on_refusal),
        }
    }

    /// Runs a callback with an observer that lets values only rise, then observes what the callback did not.
    pub(crate) fn observe(
        &self,
        observer: &dyn AsyncInstrument<T>,
        callback: impl FnOnce(&dyn AsyncInstrument<T>),
    ) {
        let round = Round {
            rising: self,
            observer,
            seen: Mutex::default(),
        };
        callback(&round);
        let seen = round
            .seen
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        for (attributes, highest) in self.highest().iter() {
            if !seen.contains(attributes) {
                observer.observe(*highest, attributes);
            }
        }
    }

    /// The value to show for one that is observed; `None` if it is refused.
    fn rise(&self, value: T, attributes: &[KeyValue]) -> Option<T> {
        if value < T::default() {
            self.refusals.say();
            return None;
        }
        let mut all = self.highest();
        let known = all.len();
        match all.get_mut(attributes) {
            Some(highest) if value < *highest => {
                let highest = *highest;
                drop(all);
                self.refusals.say();
                Some(highest)
            }
            Some(highest) => {
                *highest = value;
                Some(value)
            }
            None => {
                if known < MAX_SERIES {
                    all.insert(attributes.to_vec(), value);
                }
                Some(value)
            }
        }
    }

    fn highest(&self) -> MutexGuard<'_, HashMap<Vec<KeyValue>, T>> {
        self.highest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One run of a callback.
struct Round<'a, T> {
    rising: &'a Rising<T>,
    observer: &'a dyn AsyncInstrument<T>,
    seen: Mutex<HashSet<Vec<KeyValue>>>,
}

impl<T: Total> AsyncInstrument<T> for Round<'_, T> {
    fn observe(&self, value: T, attributes: &[KeyValue]) {
        // A series is the same in any order of its attributes.
        let mut sorted = attributes.to_vec();
        sorted.sort_by(|a, b| a.key.cmp(&b.key));
        if let Some(shown) = self.rising.rise(value, &sorted) {
            self.observer.observe(shown, attributes);
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.insert(sorted);
        }
    }
}

impl fmt::Debug for NonNegative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NonNegative").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Rising<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rising").finish_non_exhaustive()
    }
}
