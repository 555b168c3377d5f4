//! The current context, where a thread still has one.
//!
//! While a thread ends it drops its thread-locals, and [`Context`] is one of them. Its functions panic after that, and a panic
//! in such a destructor ends the process. So this crate, adapters and pipelines reach the current context by these functions
//! and by no other. While a thread ends they find an empty context, and make none current.
//!
//! Cost: one look at a thread-local.

use opentelemetry::{Context, ContextGuard};

use super::this_thread;

/// True while this thread drops its thread-locals.
#[inline]
pub fn is_ending() -> bool {
    this_thread::with(this_thread::ThisThread::is_ending)
}

/// Looks at the current context. It must not be changed meanwhile: `look` runs no code of the application that may attach
/// another.
#[inline]
pub fn with_current<T>(look: impl FnOnce(&Context) -> T) -> T {
    if is_ending() {
        look(&Context::new())
    } else {
        Context::map_current(look)
    }
}

/// A copy of the current context: two reference counts.
#[inline]
pub fn current() -> Context {
    with_current(Clone::clone)
}

/// Makes the context current until the guard is dropped; `None` if the thread ends.
#[inline]
pub fn attach(cx: Context) -> Option<ContextGuard> {
    (!is_ending()).then(|| cx.attach())
}
