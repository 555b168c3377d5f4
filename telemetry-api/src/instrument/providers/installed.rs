//! The providers of the process, and those of a thread.

use std::{
    marker::PhantomData,
    mem::ManuallyDrop,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::handle::Providers;
use crate::instrument::{context, this_thread};

static INSTALLED: OnceLock<Providers> = OnceLock::new();

/// The number of threads with a default of their own. While it is 0 nobody looks for one.
static SCOPED: AtomicUsize = AtomicUsize::new(0);

impl Providers {
    /// The default of this thread if there is one, else the installed providers. `None` before any installation, and
    /// while the thread ends: then instrumentation records nothing.
    pub fn current() -> Option<Self> {
        if context::is_ending() {
            return None;
        }
        if SCOPED.load(Ordering::Relaxed) > 0 {
            let scoped = this_thread::with(|this| this.providers.borrow().as_deref().cloned());
            let scoped = scoped.and_then(Self::from_any);
            if scoped.is_some() {
                return scoped;
            }
        }
        INSTALLED.get().cloned()
    }

    /// Makes these the providers of the process. Only the first call succeeds, and returns true.
    pub fn install(self) -> bool {
        let mut fresh = false;
        INSTALLED.get_or_init(|| {
            fresh = true;
            self
        });
        fresh
    }

    /// True if the process has providers.
    pub fn installed() -> bool {
        INSTALLED.get().is_some()
    }

    /// Makes these the providers of this thread until the guard is dropped. For tests, and for several services in
    /// one process, each on a thread of its own.
    pub fn set_default(&self) -> DefaultGuard {
        SCOPED.fetch_add(1, Ordering::Relaxed);
        DefaultGuard {
            previous: replace(Some(self.clone())),
            _not_send: PhantomData,
        }
    }
}

fn replace(providers: Option<Providers>) -> Option<Providers> {
    let providers = providers.map(|providers| ManuallyDrop::new(providers.into_any()));
    let replaced = this_thread::with(|this| this.providers.replace(providers));
    replaced
        .map(ManuallyDrop::into_inner)
        .and_then(Providers::from_any)
}

/// Restores this thread's previous providers when dropped.
#[derive(Debug)]
#[must_use = "the default ends as soon as this is dropped"]
pub struct DefaultGuard {
    previous: Option<Providers>,
    _not_send: PhantomData<*const ()>,
}

impl Drop for DefaultGuard {
    fn drop(&mut self) {
        drop(replace(self.previous.take()));
        SCOPED.fetch_sub(1, Ordering::Relaxed);
    }
}
