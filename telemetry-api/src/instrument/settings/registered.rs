//! The settings that have been read or announced in this process.

use std::sync::{PoisonError, RwLock};

use super::AnySetting;

static REGISTERED: RwLock<Vec<&'static dyn AnySetting>> = RwLock::new(Vec::new());

/// Announces a setting, so that the report of a pipeline lists it. Once is enough; of two settings with one name the
/// first stays.
///
/// Reading a setting announces it, too.
pub fn register(setting: &'static dyn AnySetting) {
    let is_known =
        |known: &[&'static dyn AnySetting]| known.iter().any(|one| one.name() == setting.name());
    if is_known(&REGISTERED.read().unwrap_or_else(PoisonError::into_inner)) {
        return;
    }
    let mut known = REGISTERED.write().unwrap_or_else(PoisonError::into_inner);
    if !is_known(&known) {
        known.push(setting);
    }
}

/// All settings that have been announced in this process, in the order of their announcement.
pub fn registered() -> Vec<&'static dyn AnySetting> {
    REGISTERED
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}
