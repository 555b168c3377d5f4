//! All settings, each resolved once.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use opentelemetry::KeyValue;
use telemetry_api::instrument::settings::{
    AnySetting, Setting, SettingValues, Value, Wrong, register, registered,
};

use super::{
    file::{self, FileSettings},
    groups,
    report::{Report, ReportEntry},
    service,
    source::{Environment, Resolved, SetBy, Source, Sources},
};
use crate::{error::BootstrapError, metrics::views::View};

/// An adapter may register its settings after the start, so a name with this prefix is judged at the end.
const OF_ADAPTERS: &str = "OTEL_INSTRUMENTATION_";

/// All settings, and warnings about those that are not valid.
pub(crate) struct Settings {
    sources: Sources,
    resolved: HashMap<&'static str, Resolved>,
    pub(crate) warnings: Vec<String>,
}

impl Settings {
    /// Reads the declarative file if there is one, and resolves everything.
    pub(crate) fn read(
        code: impl IntoIterator<Item = (String, String)>,
        environment: Environment,
    ) -> Result<Self, BootstrapError> {
        let mut settings = Self::of(code, environment, FileSettings::default());
        let path =
            service::CONFIG_FILE.cast(&settings.sources.resolve(&service::CONFIG_FILE).value);
        if let Some(path) = path {
            let mut file = file::read(&path, &*settings.sources.environment)?;
            settings.warnings.append(&mut file.warnings);
            settings.sources.file = file;
        }
        settings.resolve_all();
        Ok(settings)
    }

    fn of(
        code: impl IntoIterator<Item = (String, String)>,
        environment: Environment,
        file: FileSettings,
    ) -> Self {
        Self {
            sources: Sources {
                code: code.into_iter().collect(),
                environment,
                file,
            },
            resolved: HashMap::new(),
            warnings: Vec::new(),
        }
    }

    #[cfg(test)]
    pub(crate) fn with_file_values(
        code: impl Iterator<Item = (String, String)>,
        environment: Environment,
        values: impl Iterator<Item = (&'static str, String, String)>,
    ) -> Self {
        let mut settings = Self::of(code, environment, FileSettings::of(values));
        settings.resolve_all();
        settings
    }

    fn resolve_all(&mut self) {
        for setting in groups::all() {
            register(setting);
        }
        for setting in registered() {
            for warning in self.resolve(setting) {
                self.say(warning);
            }
        }
        let ignored = registered().into_iter().map(|setting| setting.name());
        let ignored: Vec<_> = ignored
            .filter(|name| self.sources.is_ignored(name))
            .collect();
        if !ignored.is_empty() {
            self.say(self.ignored(&ignored.join(", ")));
        }
        let mut unknown: Vec<_> = self
            .unknown()
            .filter(|name| !name.starts_with(OF_ADAPTERS))
            .map(ToOwned::to_owned)
            .collect();
        unknown.sort_unstable();
        for name in unknown {
            self.say(format!(
                "{name:?}, set in code, is no setting of docs/configuration.md; ignoring it"
            ));
        }
    }

    /// Resolves a setting for good and returns warnings about it.
    fn resolve(&mut self, setting: &'static dyn AnySetting) -> Vec<String> {
        let resolved = self.sources.resolve(setting);
        let used = match &*resolved.shown {
            "" => "its default",
            shown => shown,
        };
        let warning = |(label, Wrong { shown, reason }): &(String, Wrong)| {
            format!("{label}={shown} {reason}; using {used}")
        };
        let warnings = resolved.wrong.iter().map(warning).collect();
        self.resolved.insert(setting.name(), resolved);
        warnings
    }

    fn ignored(&self, names: &str) -> String {
        format!(
            "{}={:?} replaces variables of OpenTelemetry, so these have no effect: {names}. Refer to them in the file, as in \
             ${{NAME}}, or unset them",
            service::CONFIG_FILE.name(),
            self.sources.file.path
        )
    }

    /// Resolves a setting that was registered after the start.
    fn resolve_late(&mut self, setting: &'static dyn AnySetting) -> Vec<String> {
        if self.resolved.contains_key(setting.name()) {
            return Vec::new();
        }
        let mut warnings = self.resolve(setting);
        if self.sources.is_ignored(setting.name()) {
            warnings.push(self.ignored(setting.name()));
        }
        warnings
    }

    /// Names set in code that no setting has.
    fn unknown(&self) -> impl Iterator<Item = &str> {
        let names = self.sources.code.keys().map(String::as_str);
        names.filter(|name| !self.resolved.contains_key(name))
    }

    /// The value of a setting.
    pub(crate) fn get<T: Clone + Default + Send + Sync + 'static>(
        &self,
        setting: &'static Setting<T>,
    ) -> T {
        match self.resolved.get(setting.name()) {
            Some(resolved) => setting.cast(&resolved.value),
            None => setting.cast(&self.sources.resolve(setting).value),
        }
    }

