//! The three providers of the declarative file: processors, readers and limits.

use super::{
    super::{limits, metrics},
    signal::{LOGS, METRICS, Signal, TRACES},
    walk::{Key, Walk},
    yaml::Node,
};

impl Walk {
    pub(crate) fn tracer_provider(&mut self, node: &Node, path: &str) -> Key {
        let mut exporters = Vec::new();
        self.each(node, path, |walk, key, node, path| match key {
            "processors" => walk.processors(&TRACES, &mut exporters, node, path),
            "limits" => walk.settings(
                node,
                path,
                &[
                    ("attribute_count_limit", &limits::SPAN_ATTRIBUTES),
                    ("attribute_value_length_limit", &limits::SPAN_VALUE_LENGTH),
                    ("event_count_limit", &limits::SPAN_EVENTS),
                    ("link_count_limit", &limits::SPAN_LINKS),
                    ("event_attribute_count_limit", &limits::EVENT_ATTRIBUTES),
                    ("link_attribute_count_limit", &limits::LINK_ATTRIBUTES),
                ],
                &["attribute_value_depth_limit"],
            ),
            "sampler" => walk.sampler("", node, path),
            "id_generator" | "tracer_configurator/development" => Key::Unsupported,
            _ => Key::Unknown,
        });
        self.exporters(&TRACES, &exporters, &format!("{path}.processors"))
    }

    pub(crate) fn logger_provider(&mut self, node: &Node, path: &str) -> Key {
        let mut exporters = Vec::new();
        self.each(node, path, |walk, key, node, path| match key {
            "processors" => walk.processors(&LOGS, &mut exporters, node, path),
            "limits" => walk.settings(
                node,
                path,
                &[
                    ("attribute_count_limit", &limits::RECORD_ATTRIBUTES),
                    ("attribute_value_length_limit", &limits::RECORD_VALUE_LENGTH),
                ],
                &["attribute_value_depth_limit"],
            ),
            "logger_configurator/development" => Key::Unsupported,
            _ => Key::Unknown,
        });
        self.exporters(&LOGS, &exporters, &format!("{path}.processors"))
    }

    pub(crate) fn meter_provider(&mut self, node: &Node, path: &str) -> Key {
        let mut exporters = Vec::new();
        self.each(node, path, |walk, key, node, path| match key {
            "readers" => {
                walk.items(node, path, |walk, node, path| {
                    walk.each(node, path, |walk, key, node, path| match key {
                        "periodic" => walk.batch(&METRICS, &mut exporters, node, path),
                        "pull" => walk.pull(&mut exporters, node, path),
                        _ => Key::Unknown,
                    });
                });
                Key::Used
            }
            "exemplar_filter" => walk.set(&metrics::EXEMPLAR_FILTER, node, path),
            "views" => walk.views(node, path),
            "meter_configurator/development" => Key::Unsupported,
            _ => Key::Unknown,
        });
        self.exporters(&METRICS, &exporters, &format!("{path}.readers"))
    }

    fn exporters(&mut self, signal: &Signal, exporters: &[&str], path: &str) -> Key {
        let list = if exporters.is_empty() {
            "none".to_owned()
        } else {
            exporters.join(",")
        };
        self.put(signal.exporters, list, path);
        Key::Used
    }

    fn processors(
        &mut self,
        signal: &Signal,
        exporters: &mut Vec<&'static str>,
        node: &Node,
        path: &str,
    ) -> Key {
        self.items(node, path, |walk, node, path| {
            walk.each(node, path, |walk, key, node, path| match key {
                "batch" => walk.batch(signal, exporters, node, path),
                "simple" => {
                    walk.each(node, path, |walk, key, node, path| match key {
                        "exporter" => {
                            walk.exporter(signal, exporters, node, path);
                            if exporters.last() == Some(&"otlp") {
                                walk.wrong(node, path, "is exported to in batches");
                            }
                            Key::Used
                        }
                        _ => Key::Unknown,
                    });
                    Key::Used
                }
                _ if key.ends_with("/development") => Key::Unsupported,
                _ => Key::Unknown,
            });
        });
        Key::Used
    }

    /// A batch processor or a periodic reader.
    fn batch(
        &mut self,
        signal: &Signal,
        exporters: &mut Vec<&'static str>,
        node: &Node,
        path: &str,
    ) -> Key {
        self.each(node, path, |walk, key, node, path| {
            if key == "exporter" {
                return walk.exporter(signal, exporters, node, path);
            }
            match signal.batch.iter().find(|(known, _)| *known == key) {
                Some((_, setting)) => walk.set(*setting, node, path),
                None if ["producers", "cardinality_limits"].contains(&key)
                    || key.ends_with("/development") =>
                {
                    Key::Unsupported
                }
                None => Key::Unknown,
            }
        });
        Key::Used
    }
}
