//! Everything this crate keeps for a thread, beside the current [`Context`]. The reasons stand in
//! `docs/decisions/0007-thread-locals.md` and `0010-thread-exit.md`.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    mem::ManuallyDrop,
    panic::catch_unwind,
    sync::Arc,
};

use opentelemetry::Context;
use rand::rngs::SmallRng;
use tracing::dispatcher::get_default;

/// A value of a type that this file does not know, so that the owner of the type can use this file.
pub(super) type Owned = ManuallyDrop<Arc<dyn Any + Send + Sync>>;

thread_local! {
    /// It has no destructor. So it is there until the very end, and no access looks for its state.
    static THIS: ThisThread = const { ThisThread::new() };
    /// Marks the end of the thread.
    static END: End = const { End };
}

/// Looks at the state of this thread. Never fails.
#[inline]
pub(super) fn with<T>(look: impl FnOnce(&ThisThread) -> T) -> T {
    THIS.with(look)
}

pub(super) struct ThisThread {
    phase: Cell<Phase>,
    /// The providers of this thread, for tests and for several services in one process.
    pub(super) providers: RefCell<Option<Owned>>,
    /// The context of the recorded request that this thread is polling.
    pub(super) request: Cell<Option<ManuallyDrop<Context>>>,
    pub(super) naming: Cell<Naming>,
    /// The principal that the request was named for, until its server asks.
    pub(super) named: Cell<Option<Owned>>,
    /// The source of ids. Made at the first id.
    pub(super) ids: RefCell<Option<SmallRng>>,
}

/// The state of the request that this thread is polling, as to its principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// There is no request.
    Unserved,
    /// Nobody has named a principal yet.
    Served,
    /// There is a principal to be taken.
    Named,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nobody has asked yet.
    Unknown,
    Working,
    /// Destructors of thread-locals run, or the thread's context is gone.
    Ending,
}

impl ThisThread {
    const fn new() -> Self {
        Self {
            phase: Cell::new(Phase::Unknown),
            providers: RefCell::new(None),
            request: Cell::new(None),
            naming: Cell::new(Naming::Unserved),
            named: Cell::new(None),
            ids: RefCell::new(None),
        }
    }

    #[inline]
    pub(super) fn is_ending(&self) -> bool {
        match self.phase.get() {
            Phase::Working => false,
            Phase::Ending => true,
            Phase::Unknown => self.begins_too_late(),
        }
    }

    /// Makes the thread-locals of others before the mark, so that the mark is dropped before them: a thread drops its
    /// values in the reverse order of their making.
    #[cold]
    fn begins_too_late(&self) -> bool {
        // A panic below is logged, and the log must not come back here.
        self.phase.set(Phase::Ending);
        let touch = || {
            Context::map_current(|_| ());
            get_default(|subscriber| {
                subscriber.current_span();
            });
            tracing::event_enabled!(tracing::Level::ERROR);
        };
        // The context may be gone already, if others have used it and this is the first call of this crate here.
        let begins = catch_unwind(touch).is_ok() && END.try_with(|_| ()).is_ok();
        if begins {
            self.phase.set(Phase::Working);
        }
        !begins
    }
}

struct End;

impl Drop for End {
    fn drop(&mut self) {
        with(|this| this.phase.set(Phase::Ending));
    }
}
