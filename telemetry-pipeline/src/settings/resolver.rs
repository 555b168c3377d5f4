//! The one place that knows which source of a setting counts.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use opentelemetry::KeyValue;

use super::{
    file::{self, FileSettings},
    kind::Kind,
    registry::{self, Setting},
    report::{Report, ReportEntry, Source},
};
use crate::{error::BootstrapError, metrics::views::View};

/// Reads a variable.
pub(crate) type Environment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Where a value may come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Layer {
    Code,
    Environment,
    File,
}

/// The strongest first.
const LAYERS: [Layer; 3] = [Layer::Code, Layer::Environment, Layer::File];

/// All settings, and what was wrong with them.
pub(crate) struct Env {
    code: HashMap<String, String>,
    environment: Environment,
    file: FileSettings,
    /// What the checks left of values that they changed.
    kept: HashMap<(Layer, &'static str), Option<String>>,
    /// What is used although the sources say otherwise, and why.
    used: HashMap<&'static str, (String, Source)>,
    pub(crate) warnings: Vec<String>,
}

/// A value and its source.
struct Found {
    layer: Layer,
    name: String,
    value: String,
}

impl Env {
    /// Reads the declarative file if there is one, and checks everything that is set.
    pub(crate) fn new(
        code: impl IntoIterator<Item = (String, String)>,
        environment: Environment,
    ) -> Result<Self, BootstrapError> {
        let mut env = Self {
            code: code.into_iter().collect(),
            environment,
            file: FileSettings::default(),
            kept: HashMap::new(),
            used: HashMap::new(),
            warnings: Vec::new(),
        };
        if let Some(path) = env.get("OTEL_CONFIG_FILE") {
            env.file = file::read(&path, &*env.environment)?;
            env.warnings.append(&mut env.file.warnings);
        }
        env.check();
        Ok(env)
    }

    #[cfg(test)]
    pub(crate) fn with_file_values(
        code: impl Iterator<Item = (String, String)>,
        environment: Environment,
        values: impl Iterator<Item = (&'static str, String, String)>,
    ) -> Self {
        let mut env = Self {
            code: code.collect(),
            environment,
            file: FileSettings::of(values),
            kept: HashMap::new(),
            used: HashMap::new(),
            warnings: Vec::new(),
        };
        env.check();
        env
    }

    /// The environment alone.
    #[cfg(test)]
    #[allow(dead_code, reason = "for tests of what reads settings of its own")]
    pub(crate) fn of<'a>(vars: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let vars: HashMap<_, _> = vars.into_iter().map(owned).collect();
        let environment = Arc::new(move |name: &str| vars.get(name).cloned());
        Self::with_file_values(std::iter::empty(), environment, std::iter::empty())
    }

    #[cfg(test)]
    pub(crate) fn source_of(&self, name: &str) -> Source {
        self.effective(name).1
    }

    /// A setting's own value, from the strongest source that has one. Empty means unset, as the specification says.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.find(&[name]).map(|found| found.value)
    }

    /// Says that a value is not valid and what is used instead. Says it once.
    pub(crate) fn warn(&mut self, name: &str, value: &str, used: impl fmt::Display) {
        let label = match self.find(&[name]) {
            Some(found) => self.label(&found),
            None => name.to_owned(),
        };
        let value = match registry::find(name) {
            Some(setting) if setting.secret => "REDACTED".to_owned(),
            Some(setting) => setting.kind.show(value),
            None => value.to_owned(),
        };
        let used = used.to_string();
        self.say(format!("{label}={value:?} is not valid; using {used}"));
        let short = used.split(';').next().unwrap_or_default().to_owned();
        self.use_instead(name, short);
    }

    /// A warning in words of its own. It is said once.
    pub(crate) fn say(&mut self, warning: String) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// A setting as `parse` reads it; what it does not accept is warned about and the default used.
    pub(crate) fn parse<T: fmt::Debug>(
        &mut self,
        name: &str,
        default: T,
        parse: impl Fn(&str) -> Option<T>,
    ) -> T {
        let Some(text) = self.get(name) else {
            return default;
        };
        parse(&text).unwrap_or_else(|| {
            self.warn(name, &text, format_args!("{default:?}"));
            default
        })
    }

