//! The metrics of pools: sizes, waiting calls, timeouts. The meter reads each pool when it collects, so a size cannot
//! drift from the pool's own.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use opentelemetry::{KeyValue, metrics::Meter};

use telemetry_semconv::db::{
    self,
    attribute::{DB_CLIENT_CONNECTION_POOL_NAME, DB_CLIENT_CONNECTION_STATE},
};

use crate::{backend::Backend, options::Options};

/// The numbers of one pool.
pub(crate) struct PoolNumbers {
    name: Arc<str>,
    /// The address of sqlx's pool in memory. Several wrappers with their own options can share one pool of sqlx.
    pool: usize,
    /// The number of calls that wait for a connection.
    pending: AtomicI64,
    timeouts: AtomicU64,
    max: u32,
    min: u32,
    /// Reads the number of connections, and the number of idle ones among them.
    size: Box<dyn Fn() -> (i64, i64) + Send + Sync>,
}

impl PoolNumbers {
    pub(crate) fn new<DB: Backend>(pool: &sqlx::Pool<DB>, options: &Options) -> Self {
        let name = options.pool_name.clone();
        let limits = pool.options();
        Self {
            name: name.unwrap_or_else(|| options.facts.pool_name().into()),
            pool: std::ptr::from_ref(limits).addr(),
            pending: AtomicI64::new(0),
            timeouts: AtomicU64::new(0),
            max: limits.get_max_connections(),
            min: limits.get_min_connections(),
            size: {
                let pool = pool.clone();
                Box::new(move || {
                    let size = i64::from(pool.size());
                    let idle = i64::try_from(pool.num_idle()).unwrap_or(i64::MAX);
                    // The two reads happen at two moments. The number of used connections must not be negative.
                    (size, idle.min(size))
                })
            },
        }
    }

    pub(crate) fn name(&self) -> KeyValue {
        KeyValue::new(DB_CLIENT_CONNECTION_POOL_NAME, self.name.clone())
    }

    /// Counts a call that waits for a connection, until the guard is dropped.
    pub(crate) fn pending(&self) -> PendingGuard<'_> {
        self.pending.fetch_add(1, Ordering::Relaxed);
        PendingGuard(&self.pending)
    }

    /// Counts a call that got no connection in time.
    pub(crate) fn timed_out(&self) {
        self.timeouts.fetch_add(1, Ordering::Relaxed);
    }

    /// True if both belong to one pool of sqlx and have one name.
    fn is_same(&self, other: &Self) -> bool {
        self.pool == other.pool && self.name == other.name
    }
}

impl fmt::Debug for PoolNumbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolNumbers")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[must_use]
pub(crate) struct PendingGuard<'a>(&'a AtomicI64);

impl Drop for PendingGuard<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The values that one instrument reads from a pool, each with its connection state if it has one.
type Values = Vec<(i64, Option<&'static str>)>;

/// The rule by which the values of several wrappers of one pool add up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sharing {
    /// Each wrapper counts its own part: the values are added.
    Added,
    /// All wrappers see the same number: the value of one of them counts.
    Same,
}

/// The list of pools. It does not keep a pool alive.
#[derive(Clone, Default)]
pub(crate) struct Pools(Arc<Mutex<Vec<Weak<PoolNumbers>>>>);

impl Pools {
    /// An empty list, and the instruments that read the pools in it.
    pub(crate) fn new(meter: &Meter) -> Self {
        let pools = Self::default();
        pools.observe_sizes(meter);
        pools.observe_waits(meter);
        pools
    }

    pub(crate) fn add(&self, numbers: &Arc<PoolNumbers>) {
        let mut pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pools.retain(|pool| pool.strong_count() > 0);
        pools.push(Arc::downgrade(numbers));
    }

    /// Sums the values by their attributes, because a meter keeps only the last of two observations of one series.
    fn sum(
        &self,
        sharing: Sharing,
        read: impl Fn(&PoolNumbers) -> Values,
    ) -> Vec<(Vec<KeyValue>, i64)> {
        let pools: Vec<_> = {
            let pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            pools.iter().filter_map(Weak::upgrade).collect()
        };
        let mut sums = Vec::<(Vec<KeyValue>, i64)>::new();
        for (n, pool) in pools.iter().enumerate() {
            let mut earlier = pools.iter().take(n);
            if sharing == Sharing::Same && earlier.any(|earlier| earlier.is_same(pool)) {
                continue;
            }
            for (value, state) in read(pool) {
                let mut attributes = vec![pool.name()];
                attributes
                    .extend(state.map(|state| KeyValue::new(DB_CLIENT_CONNECTION_STATE, state)));
                match sums.iter_mut().find(|(known, _)| *known == attributes) {
                    Some((_, sum)) => *sum += value,
                    None => sums.push((attributes, value)),
                }
            }
        }
        sums
    }

    fn observe_sizes(&self, meter: &Meter) {
        let connections = |name, description, read| {
            self.up_down_counter(
                meter,
                name,
                "{connection}",
                description,
                Sharing::Same,
                read,
            );
        };
        connections(
            db::CONNECTION_COUNT,
            "The number of connections that are currently in state described by the state attribute.",
            |pool| {
                let (size, idle) = (pool.size)();
                vec![(idle, Some("idle")), (size - idle, Some("used"))]
            },
        );
        connections(
            db::CONNECTION_MAX,
            "The maximum number of open connections allowed.",
            |pool| vec![(i64::from(pool.max), None)],
        );
        connections(
            db::CONNECTION_IDLE_MAX,
            "The maximum number of idle open connections allowed.",
            // sqlx keeps as many idle connections as it may open.
            |pool| vec![(i64::from(pool.max), None)],
        );
        connections(
            db::CONNECTION_IDLE_MIN,
            "The minimum number of idle open connections allowed.",
            |pool| vec![(i64::from(pool.min), None)],
        );
    }

    fn observe_waits(&self, meter: &Meter) {
        self.up_down_counter(
            meter,
            db::CONNECTION_PENDING_REQUESTS,
            "{request}",
            "The number of current pending requests for an open connection.",
            Sharing::Added,
            |pool| vec![(pool.pending.load(Ordering::Relaxed), None)],
        );
        let pools = self.clone();
        meter
            .u64_observable_counter(db::CONNECTION_TIMEOUTS)
            .with_unit("{timeout}")
            .with_description(
                "The number of connection timeouts that have occurred trying to obtain a connection from the pool.",
            )
            .with_callback(move |instrument| {
                let timeouts = |pool: &PoolNumbers| {
                    let count = pool.timeouts.load(Ordering::Relaxed);
                    vec![(i64::try_from(count).unwrap_or(i64::MAX), None)]
                };
                for (attributes, value) in pools.sum(Sharing::Added, timeouts) {
                    instrument.observe(value.unsigned_abs(), &attributes);
                }
            })
            .build();
    }

    fn up_down_counter(
        &self,
        meter: &Meter,
        name: &'static str,
        unit: &'static str,
        description: &'static str,
        sharing: Sharing,
        read: fn(&PoolNumbers) -> Values,
    ) {
        let pools = self.clone();
        meter
            .i64_observable_up_down_counter(name)
            .with_unit(unit)
            .with_description(description)
            .with_callback(move |instrument| {
                for (attributes, value) in pools.sum(sharing, read) {
                    instrument.observe(value, &attributes);
                }
            })
            .build();
    }
}
