//! The current context, where there is one to read.

use opentelemetry::Context;

thread_local! {
    static ENDS: Ends = Ends::after_the_context();
}

/// Is gone before the thread's context is: values of a thread are dropped in the reverse order of their making.
struct Ends;

impl Ends {
    fn after_the_context() -> Self {
        Context::map_current(|_| Self)
    }
}

impl Drop for Ends {
    fn drop(&mut self) {}
}

/// Returns whether there is a current context. There is none while the thread ends.
pub(crate) fn is_readable() -> bool {
    ENDS.try_with(|_| ()).is_ok()
}

/// Looks at the current context; `None` while the thread ends, where [`Context`] has none and would panic, which there
/// ends the process.
pub(crate) fn with_current<T>(look: impl FnOnce(&Context) -> T) -> Option<T> {
    is_readable().then(|| Context::map_current(look))
}

/// Returns whether export is suppressed here.
pub(crate) fn is_suppressed() -> bool {
    with_current(Context::is_telemetry_suppressed).unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_context_and_telemetry_until_it_is_suppressed() {
        assert_eq!(with_current(|_| 7), Some(7));
        assert!(!is_suppressed());
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        assert!(is_suppressed());
    }
}
