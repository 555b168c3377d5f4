//! The sources of a setting's value, and which of them counts.

use std::{collections::HashMap, fmt, sync::Arc};

use telemetry_api::instrument::settings::{AnySetting, Value, Wrong};

use super::{file::FileSettings, service};

/// Reads a variable.
pub(crate) type Environment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The source of a setting's value, the strongest first.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// Set in code.
    Code,
    /// This environment variable; for a signal it may be the general one.
    Environment(String),
    /// This key of the declarative configuration file.
    File(String),
    /// The default.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code => f.write_str("code"),
            Self::Environment(variable) => write!(f, "environment {variable}"),
            Self::File(key) => write!(f, "file {key}"),
            Self::Default => f.write_str("default"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    Code,
    Environment,
    File,
}

/// The strongest first.
const LAYERS: [Layer; 3] = [Layer::Code, Layer::Environment, Layer::File];

/// Code, environment and file.
pub(crate) struct Sources {
    pub(crate) code: HashMap<String, String>,
    pub(crate) environment: Environment,
    pub(crate) file: FileSettings,
}

/// A setting resolved.
pub(crate) struct Resolved {
    pub(crate) value: Value,
    /// Fit for any output, in the syntax of the variable; empty if there is no value.
    pub(crate) shown: String,
    pub(crate) source: Source,
    /// The setting whose value counts, and its name in messages. `None` for the default.
    pub(crate) set_by: Option<SetBy>,
    /// The parts of the setting's own texts that are not valid, with the name of their source.
    pub(crate) wrong: Vec<(String, Wrong)>,
}

/// The origin of a value that is not the default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SetBy {
    /// The variable, or the file and its key.
    pub(crate) label: String,
    /// True if the setting itself was set, false if its general one was.
    pub(crate) is_own: bool,
}

impl Sources {
    /// Finds the value of a setting: its own or its general one's from the strongest source, else the default.
    pub(crate) fn resolve(&self, setting: &'static dyn AnySetting) -> Resolved {
        let mut found = None;
        let mut wrong = Vec::new();
        for layer in LAYERS {
            if let Some(text) = self.text(layer, setting.name()) {
                let parsed = setting.parse(&text);
                wrong.extend(
                    parsed
                        .wrong
                        .map(|wrong| (self.label(layer, setting.name()), wrong)),
                );
                if found.is_none() {
                    found = parsed.value.map(|value| (layer, setting, value));
                }
            }
            if let Some(general) = setting.general().filter(|_| found.is_none())
                && let Some(text) = self.text(layer, general.name())
            {
                found = general
                    .parse(&text)
                    .value
                    .map(|value| (layer, general, value));
            }
        }
        match found {
            Some((layer, by, (value, shown))) => Resolved {
                value,
                shown,
                source: self.source(layer, by.name()),
                set_by: Some(SetBy {
                    label: self.label(layer, by.name()),
                    is_own: by.name() == setting.name(),
                }),
                wrong,
            },
            None => {
                let (value, shown) = setting.unset();
                Resolved {
                    value,
                    shown,
                    source: Source::Default,
                    set_by: None,
                    wrong,
                }
            }
        }
    }

    /// True if the environment sets the variable in vain: with a file, the variables of the specification count only
    /// where the file refers to them.
    pub(crate) fn is_ignored(&self, name: &str) -> bool {
        self.is_replaced(name)
            && (self.environment)(name).is_some_and(|text| !text.trim().is_empty())
    }

    fn is_replaced(&self, name: &str) -> bool {
        let has_file = !self.file.path.is_empty();
        has_file && name.starts_with("OTEL_") && name != service::CONFIG_FILE.name()
    }

    /// An empty text is an unset one, as the specification says.
    fn text(&self, layer: Layer, name: &str) -> Option<String> {
        let text = match layer {
            Layer::Code => self.code.get(name).cloned(),
            Layer::Environment if self.is_replaced(name) => None,
            Layer::Environment => (self.environment)(name),
            Layer::File => self.file.value(name),
        };
        text.map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
    }

    fn source(&self, layer: Layer, name: &str) -> Source {
        match layer {
            Layer::Code => Source::Code,
            Layer::Environment => Source::Environment(name.to_owned()),
            Layer::File => Source::File(self.file.key(name)),
        }
    }

    /// The name of the source in a warning: the variable, or the file and the key in it.
    fn label(&self, layer: Layer, name: &str) -> String {
        match layer {
            Layer::Code | Layer::Environment => name.to_owned(),
            Layer::File => format!("{}: {}", self.file.path, self.file.key(name)),
        }
    }
}
