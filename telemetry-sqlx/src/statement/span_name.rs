//! The names of spans.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use telemetry_semconv::db as semconv_db;

use crate::backend::Facts;

/// The limit of names that the process keeps.
const MAX_SHARED: usize = 1_000;

/// The lifetime of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// The name lives as long as the process, so that a span does not copy it. For cached statements.
    Shared,
    /// Each span copies the name.
    Owned,
}

/// The span name that the semantic conventions compose of the summary, or of the facts if there is none.
pub(super) fn of(summary: Option<&str>, facts: &Facts, naming: Naming) -> Cow<'static, str> {
    let name = semconv_db::span_name(summary, None, facts.target(), facts.system);
    match naming {
        Naming::Shared => shared(&name),
        Naming::Owned => Cow::Owned(name.into_owned()),
    }
}

/// Keeps the name for the life of the process. Past the limit the name is owned, and each span copies it.
fn shared(name: &str) -> Cow<'static, str> {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return Cow::Borrowed(known);
    }
    if names.len() >= MAX_SHARED {
        return Cow::Owned(name.to_owned());
    }
    let kept: &'static str = Box::leak(Box::from(name));
    names.insert(kept);
    Cow::Borrowed(kept)
}
