//! The three providers of the declarative file: processors and readers, exporters, limits, the sampler.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    Key, Walk,
    yaml::{Node, Value},
};

/// The settings of one signal, by the keys of its batch processor or reader and of its OTLP exporter.
struct Signal {
    exporters: &'static str,
    batch: &'static [(&'static str, &'static str)],
    otlp: &'static [(&'static str, &'static str)],
    protocol: &'static str,
    headers: &'static str,
    tls: &'static [(&'static str, &'static str)],
}

macro_rules! signal {
    ($signal:literal, [$($batch:tt)*], [$($metrics:tt)*]) => {
        Signal {
            exporters: concat!("OTEL_", $signal, "_EXPORTER"),
            batch: &[$($batch)*],
            otlp: &[
                ("endpoint", concat!("OTEL_EXPORTER_OTLP_", $signal, "_ENDPOINT")),
                ("compression", concat!("OTEL_EXPORTER_OTLP_", $signal, "_COMPRESSION")),
                ("timeout", concat!("OTEL_EXPORTER_OTLP_", $signal, "_TIMEOUT")),
                $($metrics)*
            ],
            protocol: concat!("OTEL_EXPORTER_OTLP_", $signal, "_PROTOCOL"),
            headers: concat!("OTEL_EXPORTER_OTLP_", $signal, "_HEADERS"),
            tls: &[
                ("ca_file", concat!("OTEL_EXPORTER_OTLP_", $signal, "_CERTIFICATE")),
                ("key_file", concat!("OTEL_EXPORTER_OTLP_", $signal, "_CLIENT_KEY")),
                ("cert_file", concat!("OTEL_EXPORTER_OTLP_", $signal, "_CLIENT_CERTIFICATE")),
                ("insecure", concat!("OTEL_EXPORTER_OTLP_", $signal, "_INSECURE")),
            ],
        }
    };
}

