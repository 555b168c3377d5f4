//! What is measured of the pool itself. The meter reads the pool when it collects, so a size cannot go wrong.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use opentelemetry::{KeyValue, metrics::Meter};

use crate::{database::Backend, observer::Observer, settings::Settings};

const POOL_NAME: &str = "db.client.connection.pool.name";
const STATE: &str = "db.client.connection.state";

/// The pool as its metrics see it.
pub(crate) struct PoolState {
    name: Arc<str>,
    /// The address of sqlx's pool, of which there may be several wrappers with settings of their own.
    pool: usize,
    /// Calls that wait for a connection.
    pending: AtomicI64,
    /// Calls that waited in vain.
    pub(crate) timeouts: AtomicU64,
    max: u32,
    min: u32,
    /// Connections, and how many of them are idle.
    size: Box<dyn Fn() -> (i64, i64) + Send + Sync>,
}

impl PoolState {
    pub(crate) fn new<DB: Backend>(pool: &sqlx::Pool<DB>, settings: &Settings) -> Self {
        let name = settings
            .pool_name
            .clone()
            .unwrap_or_else(|| settings.facts.pool_name().into());
        let options = pool.options();
        Self {
            name,
            pool: std::ptr::from_ref(options).addr(),
            pending: AtomicI64::new(0),
            timeouts: AtomicU64::new(0),
            max: options.get_max_connections(),
            min: options.get_min_connections(),
            size: {
                let pool = pool.clone();
                Box::new(move || {
                    let size = i64::from(pool.size());
                    let idle = i64::try_from(pool.num_idle()).unwrap_or(i64::MAX);
                    // Two reads at two moments: never a negative number of used connections.
                    (size, idle.min(size))
                })
            },
        }
    }

    pub(crate) fn name(&self) -> KeyValue {
        KeyValue::new(POOL_NAME, self.name.clone())
    }

    /// Whether both are of one pool of sqlx and under one name.
    fn is_same(&self, other: &Self) -> bool {
        self.pool == other.pool && self.name == other.name
    }

    /// Counts a call that waits for a connection, until what it gives is dropped.
    pub(crate) fn wait(&self) -> Pending<'_> {
        self.pending.fetch_add(1, Ordering::Relaxed);
        Pending(&self.pending)
    }
}

/// A call that waits for a connection.
#[must_use]
pub(crate) struct Pending<'a>(&'a AtomicI64);

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for PoolState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolState")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What one instrument reads from a pool: values, and the state they are of if they have one.
type Values = Vec<(i64, Option<&'static str>)>;

/// Of what an instrument reads, several wrappers of one pool count each their part, or see the same.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Read {
    Parts,
    Same,
}

/// The pools that are alive, for as long as they are.
#[derive(Clone, Default)]
pub(crate) struct Pools(Arc<Mutex<Vec<Weak<Observer>>>>);

impl Pools {
    pub(crate) fn add(&self, observer: Weak<Observer>) {
        let mut pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pools.retain(|pool| pool.strong_count() > 0);
        pools.push(observer);
    }

    fn alive(&self) -> Vec<Arc<Observer>> {
        let pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pools.iter().filter_map(Weak::upgrade).collect()
    }

    /// Sums by attributes: of two observations of one series a meter keeps only the last.
    fn sum(&self, kind: Read, read: impl Fn(&PoolState) -> Values) -> Vec<(Vec<KeyValue>, i64)> {
        let mut sums = Vec::<(Vec<KeyValue>, i64)>::new();
        let observers = self.alive();
        for (n, observer) in observers.iter().enumerate() {
            let is_known = |other: &Arc<Observer>| other.pool.is_same(&observer.pool);
            if kind == Read::Same && observers.iter().take(n).any(is_known) {
                continue;
            }
            for (value, state) in read(&observer.pool) {
                let mut attributes = vec![observer.pool.name()];
                attributes.extend(state.map(|state| KeyValue::new(STATE, state)));
                match sums.iter_mut().find(|(known, _)| *known == attributes) {
                    Some((_, sum)) => *sum += value,
                    None => sums.push((attributes, value)),
                }
            }
        }
        sums
    }

    /// Makes the instruments that read the pools.
    pub(crate) fn observe(&self, meter: &Meter) {
        let gauge = |name: &'static str,
                     unit: &'static str,
                     description: &'static str,
                     kind: Read,
                     read: fn(&PoolState) -> Values| {
            let pools = self.clone();
            meter
                .i64_observable_up_down_counter(name)
                .with_unit(unit)
                .with_description(description)
                .with_callback(move |instrument| {
                    for (attributes, value) in pools.sum(kind, read) {
                        instrument.observe(value, &attributes);
                    }
                })
                .build();
        };
        gauge(
            "db.client.connection.count",
            "{connection}",
            "The number of connections that are currently in state described by the state attribute.",
            Read::Same,
            |pool| {
                let (size, idle) = (pool.size)();
                vec![(idle, Some("idle")), (size - idle, Some("used"))]
            },
        );
        gauge(
            "db.client.connection.max",
            "{connection}",
            "The maximum number of open connections allowed.",
            Read::Same,
            |pool| vec![(i64::from(pool.max), None)],
        );
        gauge(
            "db.client.connection.idle.max",
            "{connection}",
            "The maximum number of idle open connections allowed.",
            Read::Same,
            // sqlx keeps as many idle as it may open.
            |pool| vec![(i64::from(pool.max), None)],
        );
        gauge(
            "db.client.connection.idle.min",
            "{connection}",
            "The minimum number of idle open connections allowed.",
            Read::Same,
            |pool| vec![(i64::from(pool.min), None)],
        );
        gauge(
            "db.client.connection.pending_requests",
            "{request}",
            "The number of current pending requests for an open connection.",
            Read::Parts,
            |pool| vec![(pool.pending.load(Ordering::Relaxed), None)],
        );
        let pools = self.clone();
        meter
            .u64_observable_counter("db.client.connection.timeouts")
            .with_unit("{timeout}")
            .with_description(
                "The number of connection timeouts that have occurred trying to obtain a connection from the pool.",
            )
            .with_callback(move |instrument| {
                let timeouts = |pool: &PoolState| {
                    let count = pool.timeouts.load(Ordering::Relaxed);
                    vec![(i64::try_from(count).unwrap_or(i64::MAX), None)]
                };
                for (attributes, value) in pools.sum(Read::Parts, timeouts) {
                    instrument.observe(value.unsigned_abs(), &attributes);
                }
            })
            .build();
    }
}
