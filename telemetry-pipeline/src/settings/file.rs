//! OTEL_CONFIG_FILE: the declarative configuration (schema 1.x of opentelemetry-configuration), read as settings. Keys
//! without a setting are named with line and path.

mod exporters;
mod providers;
mod resource;
mod sampler;
mod signal;
mod substitute;
mod views;
mod walk;
mod yaml;

#[cfg(test)]
mod tests;

use std::{fs, io::Read as _};

use telemetry_api::instrument::settings::AnySetting;

pub(crate) use self::walk::FileSettings;
use self::{
    walk::{Key, Walk},
    yaml::{Node, Value},
};
use super::{exporters as names, limits, logs, service, traces};
use crate::error::BootstrapError;

/// No configuration is larger.
const MAX_BYTES: u64 = 1024 * 1024;

/// Reads a file. It is an error if that is impossible; a wrong key or value in it is a warning.
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

impl Walk {
    fn root(&mut self, root: &Node) {
        self.each(root, "", |walk, key, node, path| match key {
            "file_format" => Key::Used,
            "disabled" => walk.set(&service::DISABLED, node, path),
            "log_level" => walk.set(&logs::OWN_LEVEL, node, path),
            "resource" => walk.resource(node, path),
            "attribute_limits" => walk.settings(
                node,
                path,
                &[
                    ("attribute_count_limit", &limits::ATTRIBUTES),
                    ("attribute_value_length_limit", &limits::VALUE_LENGTH),
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
        // By the schema the parts that a file leaves out do not exist, which is not the default of the variables.
        let absent: [(&dyn AnySetting, &str); 4] = [
            (&traces::PROPAGATORS, "propagator"),
            (&names::TRACES, "tracer_provider"),
            (&names::METRICS, "meter_provider"),
            (&names::LOGS, "logger_provider"),
        ];
        for (setting, key) in absent {
            self.out
                .values
                .entry(setting.name())
                .or_insert_with(|| ("none".to_owned(), format!("{key} (absent)")));
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
        self.put(&traces::PROPAGATORS, names, path);
        Key::Used
    }
}
