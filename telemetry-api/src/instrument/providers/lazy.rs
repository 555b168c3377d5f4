//! Instruments that are made when they are first needed.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use super::handle::Providers;

/// Instruments that are resolved from the current [`Providers`] when first needed and then kept.
///
/// Before `bootstrap` there are none and every use asks again, which costs two atomic loads; so an adapter may be
/// built before, or used without, a pipeline. Adapters with the same providers share one `T`, so that two layers are
/// not two instruments of one name.
pub struct Lazy<T> {
    explicit: Option<Providers>,
    resolved: OnceLock<Arc<T>>,
    resolve: fn(&Providers) -> T,
}

impl<T: Send + Sync + 'static> Lazy<T> {
    /// Instruments of `explicit` providers, else of the current ones at first use.
    pub fn new(explicit: Option<Providers>, resolve: fn(&Providers) -> T) -> Self {
        Self {
            explicit,
            resolved: OnceLock::new(),
            resolve,
        }
    }

    /// The instruments; `None` while there is no pipeline.
    pub fn get(&self) -> Option<&Arc<T>> {
        if let Some(resolved) = self.resolved.get() {
            return Some(resolved);
        }
        let providers = self.explicit.clone().or_else(Providers::current)?;
        Some(self.resolved.get_or_init(|| providers.shared(self.resolve)))
    }
}

impl<T> fmt::Debug for Lazy<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lazy")
            .field("resolved", &self.resolved.get().is_some())
            .finish_non_exhaustive()
    }
}

/// The `T` of the current providers, for a `static`. An application has one set of providers, and their `T` is kept. A test
/// may have others, whose `T` is looked up at each use.
pub struct PerProviders<T> {
    first: OnceLock<(Providers, Arc<T>)>,
}

impl<T: Send + Sync + 'static> PerProviders<T> {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self {
            first: OnceLock::new(),
        }
    }

    /// The `T` of these providers, which `find` makes or looks up.
    #[inline]
    pub fn get(&self, providers: Providers, find: impl FnOnce(&Providers) -> Arc<T>) -> Arc<T> {
        self.with(providers, find, Arc::clone)
    }

    /// Looks at the `T` of these providers, which `find` makes or looks up.
    #[inline]
    pub fn with<R>(
        &self,
        providers: Providers,
        find: impl FnOnce(&Providers) -> Arc<T>,
        look: impl FnOnce(&Arc<T>) -> R,
    ) -> R {
        match self.first.get() {
            Some((first, found)) if first.is(&providers) => look(found),
            _ => look(&self.found(providers, find)),
        }
    }

    #[cold]
    fn found(&self, providers: Providers, find: impl FnOnce(&Providers) -> Arc<T>) -> Arc<T> {
        let found = find(&providers);
        // A thread that was faster keeps its place.
        let _ = self.first.set((providers, found.clone()));
        found
    }
}

impl<T: Send + Sync + 'static> Default for PerProviders<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for PerProviders<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerProviders").finish_non_exhaustive()
    }
}
