//! Settings that are read when they are first needed.

use std::sync::OnceLock;

use super::handle::Providers;
use crate::instrument::settings::{Setting, register};

/// The value of a setting, taken from the [`Providers`] at first use and then kept.
///
/// An adapter is often built before `bootstrap`, so it reads its settings with its first request. After that, reading
/// costs one atomic load.
#[derive(Clone, Debug)]
pub struct LazySetting<T: 'static> {
    setting: &'static Setting<T>,
    value: OnceLock<T>,
}

impl<T: Clone + Default + Send + Sync + 'static> LazySetting<T> {
    /// The value of this setting. Registers the setting, so that reports list it from now on.
    pub fn new(setting: &'static Setting<T>) -> Self {
        register(setting);
        Self {
            setting,
            value: OnceLock::new(),
        }
    }

    /// This value, which code has set. The setting is registered and not read.
    pub fn of(setting: &'static Setting<T>, value: T) -> Self {
        let mut fixed = Self::new(setting);
        fixed.set(value);
        fixed
    }

    /// Uses this value, which code has set, and does not read the setting.
    pub fn set(&mut self, value: T) {
        self.value = OnceLock::from(value);
    }

    /// The value: from `explicit` providers, else from the current ones, else from the environment of the process.
    pub fn get(&self, explicit: Option<&Providers>) -> &T {
        self.value.get_or_init(|| {
            let current = || Providers::current().map(|providers| providers.setting(self.setting));
            match explicit {
                Some(providers) => providers.setting(self.setting),
                None => current().unwrap_or_else(|| self.setting.read_environment()),
            }
        })
    }
}
