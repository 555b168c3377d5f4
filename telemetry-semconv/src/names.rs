//! Names that are kept for the life of the process: of routes, spans and configured methods.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

/// The one copy of a name, which is never freed: for the text of routes and configuration, which is as good as the
/// program's own. Never for text of a caller.
pub fn forever(name: &str) -> &'static str {
    static KEPT: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = kept.get(name) {
        return known;
    }
    let name: &'static str = Box::leak(name.into());
    kept.insert(name);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_once() {
        assert!(std::ptr::eq(forever("SUBSCRIBE"), forever("SUBSCRIBE")));
    }
}
