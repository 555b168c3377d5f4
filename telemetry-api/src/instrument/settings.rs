//! Settings with types: one constant for each variable, declared by the crate that reads it.
//!
//! A pipeline resolves settings from code, environment and a file. An adapter reads its own through
//! [`Providers::setting`](super::Providers::setting), so that they stand in the pipeline's report, too. Both cost a lock and
//! belong to the start of an adapter, not to a request.
//!
//! ```
//! use std::time::Duration;
//! use telemetry_api::instrument::settings::{Setting, parse};
//!
//! static SLOW_QUERY: Setting<Duration> =
//!     Setting::new("OTEL_INSTRUMENTATION_SHOP_SLOW_QUERY", "250", parse::millis, "queries that take longer are logged")
//!         .unit("ms");
//!
//! assert_eq!(SLOW_QUERY.read_environment(), Duration::from_millis(250));
//! ```

mod known_methods;
pub mod parse;
mod registered;

use std::{any::Any, fmt, sync::Arc};

use secrecy::SecretString;

pub use self::{
    known_methods::HTTP_KNOWN_METHODS,
    parse::{Parsed, REDACTED, Wrong},
    registered::{register, registered},
};

/// A resolved value of any type.
pub type Value = Arc<dyn Any + Send + Sync>;

/// One variable: its name, its default, its parser and its description.
///
/// Declare it as a `static`. The type is the type of its value, so a reader cannot take it for another.
pub struct Setting<T: 'static> {
    name: &'static str,
    default: &'static str,
    about: &'static str,
    unit: &'static str,
    general: Option<&'static Setting<T>>,
    secret: bool,
    parse: fn(&str) -> Parsed<T>,
}

impl<T> Setting<T> {
    /// A setting whose value may be shown.
    ///
    /// `default` has the syntax of the variable. An empty default stands for `T::default()`. `about` is one line of
    /// Markdown for the documentation and the report.
    pub const fn new(
        name: &'static str,
        default: &'static str,
        parse: fn(&str) -> Parsed<T>,
        about: &'static str,
    ) -> Self {
        Self {
            name,
            default,
            about,
            unit: "",
            general: None,
            secret: false,
            parse,
        }
    }

    /// Names the unit of a number, such as `ms`. Default: no unit.
    pub const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    /// Names the general setting that counts while this one is unset. Default: none.
    pub const fn under(mut self, general: &'static Setting<T>) -> Self {
        self.general = Some(general);
        self
    }

    /// The variable.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The default in the syntax of the variable.
    pub const fn default(&self) -> &'static str {
        self.default
    }
}

impl Setting<Option<SecretString>> {
    /// A setting whose value no output shows. The default is no value.
    pub const fn secret(name: &'static str, about: &'static str) -> Self {
        Self {
            secret: true,
            ..Self::new(name, "", parse::secret, about)
        }
    }
}

impl<T: Clone + Default + Send + Sync + 'static> Setting<T> {
    /// Reads the environment of the process, for use without a pipeline. A value that is not valid is logged as a
    /// warning, and the general setting or the default counts.
    ///
    /// Registers the setting.
    pub fn read_environment(&'static self) -> T {
        self.read_from(|name| std::env::var(name).ok())
    }

    /// [`read_environment`](Self::read_environment) with another source of variables, for tests.
    pub fn read_from(&'static self, variable: impl Fn(&str) -> Option<String>) -> T {
        register(self);
        let chain = [Some(self), self.general];
        for setting in chain.into_iter().flatten() {
            let text = variable(setting.name).unwrap_or_default();
            if text.trim().is_empty() {
                continue;
            }
            let parsed = (setting.parse)(text.trim());
            if let Some(wrong) = parsed.wrong {
                let shown = if self.secret { REDACTED } else { &wrong.shown };
                tracing::warn!(target: "telemetry", "{}={shown} {}", setting.name, wrong.reason);
            }
            if let Some((value, _)) = parsed.value {
                return value;
            }
        }
        self.unset().0
    }

    /// The value out of what [`SettingValues`] resolved.
    pub fn cast(&self, value: &Value) -> T {
        value.downcast_ref().cloned().unwrap_or_default()
    }

    fn unset(&self) -> (T, String) {
        let parsed = if self.default.is_empty() {
            None
        } else {
            (self.parse)(self.default).value
        };
        parsed.unwrap_or_default()
    }
}

impl<T> fmt::Debug for Setting<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Setting({})", self.name)
    }
}

/// A [`Setting`] of any type, for those who list or resolve settings.
pub trait AnySetting: fmt::Debug + Sync + sealed::Sealed {
    /// The variable.
    fn name(&self) -> &'static str;
    /// The default in the syntax of the variable; empty if there is no value by default.
    fn default(&self) -> &'static str;
    /// The unit of a number; empty for other values.
    fn unit(&self) -> &'static str;
    /// One line of Markdown: the effect of the setting.
    fn about(&self) -> &'static str;
    /// True if no output may show the value.
    fn is_secret(&self) -> bool;
    /// The general setting that counts while this one is unset.
    fn general(&self) -> Option<&'static dyn AnySetting>;
    /// Parses a text. The texts to show are safe for any output.
    fn parse(&self, text: &str) -> Parsed<Value>;
    /// The default value, with the text that outputs show for it.
    fn unset(&self) -> (Value, String);
}

impl<T: Clone + Default + Send + Sync + 'static> AnySetting for Setting<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn default(&self) -> &'static str {
        self.default
    }

    fn unit(&self) -> &'static str {
        self.unit
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn is_secret(&self) -> bool {
        self.secret
    }

    fn general(&self) -> Option<&'static dyn AnySetting> {
        self.general.map(|general| general as &dyn AnySetting)
    }

    fn parse(&self, text: &str) -> Parsed<Value> {
        let mut parsed = (self.parse)(text).map(|value| Arc::new(value) as Value);
        if self.secret {
            if let Some((_, shown)) = &mut parsed.value {
                REDACTED.clone_into(shown);
            }
            if let Some(wrong) = &mut parsed.wrong {
                REDACTED.clone_into(&mut wrong.shown);
            }
        }
        parsed
    }

    fn unset(&self) -> (Value, String) {
        let (value, shown) = self.unset();
        (Arc::new(value), shown)
    }
}

mod sealed {
    pub trait Sealed {}
    impl<T> Sealed for super::Setting<T> {}
}

/// The values that a pipeline has resolved, for adapters.
pub trait SettingValues: Send + Sync {
    /// The value of a setting from code, environment, file or default. It has the type of the setting.
    fn value(&self, setting: &'static dyn AnySetting) -> Value;
}

#[cfg(test)]
mod tests;
