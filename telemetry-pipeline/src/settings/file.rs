//! OTEL_CONFIG_FILE: the declarative configuration (schema 1.x of opentelemetry-configuration), as the settings it
//! stands for. What it cannot stand for is named with its path.

mod providers;
mod substitute;
mod views;
mod yaml;

#[cfg(test)]
mod tests;

use std::{collections::HashMap, fs, io::Read as _};

use opentelemetry::{Array, KeyValue, StringValue, Value as AttributeValue};
use percent_encoding::percent_decode_str;

use self::yaml::{Node, Value};
use crate::{error::BootstrapError, metrics::views::View};

/// No configuration is larger.
const MAX_BYTES: u64 = 1024 * 1024;

/// What a file says.
#[derive(Debug, Default)]
pub(crate) struct FileSettings {
    pub(crate) path: String,
    /// By the name of the setting: its value and the key it was found at.
    values: HashMap<&'static str, (String, String)>,
    /// Resource attributes with the keys they were found at, a later one beating an earlier.
    pub(crate) attributes: Vec<(KeyValue, String)>,
    pub(crate) views: Vec<View>,
    pub(crate) warnings: Vec<String>,
}

impl FileSettings {
    #[cfg(test)]
    pub(crate) fn of(values: impl Iterator<Item = (&'static str, String, String)>) -> Self {
        let values = values.map(|(name, value, key)| (name, (value, key)));
        Self {
            values: values.collect(),
            ..Self::default()
        }
    }

    pub(crate) fn value(&self, name: &str) -> Option<String> {
        self.values.get(name).map(|(value, _)| value.clone())
    }

    pub(crate) fn key(&self, name: &str) -> String {
        self.values
            .get(name)
            .map(|(_, key)| key.clone())
            .unwrap_or_default()
    }
}

/// Reads a file. It is an error if that is impossible; what is merely wrong in it is a warning.
pub(crate) fn read(
    path: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<FileSettings, BootstrapError> {
    let fail = |line: Option<usize>, reason: String| BootstrapError::ConfigFile {
        path: path.to_owned(),
        line,
        reason,
    };
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| fail(None, error.to_string()))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(fail(None, "it is larger than 1 MiB".to_owned()));
    }
    let text = String::from_utf8(bytes).map_err(|_| fail(None, "it is not UTF-8".to_owned()))?;
    interpret(path, &text, environment).map_err(|broken| fail(Some(broken.line), broken.reason))
}