    /// The origin of the value; `None` for the default.
    pub(crate) fn set_by(&self, setting: &dyn AnySetting) -> Option<&SetBy> {
        self.resolved.get(setting.name())?.set_by.as_ref()
    }

    /// The value as outputs show it.
    pub(crate) fn shown(&self, setting: &dyn AnySetting) -> &str {
        let resolved = self.resolved.get(setting.name());
        resolved.map_or("", |resolved| &resolved.shown)
    }

    /// The source of the value.
    pub(crate) fn source(&self, setting: &dyn AnySetting) -> Source {
        let resolved = self.resolved.get(setting.name());
        resolved.map_or(Source::Default, |resolved| resolved.source.clone())
    }

    /// Adds a warning, once.
    pub(crate) fn say(&mut self, warning: String) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// The resource attributes of the declarative file with their keys in it, a later one beating an earlier.
    pub(crate) fn file_attributes(&self) -> &[(KeyValue, String)] {
        &self.sources.file.attributes
    }

    /// The views of the declarative file.
    pub(crate) fn take_file_views(&mut self) -> Vec<View> {
        std::mem::take(&mut self.sources.file.views)
    }

    /// Shows this text in the report, for a value that is decided elsewhere.
    pub(crate) fn show(
        &mut self,
        setting: &dyn AnySetting,
        shown: impl Into<String>,
        source: Source,
    ) {
        if let Some(resolved) = self.resolved.get_mut(setting.name()) {
            resolved.shown = shown.into();
            resolved.source = source;
        }
    }

    /// Shows this text in the report as the default.
    pub(crate) fn use_instead(&mut self, setting: &dyn AnySetting, shown: impl Into<String>) {
        self.show(setting, shown, Source::Default);
    }

    /// Shows this text in the report as set in code, for a value that code sets by a method of its own.
    pub(crate) fn set_in_code(&mut self, setting: &dyn AnySetting, shown: impl Into<String>) {
        self.show(setting, shown, Source::Code);
    }

    /// All settings that have been registered, those of the pipeline first, and warnings about new ones.
    pub(crate) fn report(&mut self) -> (Report, Vec<String>) {
        let mut warnings = Vec::new();
        let own: Vec<_> = groups::all().map(|setting| setting.name()).collect();
        let mut settings: Vec<_> = groups::all().collect();
        settings.extend(
            registered()
                .into_iter()
                .filter(|setting| !own.contains(&setting.name())),
        );
        for setting in &settings {
            warnings.extend(self.resolve_late(*setting));
        }
        let entry = |setting: &&'static dyn AnySetting| {
            let resolved = self.resolved.get(setting.name());
            ReportEntry {
                name: setting.name(),
                value: resolved.map(|one| one.shown.clone()).unwrap_or_default(),
                unit: setting.unit(),
                source: resolved.map_or(Source::Default, |one| one.source.clone()),
                about: setting.about(),
            }
        };
        (Report::new(settings.iter().map(entry).collect()), warnings)
    }
}

// Texts of the sources may be secret.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}

/// The settings of a running pipeline, to which adapters may add theirs.
pub(crate) struct LiveSettings(Mutex<Settings>);

impl LiveSettings {
    pub(crate) fn new(settings: Settings) -> Self {
        Self(Mutex::new(settings))
    }

    /// All settings as they count now.
    pub(crate) fn report(&self) -> Report {
        let (report, warnings) = self.lock().report();
        log(warnings);
        report
    }

    /// Warnings about names that code set for an adapter and that no adapter has registered.
    pub(crate) fn unclaimed(&self) -> Vec<String> {
        let settings = self.lock();
        let mut names: Vec<_> = settings.unknown().collect();
        names.retain(|name| name.starts_with(OF_ADAPTERS));
        names.sort_unstable();
        let warning = |name: &&str| {
            format!("{name:?}, set in code, is no setting of an adapter that ran; it had no effect")
        };
        names.iter().map(warning).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Settings> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SettingValues for LiveSettings {
    fn value(&self, setting: &'static dyn AnySetting) -> Value {
        let mut settings = self.lock();
        let warnings = settings.resolve_late(setting);
        let value = settings.resolved.get(setting.name());
        let value = value.map_or_else(|| setting.unset().0, |resolved| resolved.value.clone());
        // The log lines of the warnings may ask for a setting.
        drop(settings);
        log(warnings);
        value
    }
}

fn log(warnings: Vec<String>) {
    for warning in warnings {
        tracing::warn!(target: "telemetry", "{warning}");
    }
}
