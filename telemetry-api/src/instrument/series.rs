//! Handles resolved once for each set of labels, so that recording neither hashes attributes nor allocates.

use std::{
    fmt,
    hash::{BuildHasher, Hash},
    sync::{Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use hashbrown::{DefaultHashBuilder, Equivalent, HashTable};

/// A bounded map from label values to pre-resolved handles, read without a lock.
///
/// At most `limit` distinct keys get their own handle, all further ones share one: a caller who invents label
/// values costs bounded memory and leaves the series of legitimate ones intact.
pub struct SeriesCache<K, V> {
    table: ArcSwap<Table<K, V>>,
    overflow: ArcSwap<Option<V>>,
    writing: Mutex<()>,
    limit: usize,
    hasher: DefaultHashBuilder,
}

#[derive(Clone)]
struct Table<K, V>(HashTable<(K, V)>);

impl<K, V> SeriesCache<K, V>
where
    K: Clone + Eq + Hash,
    V: Clone,
{
    /// An empty cache of at most `limit` series and one for overflow.
    pub fn new(limit: usize) -> Self {
        Self {
            table: ArcSwap::from_pointee(Table(HashTable::new())),
            overflow: ArcSwap::from_pointee(None),
            writing: Mutex::new(()),
            limit,
            hasher: DefaultHashBuilder::default(),
        }
    }

    /// The handle for `key`; the first time, `bind` makes it, for the key or, past the limit, for the overflow series.
    pub fn get<Q>(&self, key: &Q, bind: impl FnOnce(Series<'_, Q>) -> V) -> V
    where
        Q: Hash + Equivalent<K> + ToKey<K>,
    {
        let hash = self.hasher.hash_one(key);
        if let Some((_, handle)) = self
            .table
            .load()
            .0
            .find(hash, |(known, _)| key.equivalent(known))
        {
            return handle.clone();
        }
        self.insert(hash, key, bind)
    }

    #[cold]
    fn insert<Q>(&self, hash: u64, key: &Q, bind: impl FnOnce(Series<'_, Q>) -> V) -> V
    where
        Q: Hash + Equivalent<K> + ToKey<K>,
    {
        if self.table.load().0.len() >= self.limit
            && let Some(handle) = &**self.overflow.load()
        {
            return handle.clone();
        }
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.table.load_full();
        if let Some((_, handle)) = current.0.find(hash, |(known, _)| key.equivalent(known)) {
            return handle.clone();
        }
        if current.0.len() >= self.limit {
            if let Some(handle) = &**self.overflow.load() {
                return handle.clone();
            }
            let handle = bind(Series::Overflow);
            self.overflow
                .store(std::sync::Arc::new(Some(handle.clone())));
            return handle;
        }
        let handle = bind(Series::Of(key));
        let mut next = Table::clone(&current);
        next.0
            .insert_unique(hash, (key.to_key(), handle.clone()), |(known, _)| {
                self.hasher.hash_one(known)
            });
        self.table.store(std::sync::Arc::new(next));
        handle
    }
}

/// The series that a handle is to be bound for.
#[derive(Clone, Copy, Debug)]
pub enum Series<'a, Q> {
    /// The series of these label values.
    Of(&'a Q),
    /// The one series that all label values past the limit share.
    Overflow,
}

/// Turns a borrowed lookup key into the owned one that is kept. The two must hash alike.
pub trait ToKey<K> {
    /// The owned key.
    fn to_key(&self) -> K;
}

impl<K: Clone> ToKey<K> for K {
    fn to_key(&self) -> K {
        self.clone()
    }
}

impl<K, V> fmt::Debug for SeriesCache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let series = self.table.load().0.len();
        f.debug_struct("SeriesCache")
            .field("series", &series)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_past_the_limit_share_one_series_and_evict_nothing() {
        let cache = SeriesCache::<u32, String>::new(3);
        let bind = |series: Series<'_, u32>| match series {
            Series::Of(key) => key.to_string(),
            Series::Overflow => "overflow".to_owned(),
        };
        for key in 0..1000 {
            let expected = if key < 3 {
                key.to_string()
            } else {
                "overflow".to_owned()
            };
            assert_eq!(cache.get(&key, bind), expected);
        }
        assert_eq!(cache.get(&1, |_| unreachable!("it is cached")), "1");
    }

    #[test]
    fn threads_agree_on_one_handle() {
        let cache = SeriesCache::<u32, std::sync::Arc<u32>>::new(100);
        let handles: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| cache.get(&7, |_| std::sync::Arc::new(7))))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        assert!(
            handles
                .windows(2)
                .all(|pair| std::sync::Arc::ptr_eq(&pair[0], &pair[1]))
        );
    }
}