const TRACES: Signal = signal!(
    "TRACES",
    [
        ("schedule_delay", "OTEL_BSP_SCHEDULE_DELAY"),
        ("export_timeout", "OTEL_BSP_EXPORT_TIMEOUT"),
        ("max_queue_size", "OTEL_BSP_MAX_QUEUE_SIZE"),
        ("max_export_batch_size", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"),
    ],
    []
);

const LOGS: Signal = signal!(
    "LOGS",
    [
        ("schedule_delay", "OTEL_BLRP_SCHEDULE_DELAY"),
        ("export_timeout", "OTEL_BLRP_EXPORT_TIMEOUT"),
        ("max_queue_size", "OTEL_BLRP_MAX_QUEUE_SIZE"),
        ("max_export_batch_size", "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE"),
    ],
    []
);

const METRICS: Signal = signal!(
    "METRICS",
    [
        ("interval", "OTEL_METRIC_EXPORT_INTERVAL"),
        ("timeout", "OTEL_METRIC_EXPORT_TIMEOUT"),
    ],
    [
        (
            "temporality_preference",
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
        ),
        (
            "default_histogram_aggregation",
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        ),
    ]
);

/// Known to the schema, and done by nothing here.
const OTLP_UNSUPPORTED: [&str; 2] = ["max_request_size", "max_response_size"];

impl Walk {
    pub(crate) fn tracer_provider(&mut self, node: &Node, path: &str) -> Key {
        let mut exporters = Vec::new();
        self.each(node, path, |walk, key, node, path| match key {
            "processors" => walk.processors(&TRACES, &mut exporters, node, path),
            "limits" => walk.settings(
                node,
                path,
                &[
                    ("attribute_count_limit", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"),
                    (
                        "attribute_value_length_limit",
                        "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
                    ),
                    ("event_count_limit", "OTEL_SPAN_EVENT_COUNT_LIMIT"),
                    ("link_count_limit", "OTEL_SPAN_LINK_COUNT_LIMIT"),
                    (
                        "event_attribute_count_limit",
                        "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
                    ),
                    (
                        "link_attribute_count_limit",
                        "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
                    ),
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
                    (
                        "attribute_count_limit",
                        "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
                    ),
                    (
                        "attribute_value_length_limit",
                        "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
                    ),
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
            "exemplar_filter" => walk.set("OTEL_METRICS_EXEMPLAR_FILTER", node, path),
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
                Some((_, name)) => walk.set(name, node, path),
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

    fn pull(&mut self, exporters: &mut Vec<&'static str>, node: &Node, path: &str) -> Key {
        self.each(node, path, |walk, key, node, path| match key {
            "exporter" => {
                walk.each(node, path, |walk, key, node, path| match key {
                    "prometheus/development" | "prometheus" => {
                        exporters.push("prometheus");
                        walk.settings(
                            node,
                            path,
                            &[
                                ("host", "OTEL_EXPORTER_PROMETHEUS_HOST"),
                                ("port", "OTEL_EXPORTER_PROMETHEUS_PORT"),
                            ],
                            &[
                                "scope_info_enabled",
                                "target_info_enabled/development",
                                "without_scope_info",
                                "without_target_info/development",
                                "resource_constant_labels",
                                "with_resource_constant_labels",
                                "translation_strategy",
                            ],
                        )
                    }
                    _ => Key::Unknown,
                });
                Key::Used
            }
            "producers" | "cardinality_limits" => Key::Unsupported,
            _ => Key::Unknown,
        });
        Key::Used
    }

    fn exporter(
        &mut self,
        signal: &Signal,
        exporters: &mut Vec<&'static str>,
        node: &Node,
        path: &str,
    ) -> Key {
        self.each(node, path, |walk, key, node, path| match key {
            "otlp_http" | "otlp_grpc" if exporters.contains(&"otlp") => {
                walk.wrong(
                    node,
                    path,
                    "is a second OTLP exporter, which is not supported; ignoring it",
                );
                Key::Used
            }
            "otlp_http" | "otlp_grpc" => {
                exporters.push("otlp");
                walk.otlp(signal, key == "otlp_grpc", node, path)
            }
            "console" => {
                exporters.push("console");
                walk.settings(
                    node,
                    path,
                    &[],
                    &["temporality_preference", "default_histogram_aggregation"],
                )
            }
            _ if key.ends_with("/development") => Key::Unsupported,
            _ => Key::Unknown,
        });
        Key::Used
    }

    fn otlp(&mut self, signal: &Signal, grpc: bool, node: &Node, path: &str) -> Key {
        let protocol = if grpc { "grpc" } else { "http/protobuf" };
        self.put(signal.protocol, protocol.to_owned(), path);
        let mut listed = String::new();
        let mut named = Vec::new();
        self.each(node, path, |walk, key, node, path| match key {
            "headers_list" => {
                listed = walk.text(node, path).unwrap_or_default();
                Key::Used
            }
            "headers" => {
                walk.items(node, path, |walk, node, path| {
                    named.extend(walk.header(node, path));
                });
                Key::Used
            }
            "encoding" if !grpc => {
                match walk.text(node, path).as_deref() {
                    None | Some("protobuf") => {}
                    Some("json") => walk.put(signal.protocol, "http/json".to_owned(), path),
                    Some(_) => {
                        walk.wrong(node, path, "is neither protobuf nor json; using protobuf")
                    }
                }
                Key::Used
            }
            "tls" => {
                let known = &signal.tls[..if grpc { 4 } else { 3 }];
                walk.settings(node, path, known, &[])
            }
            _ => match signal.otlp.iter().find(|(known, _)| *known == key) {
                Some((_, name)) => walk.set(name, node, path),
                None if OTLP_UNSUPPORTED.contains(&key) => Key::Unsupported,
                None => Key::Unknown,
            },
        });
        // By the schema a header of the list yields to the one of the same name.
        let mut headers: Vec<String> = listed
            .split(',')
            .map(str::trim)
            .filter(|member| {
                let key = member.split('=').next().unwrap_or_default().trim();
                !member.is_empty() && !named.iter().any(|(name, _)| key.eq_ignore_ascii_case(name))
            })
            .map(str::to_owned)
            .collect();
        headers.extend(named.iter().map(|(name, value)| {
            format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))
        }));
        if !headers.is_empty() {
            self.put(
                signal.headers,
                headers.join(","),
                &format!("{path}.headers"),
            );
        }
        Key::Used
    }

    fn header(&mut self, node: &Node, path: &str) -> Option<(String, String)> {
        let (mut name, mut value) = (None, None);
        self.each(node, path, |walk, key, node, path| {
            match key {
                "name" => name = walk.text(node, path),
                "value" => value = walk.text(node, path),
                _ => return Key::Unknown,
            }
            Key::Used
        });
        Some((name?, value?))
    }

    /// A sampler as the variables say it; `prefix` is `parentbased_` below a parent-based one.
    fn sampler(&mut self, prefix: &str, node: &Node, path: &str) -> Key {
        const NAME: &str = "OTEL_TRACES_SAMPLER";
        self.each(node, path, |walk, key, node, path| match key {
            "always_on" | "always_off" => {
                walk.put(NAME, format!("{prefix}{key}"), path);
                Key::Used
            }
            "trace_id_ratio_based" => {
                walk.put(NAME, format!("{prefix}traceidratio"), path);
                walk.settings(node, path, &[("ratio", "OTEL_TRACES_SAMPLER_ARG")], &[])
            }
            "parent_based" if prefix.is_empty() => {
                walk.put(NAME, "parentbased_always_on".to_owned(), path);
                walk.each(node, path, |walk, key, node, path| {
                    let usual = match key {
                        "root" => return walk.sampler("parentbased_", node, path),
                        "remote_parent_sampled" | "local_parent_sampled" => "always_on",
                        "remote_parent_not_sampled" | "local_parent_not_sampled" => "always_off",
                        _ => return Key::Unknown,
                    };
                    match &node.value {
                        Value::Null => Key::Used,
                        Value::Mapping(members) if members.len() == 1 && members[0].0 == usual => {
                            Key::Used
                        }
                        _ => Key::Unsupported,
                    }
                });
                Key::Used
            }
            "parent_based" | "always_record" => Key::Unsupported,
            _ if key.ends_with("/development") => Key::Unsupported,
            _ => Key::Unknown,
        });
        Key::Used
    }
}