fn interpret(
    path: &str,
    text: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<FileSettings, yaml::Broken> {
    let root = yaml::parse(text, environment)?;
    let Value::Mapping(members) = &root.value else {
        return Err(yaml::Broken {
            line: root.line,
            reason: "it is no mapping with a file_format".to_owned(),
        });
    };
    let format = members.iter().find(|(key, _)| key == "file_format");
    let version = match format {
        Some((
            _,
            Node {
                value: Value::Scalar(version),
                ..
            },
        )) => version.as_str(),
        _ => "",
    };
    if version.split('.').next() != Some("1") {
        return Err(yaml::Broken {
            line: format.map_or(root.line, |(_, node)| node.line),
            reason: "file_format must be 1.x, such as file_format: \"1.0\"".to_owned(),
        });
    }
    let mut walk = Walk {
        out: FileSettings {
            path: path.to_owned(),
            ..FileSettings::default()
        },
    };
    walk.root(&root);
    Ok(walk.out)
}

/// Goes through the tree and collects.
struct Walk {
    out: FileSettings,
}

/// What became of a key.
#[derive(PartialEq, Eq)]
enum Key {
    Used,
    Unsupported,
    Unknown,
}

impl Walk {
    fn root(&mut self, root: &Node) {
        self.each(root, "", |walk, key, node, path| match key {
            "file_format" => Key::Used,
            "disabled" => walk.set("OTEL_SDK_DISABLED", node, path),
            "log_level" => walk.set("OTEL_LOG_LEVEL", node, path),
            "resource" => walk.resource(node, path),
            "attribute_limits" => walk.settings(
                node,
                path,
                &[
                    ("attribute_count_limit", "OTEL_ATTRIBUTE_COUNT_LIMIT"),
                    (
                        "attribute_value_length_limit",
                        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
                    ),
                ],
                &["attribute_value_depth_limit"],
            ),
            "propagator" => walk.propagator(node, path),
            "tracer_provider" => walk.tracer_provider(node, path),
            "meter_provider" => walk.meter_provider(node, path),
            "logger_provider" => walk.logger_provider(node, path),
            "distribution" | "instrumentation/development" => Key::Unsupported,
            _ => Key::Unknown,
        });
        // By the schema what the file leaves out is not there, which is not the default of the variables.
        for (name, key) in [
            ("OTEL_PROPAGATORS", "propagator"),
            ("OTEL_TRACES_EXPORTER", "tracer_provider"),
            ("OTEL_METRICS_EXPORTER", "meter_provider"),
            ("OTEL_LOGS_EXPORTER", "logger_provider"),
        ] {
            self.out
                .values
                .entry(name)
                .or_insert_with(|| ("none".to_owned(), format!("{key} (absent)")));
        }
    }

    fn resource(&mut self, node: &Node, path: &str) -> Key {
        let mut listed = Vec::new();
        let mut named = Vec::new();
        self.each(node, path, |walk, key, node, path| match key {
            "attributes_list" => {
                if let Some(list) = walk.text(node, path) {
                    listed = walk.attributes_list(&list, node, path);
                }
                Key::Used
            }
            "attributes" => {
                walk.items(node, path, |walk, node, path| {
                    if let Some(attribute) = walk.attribute(node, path) {
                        named.push((attribute, path.to_owned()));
                    }
                });
                Key::Used
            }
            "detection/development" | "schema_url" => Key::Unsupported,
            _ => Key::Unknown,
        });
        // Attributes beat the list, whatever their order in the file.
        self.out.attributes.extend(listed.into_iter().chain(named));
        Key::Used
    }

    fn attributes_list(&mut self, list: &str, node: &Node, path: &str) -> Vec<(KeyValue, String)> {
        let decode = |text: &str| {
            let text = percent_decode_str(text.trim()).decode_utf8().ok()?;
            Some(text.into_owned())
        };
        let members = list.split(',').filter(|member| !member.trim().is_empty());
        let parsed: Option<Vec<_>> = members
            .map(|member| {
                let (key, value) = member.split_once('=')?;
                let key = decode(key).filter(|key| !key.is_empty())?;
                Some((KeyValue::new(key, decode(value)?), path.to_owned()))
            })
            .collect();
        parsed.unwrap_or_else(|| {
            self.wrong(node, path, "must be key=value pairs, separated by commas and percent-encoded; using none of it");
            Vec::new()
        })
    }

    fn attribute(&mut self, node: &Node, path: &str) -> Option<KeyValue> {
        let (mut name, mut value, mut kind) = (None, None, None);
        self.each(node, path, |walk, key, node, path| {
            match key {
                "name" => name = walk.text(node, path),
                "value" => value = Some(node.clone()),
                "type" => kind = walk.text(node, path),
                _ => return Key::Unknown,
            }
            Key::Used
        });
        let value = value.filter(|node| node.value != Value::Null)?;
        let typed = typed(kind.as_deref().unwrap_or("string"), &value);
        match (name, typed) {
            (Some(name), Some(value)) => Some(KeyValue::new(name, value)),
            _ => {
                self.wrong(
                    node,
                    path,
                    "has no name or a value that is not of its type; ignoring it",
                );
                None
            }
        }
    }

    fn propagator(&mut self, node: &Node, path: &str) -> Key {
        let mut names = Vec::new();
        self.each(node, path, |walk, key, node, path| match key {
            "composite" => {
                walk.items(node, path, |walk, node, path| {
                    walk.each(node, path, |_, name, _, _| {
                        names.push(name.to_owned());
                        Key::Used
                    });
                });
                Key::Used
            }
            "composite_list" => {
                let list = walk.text(node, path).unwrap_or_default();
                names.extend(list.split(',').map(|name| name.trim().to_owned()));
                Key::Used
            }
            _ => Key::Unknown,
        });
        names.retain(|name| !name.is_empty());
        let names = if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(",")
        };
        self.put("OTEL_PROPAGATORS", names, path);
        Key::Used
    }

    /// A mapping whose keys are settings of ours.
    fn settings(
        &mut self,
        node: &Node,
        path: &str,
        known: &[(&str, &'static str)],
        unsupported: &[&str],
    ) -> Key {
        self.each(node, path, |walk, key, node, path| {
            match known.iter().find(|(known, _)| *known == key) {
                Some((_, name)) => walk.set(name, node, path),
                None if unsupported.contains(&key) => Key::Unsupported,
                None => Key::Unknown,
            }
        });
        Key::Used
    }

    /// Visits the keys of a mapping and says which were of no use.
    fn each(
        &mut self,
        node: &Node,
        path: &str,
        mut visit: impl FnMut(&mut Self, &str, &Node, &str) -> Key,
    ) {
        let members = match &node.value {
            Value::Mapping(members) => members,
            Value::Null => return,
            Value::Scalar(_) | Value::Sequence(_) => {
                self.wrong(node, path, "must be a mapping; ignoring it");
                return;
            }
        };
        for (key, node) in members {
            let separator = if path.is_empty() { "" } else { "." };
            let path = format!("{path}{separator}{}", key.escape_debug());
            match visit(self, key, node, &path) {
                Key::Used => {}
                Key::Unsupported => self.wrong(node, &path, "is not supported; ignoring it"),
                Key::Unknown => self.wrong(node, &path, "is an unknown key; ignoring it"),
            }
        }
    }

    /// Visits the items of a sequence.
    fn items(&mut self, node: &Node, path: &str, mut visit: impl FnMut(&mut Self, &Node, &str)) {
        match &node.value {
            Value::Sequence(items) => {
                for (i, item) in items.iter().enumerate() {
                    visit(self, item, &format!("{path}[{i}]"));
                }
            }
            Value::Null => {}
            Value::Scalar(_) | Value::Mapping(_) => {
                self.wrong(node, path, "must be a sequence; ignoring it");
            }
        }
    }

    fn set(&mut self, name: &'static str, node: &Node, path: &str) -> Key {
        if let Some(text) = self.text(node, path) {
            self.put(name, text, path);
        }
        Key::Used
    }

    fn put(&mut self, name: &'static str, value: String, path: &str) {
        self.out.values.insert(name, (value, path.to_owned()));
    }

    fn text(&mut self, node: &Node, path: &str) -> Option<String> {
        match &node.value {
            Value::Scalar(text) => Some(text.clone()),
            Value::Null => None,
            Value::Sequence(_) | Value::Mapping(_) => {
                self.wrong(node, path, "must be a single value; ignoring it");
                None
            }
        }
    }

    fn wrong(&mut self, node: &Node, path: &str, what: &str) {
        let (file, line) = (&self.out.path, node.line);
        self.out
            .warnings
            .push(format!("{file}, line {line}: {path} {what}"));
    }
}

/// A resource attribute's value of the type the file says.
fn typed(kind: &str, node: &Node) -> Option<AttributeValue> {
    fn one<T: std::str::FromStr>(node: &Node) -> Option<T> {
        match &node.value {
            Value::Scalar(text) => text.parse().ok(),
            _ => None,
        }
    }
    fn many<T: std::str::FromStr>(node: &Node) -> Option<Vec<T>> {
        match &node.value {
            Value::Sequence(items) => items.iter().map(one).collect(),
            _ => None,
        }
    }
    Some(match kind {
        "string" => AttributeValue::from(one::<String>(node)?),
        "bool" => AttributeValue::Bool(one(node)?),
        "int" => AttributeValue::I64(one(node)?),
        "double" => AttributeValue::F64(one(node)?),
        "string_array" => {
            let texts = many::<String>(node)?.into_iter().map(StringValue::from);
            AttributeValue::Array(Array::String(texts.collect()))
        }
        "bool_array" => AttributeValue::Array(Array::Bool(many(node)?)),
        "int_array" => AttributeValue::Array(Array::I64(many(node)?)),
        "double_array" => AttributeValue::Array(Array::F64(many(node)?)),
        _ => return None,
    })
}