    /// A setting in milliseconds.
    #[allow(
        dead_code,
        reason = "for settings outside of the registry; those in it have `duration`"
    )]
    pub(crate) fn millis(&mut self, name: &str, default: Duration) -> Duration {
        self.parse(name, default, |text| {
            text.parse().ok().map(Duration::from_millis)
        })
    }

    /// What counts for a setting: its own value or the general one's from the strongest source, else the default of
    /// the registry. Empty if it has no value.
    pub(crate) fn value(&self, name: &str) -> String {
        self.effective(name).0
    }

    /// [`value`](Self::value) where it was set, with the name of what set it.
    pub(crate) fn set(&self, name: &str) -> Option<(String, String)> {
        let found = self.find(&chain(name))?;
        Some((self.label(&found), found.value))
    }

    /// The name of the setting, this or the general one, that counts; `None` for the default.
    pub(crate) fn setter(&self, name: &str) -> Option<String> {
        self.find(&chain(name)).map(|found| found.name)
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.value(name) == "true"
    }

    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        self.value(name).split(',').map(str::to_owned).collect()
    }

    /// `None` if the setting has no value, which the registry allows for some.
    pub(crate) fn number<T: TryFrom<u64>>(&self, name: &str) -> Option<T> {
        T::try_from(self.value(name).parse().ok()?).ok()
    }

    pub(crate) fn duration(&self, name: &str) -> Duration {
        Duration::from_millis(self.number(name).unwrap_or(0))
    }

    /// A timeout, of which the specification says that 0 is no limit. A day is none.
    pub(crate) fn timeout(&self, name: &str) -> Duration {
        Some(self.duration(name))
            .filter(|timeout| !timeout.is_zero())
            .unwrap_or(Duration::from_secs(24 * 60 * 60))
    }

    /// The resource attributes of the declarative file, which those of the environment beat.
    pub(crate) fn file_attributes(&self) -> Vec<KeyValue> {
        self.file
            .attributes
            .iter()
            .map(|(attribute, _)| attribute.clone())
            .collect()
    }

    /// The views of the declarative file.
    pub(crate) fn file_views(&mut self) -> Vec<View> {
        std::mem::take(&mut self.file.views)
    }

    /// Shows `value` in the report as the default, instead of what the sources say.
    pub(crate) fn use_instead(&mut self, name: &str, value: impl Into<String>) {
        self.shows(name, value.into(), Source::Default);
    }

    /// Shows `value` in the report as set in code, for what code says by a method of its own.
    pub(crate) fn set_in_code(&mut self, name: &str, value: impl Into<String>) {
        self.shows(name, value.into(), Source::Code);
    }

    fn shows(&mut self, name: &str, value: String, source: Source) {
        if let Some(setting) = registry::find(name) {
            self.used.insert(setting.name, (value, source));
        }
    }

    /// All settings as they count. `service` is the effective name of the service.
    pub(crate) fn report(&self, service: &str) -> Report {
        let entry = |setting: &'static Setting| {
            let (value, source) = self.effective(setting.name);
            let (value, source) = match self.used.get(setting.name) {
                Some((used, instead)) if *used != value || *instead == Source::Code => {
                    (used.clone(), instead.clone())
                }
                _ if setting.name == "OTEL_SERVICE_NAME" => {
                    (service.to_owned(), self.source_of_the_name())
                }
                _ => (setting.kind.show(&value), source),
            };
            ReportEntry {
                name: setting.name,
                value,
                unit: setting.unit,
                source,
                about: setting.about,
            }
        };
        Report::new(registry::all().map(entry).collect())
    }

    /// The name of the service has more sources than other settings: it is a resource attribute too.
    fn source_of_the_name(&self) -> Source {
        const KEY: &str = "service.name";
        if let Some(found) = self.find(&["OTEL_SERVICE_NAME"]) {
            return self.source(found);
        }
        if let Some(found) = self.find(&["OTEL_RESOURCE_ATTRIBUTES"])
            && found.value.split(',').any(|member| {
                member
                    .split_once('=')
                    .is_some_and(|(key, _)| key.trim() == KEY)
            })
        {
            return self.source(found);
        }
        let file = self.file.attributes.iter().rev();
        match file.into_iter().find(|(kv, _)| kv.key.as_str() == KEY) {
            Some((_, key)) => Source::File(key.clone()),
            None => Source::Default,
        }
    }

    fn effective(&self, name: &str) -> (String, Source) {
        match self.find(&chain(name)) {
            Some(found) => (found.value.clone(), self.source(found)),
            None => {
                let default = registry::find(name).map_or("", |setting| setting.default);
                (default.to_owned(), Source::Default)
            }
        }
    }

    fn source(&self, found: Found) -> Source {
        match found.layer {
            Layer::Code => Source::Code,
            Layer::Environment => Source::Environment(found.name),
            Layer::File => Source::File(self.file.key(&found.name)),
        }
    }

    /// What a warning calls it: the variable, or the key and the file it stands in.
    fn label(&self, found: &Found) -> String {
        match found.layer {
            Layer::Code | Layer::Environment => found.name.clone(),
            Layer::File => format!("{}: {}", self.file.path, self.file.key(&found.name)),
        }
    }

    fn find(&self, names: &[&str]) -> Option<Found> {
        LAYERS.iter().find_map(|layer| {
            names.iter().find_map(|name| {
                Some(Found {
                    layer: *layer,
                    name: (*name).to_owned(),
                    value: self.checked(*layer, name)?,
                })
            })
        })
    }

    fn checked(&self, layer: Layer, name: &str) -> Option<String> {
        // Almost nothing is changed by the checks, so the registry is asked only when something was.
        if !self.kept.is_empty()
            && let Some(setting) = registry::find(name)
            && let Some(kept) = self.kept.get(&(layer, setting.name))
        {
            return kept.clone();
        }
        self.raw(layer, name)
    }

    fn raw(&self, layer: Layer, name: &str) -> Option<String> {
        let value = match layer {
            Layer::Code => self.code.get(name).cloned(),
            Layer::Environment => (self.environment)(name),
            Layer::File => self.file.value(name),
        };
        value
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    /// Checks every value of every source, also those that nobody will ask for, and says what is wrong once.
    fn check(&mut self) {
        let mut wrongs = Vec::new();
        for setting in registry::all() {
            for layer in LAYERS {
                let Some(text) = self.raw(layer, setting.name) else {
                    continue;
                };
                let checked = setting.kind.check(&text);
                if checked.kept.as_deref() != Some(&*text) {
                    self.kept.insert((layer, setting.name), checked.kept);
                }
                wrongs.extend(checked.wrong.map(|wrong| (setting, layer, wrong)));
            }
        }
        for (setting, layer, wrong) in wrongs {
            let label = self.label(&Found {
                layer,
                name: setting.name.to_owned(),
                value: String::new(),
            });
            let used = match self.value(setting.name) {
                none if none.is_empty() && matches!(setting.kind, Kind::Headers) => {
                    "none".to_owned()
                }
                none if none.is_empty() => "its default".to_owned(),
                value => setting.kind.show(&value),
            };
            self.say(format!(
                "{label}={} {}; using {used}",
                wrong.shown, wrong.why
            ));
        }
        let mut unknown: Vec<_> = self
            .code
            .keys()
            .filter(|name| registry::find(name).is_none())
            .cloned()
            .collect();
        unknown.sort_unstable();
        for name in unknown {
            self.say(format!(
                "{name:?}, set in code, is no setting of docs/configuration.md; ignoring it"
            ));
        }
    }
}

/// A setting and the general ones behind it.
fn chain(name: &str) -> Vec<&str> {
    let mut names = vec![name];
    names.extend(registry::find(name).and_then(|setting| setting.general));
    names
}
