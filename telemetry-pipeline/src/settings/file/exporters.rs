//! The exporters of the declarative file.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    super::{exporters, syntax},
    signal::Signal,
    walk::{Key, Walk},
    yaml::Node,
};

/// Keys of the schema that have no setting.
const OTLP_UNSUPPORTED: [&str; 2] = ["max_request_size", "max_response_size"];

const MUST_BE_PAIRS: &str =
    "must be key=value pairs, separated by commas and percent-encoded; ignoring it";

impl Walk {
    pub(crate) fn pull(
        &mut self,
        exporters: &mut Vec<&'static str>,
        node: &Node,
        path: &str,
    ) -> Key {
        self.each(node, path, |walk, key, node, path| match key {
            "exporter" => {
                walk.each(node, path, |walk, key, node, path| match key {
                    "prometheus/development" | "prometheus" => {
                        exporters.push("prometheus");
                        walk.settings(
                            node,
                            path,
                            &[
                                ("host", &exporters::PROMETHEUS_HOST),
                                ("port", &exporters::PROMETHEUS_PORT),
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

    pub(crate) fn exporter(
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
        self.put(&signal.otlp.protocol, protocol.to_owned(), path);
        let mut listed = String::new();
        let mut named = Vec::new();
        self.each(node, path, |walk, key, node, path| match key {
            "headers_list" => {
                listed = walk.headers_list(node, path);
                Key::Used
            }
            "headers" => {
                walk.items(node, path, |walk, node, path| {
                    named.extend(walk.header(node, path));
                });
                Key::Used
            }
            "encoding" if !grpc => walk.encoding(signal, node, path),
            "tls" => {
                let known = &signal.of_tls()[..if grpc { 4 } else { 3 }];
                walk.settings(node, path, known, &[])
            }
            _ => match signal.of_exporter().iter().find(|(known, _)| *known == key) {
                Some((_, setting)) => walk.set(*setting, node, path),
                None if OTLP_UNSUPPORTED.contains(&key) => Key::Unsupported,
                None => Key::Unknown,
            },
        });
        let headers = joined(&listed, &named);
        if !headers.is_empty() {
            self.put(&signal.otlp.headers, headers, &format!("{path}.headers"));
        }
        Key::Used
    }

    fn encoding(&mut self, signal: &Signal, node: &Node, path: &str) -> Key {
        match self.text(node, path).as_deref() {
            None | Some("protobuf") => {}
            Some("json") => self.put(&signal.otlp.protocol, "http/json".to_owned(), path),
            Some(_) => self.wrong(node, path, "is neither protobuf nor json; using protobuf"),
        }
        Key::Used
    }

    /// The list if it is valid; else nothing, and a warning that shows none of it.
    fn headers_list(&mut self, node: &Node, path: &str) -> String {
        let list = self.text(node, path).unwrap_or_default();
        if syntax::headers(&list).value.is_some() {
            return list;
        }
        self.wrong(node, path, MUST_BE_PAIRS);
        String::new()
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
        let header = (name?, value?);
        if syntax::headers(&joined("", std::slice::from_ref(&header)))
            .value
            .is_some()
        {
            return Some(header);
        }
        self.wrong(node, path, "is no header; ignoring it");
        None
    }
}

/// One list of headers. By the schema a header of the list yields to the named one of the same name.
fn joined(listed: &str, named: &[(String, String)]) -> String {
    let is_named = |member: &&str| {
        let key = member.split('=').next().unwrap_or_default().trim();
        named.iter().any(|(name, _)| key.eq_ignore_ascii_case(name))
    };
    let listed = listed.split(',').map(str::trim);
    let listed = listed.filter(|member| !member.is_empty() && !is_named(member));
    let encoded = named
        .iter()
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    let headers: Vec<String> = listed.map(str::to_owned).chain(encoded).collect();
    headers.join(",")
}
