//! The walk through the tree of a declarative file: it collects settings, and warnings about other keys.

use std::collections::HashMap;

use opentelemetry::KeyValue;
use telemetry_api::instrument::settings::AnySetting;

use super::yaml::{Node, Value};
use crate::metrics::views::View;

/// The settings of a file.
#[derive(Debug, Default)]
pub(crate) struct FileSettings {
    pub(crate) path: String,
    /// By the name of the setting: its value and the key it was found at.
    pub(crate) values: HashMap<&'static str, (String, String)>,
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
            path: "otel.yaml".to_owned(),
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

/// Goes through the tree and collects.
pub(crate) struct Walk {
    pub(crate) out: FileSettings,
}

/// The result for a key.
#[derive(PartialEq, Eq)]
pub(crate) enum Key {
    Used,
    Unsupported,
    Unknown,
}

impl Walk {
    /// A mapping whose keys are settings of ours.
    pub(crate) fn settings(
        &mut self,
        node: &Node,
        path: &str,
        known: &[(&str, &'static dyn AnySetting)],
        unsupported: &[&str],
    ) -> Key {
        self.each(node, path, |walk, key, node, path| {
            match known.iter().find(|(known, _)| *known == key) {
                Some((_, setting)) => walk.set(*setting, node, path),
                None if unsupported.contains(&key) => Key::Unsupported,
                None => Key::Unknown,
            }
        });
        Key::Used
    }

    /// Visits the keys of a mapping, and warns about those that have no setting.
    pub(crate) fn each(
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
    pub(crate) fn items(
        &mut self,
        node: &Node,
        path: &str,
        mut visit: impl FnMut(&mut Self, &Node, &str),
    ) {
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

    pub(crate) fn set(&mut self, setting: &'static dyn AnySetting, node: &Node, path: &str) -> Key {
        if let Some(text) = self.text(node, path) {
            self.put(setting, text, path);
        }
        Key::Used
    }

    pub(crate) fn put(&mut self, setting: &'static dyn AnySetting, value: String, path: &str) {
        self.out
            .values
            .insert(setting.name(), (value, path.to_owned()));
    }

    pub(crate) fn text(&mut self, node: &Node, path: &str) -> Option<String> {
        match &node.value {
            Value::Scalar(text) => Some(text.clone()),
            Value::Null => None,
            Value::Sequence(_) | Value::Mapping(_) => {
                self.wrong(node, path, "must be a single value; ignoring it");
                None
            }
        }
    }

    pub(crate) fn wrong(&mut self, node: &Node, path: &str, fault: &str) {
        let (file, line) = (&self.out.path, node.line);
        self.out
            .warnings
            .push(format!("{file}, line {line}: {path} {fault}"));
    }
}
